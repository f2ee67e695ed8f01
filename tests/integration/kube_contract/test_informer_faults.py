"""The list, watch, list loop against answers that no cluster gives on request."""

import asyncio
import itertools
import json
from contextlib import aclosing
from pathlib import Path
from typing import Any

from aiohttp import web

from shared.kube import ApiUnavailable, Changed, Gone, GroupVersionKind, Interrupted, KubeApi, Listed, watch_kind
from shared.kube.informer import Pace
from shared.kube.kinds import Object
from tests.support.scripted_api import scripted_api

Item = Listed[Object] | Changed[Object] | Interrupted

CONFIG_MAP = GroupVersionKind("v1", "ConfigMap")
QUICK = Pace(min_s=0.05, max_s=0.2, settled_s=5.0)


def listing(version: str, *names: str) -> web.Response:
    items = [{"metadata": {"name": name, "resourceVersion": version}} for name in names]
    return web.json_response({"kind": "ConfigMapList", "metadata": {"resourceVersion": version}, "items": items})


def event(type_: str, **obj: Any) -> bytes:
    return json.dumps({"type": type_, "object": obj}).encode() + b"\n"


async def stream(request: web.Request, *chunks: bytes) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for chunk in chunks:
        await response.write(chunk)
    return response


async def items(api: KubeApi, count: int, pace: Pace = QUICK) -> list[Item]:
    found: list[Item] = []
    async with asyncio.timeout(20), aclosing(watch_kind(api, CONFIG_MAP, stopping=asyncio.Event(), pace=pace)) as seen:
        async for item in seen:
            found.append(item)
            if len(found) == count:
                break
    return found


async def test_expired_version_is_listed_anew(tmp_path: Path) -> None:
    expired = event("ERROR", kind="Status", code=410, reason="Expired", message="too old resource version")

    async def answer(request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            return listing("9", "a")
        return await stream(request, expired)

    async with scripted_api(answer, tmp_path) as api:
        first, interrupted, second = await items(api, 3)

    assert isinstance(first, Listed)
    assert isinstance(interrupted, Interrupted)
    assert isinstance(interrupted.error, Gone)
    assert isinstance(second, Listed)


async def test_410_instead_of_a_watch_is_listed_anew(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            return listing("9", "a")
        return web.json_response({"kind": "Status", "code": 410, "reason": "Expired", "message": "old"}, status=410)

    async with scripted_api(answer, tmp_path) as api:
        first, interrupted, second = await items(api, 3)

    assert isinstance(first, Listed)
    assert isinstance(interrupted, Interrupted)
    assert isinstance(second, Listed)


async def test_watch_that_was_closed_goes_on_at_the_last_version_bookmarks_included(tmp_path: Path) -> None:
    asked: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            return listing("9", "a")
        asked.append(request.query["resourceVersion"])
        bookmark = event("BOOKMARK", metadata={"resourceVersion": "20"})
        added = event("ADDED", metadata={"name": f"m{len(asked)}", "resourceVersion": str(10 + len(asked))})
        return await stream(request, bookmark if len(asked) == 2 else added)

    async with scripted_api(answer, tmp_path) as api:
        found = await items(api, 3)

    assert [type(item) for item in found] == [Listed, Changed, Changed]
    assert asked == ["9", "11", "20"]


async def test_server_that_closes_every_watch_at_once_is_asked_ever_less(tmp_path: Path) -> None:
    asked: list[float] = []
    enough = asyncio.Event()

    async def answer(request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            return listing("9")
        asked.append(asyncio.get_running_loop().time())
        if len(asked) == 6:
            enough.set()
        return await stream(request)

    pace = Pace(min_s=0.05, max_s=0.4, settled_s=5.0)
    stopping = asyncio.Event()

    async def read(api: KubeApi) -> None:
        async for _ in watch_kind(api, CONFIG_MAP, stopping=stopping, pace=pace):
            pass

    async with scripted_api(answer, tmp_path) as api, asyncio.timeout(20), asyncio.TaskGroup() as group:
        group.create_task(read(api))
        await enough.wait()
        stopping.set()

    gaps = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert gaps[0] >= pace.min_s
    assert gaps[-1] >= pace.max_s


async def test_truncated_line_is_an_interruption_and_no_event(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        if "watch" not in request.query:
            return listing("9")
        return await stream(request, event("ADDED", metadata={"name": "a", "resourceVersion": "10"})[:-8])

    async with scripted_api(answer, tmp_path) as api:
        first, second = await items(api, 2)

    assert isinstance(first, Listed)
    assert isinstance(second, Interrupted)
    assert isinstance(second.error, ApiUnavailable)


async def test_shed_load_is_waited_for_as_long_as_asked(tmp_path: Path) -> None:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response({"kind": "Status", "code": 429}, status=429, headers={"Retry-After": "7"})

    async with scripted_api(answer, tmp_path) as api:
        [interrupted] = await items(api, 1)

    assert isinstance(interrupted, Interrupted)
    assert interrupted.retry_in_s >= 7


async def test_list_that_is_refused_is_tried_again(tmp_path: Path) -> None:
    answers = iter([web.json_response({"kind": "Status", "code": 403}, status=403), listing("9", "a")])

    async def answer(request: web.Request) -> web.StreamResponse:
        if request.path == "/readyz":
            return web.Response(text="ok")
        return next(answers) if "watch" not in request.query else await stream(request)

    async with scripted_api(answer, tmp_path) as api:
        interrupted, listed = await items(api, 2)

    assert isinstance(interrupted, Interrupted)
    assert isinstance(listed, Listed)
