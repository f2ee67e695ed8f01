"""What callers see while parts are away, and while the gateway itself comes and goes."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.bus import topology
from shared.bus.messages import decode, open_delivery
from shared.contracts import subjects
from shared.contracts.desired import SPEC_EVENT
from shared.contracts.registry import Role
from shared.store.applications import Applications
from tests.integration.services.gateway.conftest import Team
from tests.support.conditions import until
from tests.support.gateway import GatewayStack, gateway_stack


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[GatewayStack]:
    """A stack that a test may break."""
    async with gateway_stack(tmp_path) as stack:
        yield stack


async def a_team(stack: GatewayStack) -> Team:
    name = await stack.tenant()
    return Team(name, f"{name}-dev", stack.caller(await stack.token(name, Role.DEPLOYER, name="ann")))


async def test_without_the_bus_documents_are_accepted_and_found_by_the_sweep(own: GatewayStack) -> None:
    team = await a_team(own)
    await own.bus.server.kill()
    answer = await team.ann.apply(team.document())
    assert (answer.status, answer.body["changed"]) == (202, True)
    waiting = await Applications(own.database).unobserved(10)
    assert [stored.record.uid for stored in waiting] == [answer.body["application"]["uid"]]
    assert (await team.ann.get(team.path())).status == 200
    await own.bus.server.start()
    bus = await own.bus.connect("planner")
    planner = bus.consumer(subjects.STREAM_SPECS, topology.DURABLE_PLANNER_SPECS)
    images = itertools.count(2)

    async def announced() -> bool:
        changed = await team.ann.apply(team.document(image=f"nginx:{next(images)}"))
        assert changed.status == 202
        told = [decode(SPEC_EVENT, open_delivery(d)).record for d in await planner.fetch(10, 0.5)]
        return changed.body["application"]["generation"] in {record.generation for record in told}

    await until(announced, timeout_s=20)


async def test_without_the_database_it_says_when_to_come_back_and_recovers(own: GatewayStack) -> None:
    team = await a_team(own)
    await team.ann.apply(team.document())
    await own.mongodb.kill()
    for answer in (await team.ann.apply(team.document(image="b")), await team.ann.get(team.path())):
        assert (answer.status, answer.body["code"]) == (503, "Unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
        assert "127.0.0.1" not in answer.text
    nobody = own.caller(None)

    async def unready() -> bool:
        return (await nobody.get("/readyz")).status == 503

    await until(unready)
    assert (await nobody.get("/healthz")).status == 200
    await own.mongodb.start()

    async def back() -> bool:
        return (await team.ann.get(team.path())).status == 200

    await until(back, timeout_s=30)
    assert (await team.ann.apply(team.document(image="b"))).body["application"]["generation"] == 2


async def test_an_accepted_document_outlives_everything(own: GatewayStack) -> None:
    team = await a_team(own)
    answer = await team.ann.apply(team.document())
    await asyncio.gather(own.mongodb.kill(), own.bus.server.kill(), own.process.kill())
    await asyncio.gather(own.mongodb.start(), own.bus.server.start())
    await own.start()
    again = own.caller(team.ann.headers["Authorization"].removeprefix("Bearer "))
    view = await again.get(team.path())
    assert view.body["uid"] == answer.body["application"]["uid"]


async def test_stopping_is_quick_and_clean_with_readers_connected(own: GatewayStack) -> None:
    team = await a_team(own)
    run = (await team.ann.apply(team.document())).body["run"]
    async with team.ann.events(run) as stream, asyncio.timeout(60):
        await anext(stream)
        stopping = asyncio.get_running_loop().time()
        await own.process.stop()
        rest = [event async for event in stream]
        assert asyncio.get_running_loop().time() - stopping < 12
    assert rest == [], "a stop is not the end of the run"
    assert own.process.poll() == 0
    assert "Traceback" not in own.log
