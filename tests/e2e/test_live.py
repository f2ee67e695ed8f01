"""The live stream: first the state, then each change, resumable."""

import asyncio
import json
from typing import Any

import pytest

from tests.e2e.system import System, application, component

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]


async def read(system: System, run: str, *, last: int | None = None) -> list[tuple[str, int | None, Any]]:
    """Events of a run until the gateway ends the stream."""
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": str(last)} if last is not None else {})
    found: list[tuple[str, int | None, Any]] = []
    fields: dict[str, str] = {}
    async with asyncio.timeout(60), system.http.get(f"/api/v1/runs/{run}/events", headers=headers) as response:
        assert response.status == 200
        async for raw in response.content:
            line = raw.decode().rstrip("\n")
            if line:
                name, _, value = line.partition(":")
                fields[name] = fields.get(name, "") + value.removeprefix(" ")
            elif "event" in fields:
                number = int(fields["id"]) if "id" in fields else None
                found.append((fields["event"], number, json.loads(fields["data"])))
                fields = {}
            else:
                fields = {}
    return found


async def test_reader_gets_the_state_then_every_change_without_a_gap(system: System, namespace: str) -> None:
    run = await system.apply(application(namespace, component("a"), component("b", after=["a"])))
    events = await read(system, run)
    assert events[0][0] == "state"
    assert events[-1][0] == "end"
    assert events[-1][2]["phase"] == "Succeeded"
    start = events[0][1] or 0
    numbers = [number for kind, number, _ in events if kind == "change"]
    assert numbers == list(range(start + 1, start + 1 + len(numbers)))


async def test_reader_that_comes_back_gets_what_it_missed_and_nothing_twice(system: System, namespace: str) -> None:
    run = await system.apply(application(namespace, component("a")))
    ended = await system.ended(run)
    events = await read(system, run, last=2)
    numbers = [number for kind, number, _ in events if kind == "change"]
    assert numbers == list(range(3, ended["n"] + 1))


async def test_dry_run_tells_the_plan_and_touches_nothing(system: System, namespace: str) -> None:
    storage = {"type": "storage", "properties": {"pvc": [{"name": "data", "mountPath": "/data"}]}}
    document = application(namespace, component("db", "statefulset", traits=[storage]), component("web", after=["db"]))
    answer = await system.call("POST", "/applications?dryRun=true", text=json.dumps(document))
    assert answer.status == 200, answer.body
    assert [s["step"] for s in answer.body["steps"]] == ["db=pvc=data", "db", "web"]
    assert await system.application(namespace, "app") == {}
