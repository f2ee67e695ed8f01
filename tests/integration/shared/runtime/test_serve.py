import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import ClientSession, ClientTimeout, web

from shared.errors import Fatal
from shared.metrics import Metrics
from shared.runtime.health import CannotListen
from shared.runtime.service import Task, TaskEnded, serve
from shared.runtime.settings import HttpSettings
from shared.runtime.stopping import Stopping
from tests.support.conditions import until


async def until_stopped(stopping: Stopping) -> None:
    await stopping.wait()


class Service:
    """A service that runs in the scope of `serving`."""

    def __init__(self, port_file: Path) -> None:
        self.stopping = Stopping()
        self.reasons: list[str] = []
        self.metrics = Metrics()
        self._port_file = port_file

    async def get(self, path: str) -> tuple[int, str]:
        port = int(self._port_file.read_text())
        async with (
            ClientSession(timeout=ClientTimeout(total=5)) as session,
            session.get(f"http://127.0.0.1:{port}{path}") as response,
        ):
            return response.status, await response.text()


@asynccontextmanager
async def serving(
    directory: Path,
    tasks: Mapping[str, Task],
    *,
    grace_s: float = 5.0,
    app: web.Application | None = None,
) -> AsyncIterator[Service]:
    port_file = directory / "port"
    service = Service(port_file)
    http = HttpSettings(http_port=0, http_port_file=port_file, stop_grace_s=grace_s)
    async with asyncio.TaskGroup() as group:
        group.create_task(
            serve(
                "test",
                http=http,
                tasks=tasks,
                ready=lambda: service.reasons,
                stopping=service.stopping,
                metrics=service.metrics,
                app=app,
            )
        )
        await until(lambda: port_file.exists() or service.stopping.is_set())
        try:
            yield service
        finally:
            service.stopping.request()


async def run(tasks: Mapping[str, Task], *, grace_s: float = 5.0) -> None:
    http = HttpSettings(http_port=0, stop_grace_s=grace_s)
    async with asyncio.timeout(10):
        await serve("test", http=http, tasks=tasks, ready=list)


async def test_health_readiness_and_metrics_are_served(tmp_path: Path) -> None:
    async with serving(tmp_path, {"endless": until_stopped}) as service:
        assert (await service.get("/healthz"))[0] == 200
        assert await service.get("/readyz") == (200, '{"ready": true, "reasons": []}')
        service.reasons = ["bus: not connected"]
        assert await service.get("/readyz") == (503, '{"ready": false, "reasons": ["bus: not connected"]}')
        service.metrics.counter("beats", "Beats.").inc()
        assert "kubemin_beats_total 1.0" in (await service.get("/metrics"))[1]


async def test_a_services_own_routes_are_on_the_same_port(tmp_path: Path) -> None:
    async def hello(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/api", hello)
    async with serving(tmp_path, {}, app=app) as service:
        assert await service.get("/api") == (200, "hello")


async def test_a_stopping_service_is_not_ready_while_it_finishes(tmp_path: Path) -> None:
    finished = asyncio.Event()

    async def slow(stopping: Stopping) -> None:
        await stopping.wait()
        await finished.wait()

    async with serving(tmp_path, {"slow": slow}) as service:
        service.stopping.request()
        assert await service.get("/readyz") == (503, '{"ready": false, "reasons": ["stopping"]}')
        finished.set()


async def test_a_request_in_flight_is_answered_before_a_stop_is_over(tmp_path: Path) -> None:
    begun, finished = asyncio.Event(), asyncio.Event()

    async def slow(_request: web.Request) -> web.Response:
        begun.set()
        await finished.wait()
        return web.Response(text="done")

    app = web.Application()
    app.router.add_get("/slow", slow)
    async with asyncio.TaskGroup() as group, serving(tmp_path, {"endless": until_stopped}, app=app) as service:
        answer = group.create_task(service.get("/slow"))
        await begun.wait()
        service.stopping.request()
        port = int((tmp_path / "port").read_text())
        await until(lambda: not _listens(port))
        finished.set()
    assert answer.result() == (200, "done")


def _listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization : Bearer CANARY\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer CANARY\x01\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\npassword=CANARY\r\n",
        b"GET http://ann:CANARY@[::/ HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_logged_without_what_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], sent: bytes
) -> None:
    async with serving(tmp_path, {}):
        reader, writer = await asyncio.open_connection("127.0.0.1", int((tmp_path / "port").read_text()))
        writer.write(sent)
        async with asyncio.timeout(10):
            assert b" 400 " in await reader.readline()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    logged = "".join(capsys.readouterr())
    assert "http_unreadable" in logged
    assert "CANARY" not in logged


async def returns(_stopping: Stopping) -> None:
    """Ends although it should not."""


async def raises(_stopping: Stopping) -> None:
    raise ZeroDivisionError


async def cannot_go_on(_stopping: Stopping) -> None:
    raise Fatal("the disk is gone")


@pytest.mark.parametrize(
    ("task", "sentence"),
    [
        (returns, "task it ended by itself"),
        (raises, "task it failed"),
        (cannot_go_on, "the disk is gone"),
    ],
)
async def test_a_task_that_ends_ends_the_service_and_lets_the_others_finish(task: Task, sentence: str) -> None:
    finished: list[str] = []

    async def other(stopping: Stopping) -> None:
        await stopping.wait()
        finished.append("other")

    with pytest.raises(Fatal, match=sentence):
        await run({"it": task, "other": other})
    assert finished == ["other"]


async def test_a_task_that_does_not_finish_within_the_grace_period_is_cancelled() -> None:
    cancelled: list[str] = []

    async def stubborn(_stopping: Stopping) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append("stubborn")
            raise

    with pytest.raises(TaskEnded):
        await run({"stubborn": stubborn, "it": returns}, grace_s=0.1)
    assert cancelled == ["stubborn"]


async def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    async with serving(tmp_path, {}):
        port = int((tmp_path / "port").read_text())
        with pytest.raises(CannotListen) as refused:
            await serve("second", http=HttpSettings(http_port=port), tasks={}, ready=list)
    assert str(refused.value) == f"cannot listen on 127.0.0.1:{port}: the port is in use by another process"
    assert refused.value.exit_code == 2


async def test_sleeping_ends_with_the_stop() -> None:
    stopping = Stopping()
    assert not await stopping.sleep(0.01)
    asyncio.get_running_loop().call_soon(stopping.request)
    async with asyncio.timeout(5):
        assert await stopping.sleep(60)


async def test_the_first_failure_is_the_one_that_counts() -> None:
    stopping = Stopping()
    stopping.fail(Fatal("first"))
    stopping.fail(Fatal("second"))
    assert str(stopping.failure) == "first"
