"""MongoDB gone, hanging, slow and started again: honest answers meanwhile, nothing accepted is lost, all converges.

KUBEMIN_TEST_MONGODB_GONE_S says for how long it is gone; 20 s pass every time-out and back-off of the services, and a
longer outage repeats what they do.
"""

import asyncio
import os
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import yaml

from dev.processes import free_ports
from dev.stack import Options
from tests.e2e.system import Document, System, application, component, describe
from tests.support.faulty_wire import FaultyWire
from tests.support.run_reader import RunReader

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]

GONE_S = float(os.environ.get("KUBEMIN_TEST_MONGODB_GONE_S", "20"))
ANSWER_S = 8.0
"""The gateway's limit here: less than what MongoDB may take for one operation, so that both time-outs are met."""
LATE_S = 10.0
"""What a busy machine may add to it."""
CONVERGED_S = 120.0
WRITE_EVERY_S = 0.5


@dataclass
class Lost:
    """A system whose services reach MongoDB by a wire that can break."""

    system: System
    wire: FaultyWire

    def pids(self) -> dict[str, int | None]:
        return {name: service.process.pid for name, service in self.system.stack.services.items()}

    def check_alive(self) -> None:
        for service in self.system.stack.services.values():
            service.process.check()
            assert service.process.running


@pytest.fixture(scope="module")
async def lost() -> AsyncIterator[Lost]:
    """A stack of its own: the services that all the others share are not to be cut off from their database."""
    [port] = free_ports(1)
    async with FaultyWire("127.0.0.1", port) as wire:
        # Directly: a driver that asks the server for its address would go past the wire from then on.
        uri = f"mongodb://127.0.0.1:{wire.port}/?directConnection=true&retryWrites=false&journal=true&w=majority"
        options = Options(
            mongodb_port=port, environment={"KUBEMIN_MONGODB_URI": uri, "KUBEMIN_ANSWER_TIMEOUT_S": f"{ANSWER_S}"}
        )
        async with System.running(options, lambda _: None) as system:
            yield Lost(system, wire)


@pytest.fixture(autouse=True)
async def unbroken(lost: Lost) -> AsyncIterator[None]:
    """Whatever a test does, MongoDB is there again for the next one, and nobody has died of it."""
    before = lost.pids()
    yield
    lost.wire.release()
    lost.wire.delay_s = 0.0
    if not lost.system.stack.mongodb.process.running:
        await lost.system.stack.mongodb.start()
    lost.check_alive()
    assert lost.pids() == before


def document(namespace: str, name: str) -> Document:
    """A chain, so that most of its life is still to come when something happens."""
    first = f"{name}-1"
    return application(namespace, component(first), component(f"{name}-2", after=[first]), name=name)


@dataclass
class Answer:
    """What a call got, and how long it took."""

    call: str
    status: int
    seconds: float
    headers: dict[str, str]
    body: Any

    def check_unavailable(self) -> None:
        """503 as documented, in time."""
        said = (self.call, self.status, round(self.seconds, 1), self.body)
        assert self.status == 503, said
        assert self.headers["Content-Type"] == "application/problem+json", said
        assert int(self.headers["Retry-After"]) >= 1, said
        assert self.body["code"] == "Unavailable", said
        assert self.seconds < ANSWER_S + LATE_S, said


async def call(system: System, method: str, path: str, body: Document | None = None) -> Answer:
    started = time.monotonic()
    timeout = aiohttp.ClientTimeout(total=4 * ANSWER_S)
    text = None if body is None else yaml.safe_dump(body)
    headers = {"Content-Type": "application/yaml"} if text is not None else {}
    async with system.http.request(method, f"/api/v1{path}", data=text, headers=headers, timeout=timeout) as response:
        answered = await response.json() if response.content_type.endswith("json") else None
        found = dict(response.headers)
    return Answer(f"{method} {path}", response.status, time.monotonic() - started, found, answered)


async def every_call(system: System, namespace: str, run: str) -> list[Answer]:
    """Each operation that needs the database, all at once."""
    calls: list[tuple[str, str, Document | None]] = [
        ("POST", "/applications", document(namespace, f"never-{secrets.token_hex(4)}")),
        ("POST", "/applications?dryRun=true", document(namespace, "never")),
        ("DELETE", f"/applications/{namespace}/steady", None),
        ("GET", "/applications", None),
        ("GET", f"/applications/{namespace}/steady", None),
        ("GET", f"/applications/{namespace}/steady/runs", None),
        ("GET", f"/runs/{run}", None),
        ("GET", f"/runs/{run}/events", None),
        ("GET", "/clusters", None),
    ]
    return list(await asyncio.gather(*(call(system, *each) for each in calls)))


@dataclass
class Writer:
    """Somebody who goes on deploying, whatever the answers are."""

    system: System
    namespace: str
    accepted: dict[str, str] = field(default_factory=dict)
    """Runs by application."""
    refused: int = 0

    async def write(self) -> None:
        while True:
            name = f"w-{secrets.token_hex(4)}"
            answer = await call(self.system, "POST", "/applications", document(self.namespace, name))
            if answer.status == 202:
                self.accepted[name] = answer.body["run"]
            else:
                answer.check_unavailable()
                self.refused += 1
            await asyncio.sleep(WRITE_EVERY_S)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(self.write(), name="writer")
            yield
            task.cancel()

    async def converged(self) -> None:
        """All that was accepted has been delivered."""
        for name, run in self.accepted.items():
            ended = await self.system.ended(run, timeout_s=CONVERGED_S)
            assert ended["phase"] == "Succeeded", (name, describe(ended))


@pytest.fixture
async def namespace(lost: Lost) -> str:
    """A namespace with an application that has nothing to do with what follows."""
    made = await lost.system.enrolled_namespace()
    await lost.system.delivered(document(made, "steady"))
    return made


@asynccontextmanager
async def read_along(lost: Lost, run: str) -> AsyncIterator[RunReader]:
    """Somebody follows a run, and is told its end in time."""
    reader = RunReader(lost.system.http, run)
    async with asyncio.TaskGroup() as group:
        task = group.create_task(reader.follow(), name="reader")
        await lost.system.until(lambda: _started(reader), bool)
        yield reader
        async with asyncio.timeout(CONVERGED_S):
            await asyncio.wait([task])


async def _started(reader: RunReader) -> bool:
    return reader.start is not None


async def while_away(lost: Lost, namespace: str, run: str, seconds: float) -> int:
    """Ask everything over and over; returns how many answers there were."""
    until = time.monotonic() + seconds
    count = 0
    while count == 0 or time.monotonic() < until:
        for answer in await every_call(lost.system, namespace, run):
            answer.check_unavailable()
            count += 1
        lost.check_alive()
    return count


async def test_gone_and_back(lost: Lost, namespace: str) -> None:
    system = lost.system
    writer = Writer(system, namespace)
    parts = (component("a"), component("b", "task", after=["a"]), component("c", after=["b"]))
    chain = application(namespace, *parts, name="chain")
    async with writer.writing():
        await system.until(lambda: _written(writer), lambda count: count >= 3)
        run = await system.apply(chain)
        async with read_along(lost, run) as reader:
            await system.stack.mongodb.kill()
            count = await while_away(lost, namespace, run, GONE_S)
            assert reader.cuts == 0, "the live stream did not outlive the outage"
            await system.stack.mongodb.start()
        assert reader.end is not None
        assert reader.end["phase"] == "Succeeded", reader.end
        assert reader.without_gap, reader.numbers
        before = len(writer.accepted)
        await system.until(lambda: _written(writer), lambda written: written > before)
    assert count >= 9
    assert writer.refused > 0
    await writer.converged()
    assert (await system.healthy(namespace, "steady"))["generation"] == 1
    assert not [name for name in await _names(system, namespace) if name.startswith("never-")]


async def _written(writer: Writer) -> int:
    return len(writer.accepted)


async def _names(system: System, namespace: str) -> list[str]:
    answer = await system.call("GET", f"/applications?namespace={namespace}&limit=200")
    return [item["name"] for item in answer.body["items"]]


async def test_hanging_and_back(lost: Lost, namespace: str) -> None:
    """Connections stay open and nothing comes: worse than gone, for only a time-out tells."""
    system = lost.system
    run = await system.apply(document(namespace, "hanging"))
    async with read_along(lost, run) as reader:
        lost.wire.hold()
        with suppress(TimeoutError):
            await while_away(lost, namespace, run, 0)
        lost.wire.release()
    assert reader.end is not None
    assert reader.end["phase"] == "Succeeded", reader.end
    assert reader.without_gap, reader.numbers
    assert (await system.healthy(namespace, "steady"))["generation"] == 1


async def test_slow_but_there(lost: Lost, namespace: str) -> None:
    """Each request of a service to MongoDB takes 0.2 s longer; that is no outage."""
    system = lost.system
    lost.wire.delay_s = 0.1
    run = await system.apply(document(namespace, "slow"))
    ended = await system.ended(run, timeout_s=CONVERGED_S)
    assert ended["phase"] == "Succeeded", describe(ended)


async def test_too_slow(lost: Lost, namespace: str) -> None:
    """Slower than the gateway may take for an answer."""
    system = lost.system
    run = await system.apply(document(namespace, "too-slow"))
    lost.wire.delay_s = ANSWER_S / 2
    await while_away(lost, namespace, run, 0)
    lost.wire.delay_s = 0.0
    ended = await system.ended(run, timeout_s=CONVERGED_S)
    assert ended["phase"] == "Succeeded", describe(ended)
    await system.delivered(document(namespace, "afterwards"))


async def test_restarted_in_good_order(lost: Lost, namespace: str) -> None:
    system = lost.system
    writer = Writer(system, namespace)
    async with writer.writing():
        await system.until(lambda: _written(writer), lambda count: count >= 2)
        await system.stack.mongodb.restart()
        before = len(writer.accepted)
        await system.until(lambda: _written(writer), lambda count: count > before)
    await writer.converged()
