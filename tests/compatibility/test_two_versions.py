"""Replicas of this version and of a derived next one (`next_version`) side by side, on one bus and one database.

The next version is made at test time out of this one: no version that was ever released.
"""

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dev.services import Service
from dev.stack import Options
from shared.bus.connection import Bus
from shared.bus.parked import Parked, list_parked
from shared.runtime.settings import BusSettings
from shared.store.planner_states import STATES
from tests.compatibility.next_version import NEXT, STATE_FIELD, beside, derive
from tests.e2e.system import Document, System, application, component

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420, func_only=True)]

ORDER = ("record", "planner", "gateway", "executor-dev")
"""The one that docs/operations gives: who reads before who writes."""
PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return derive(tmp_path_factory.mktemp("next"))


@pytest.fixture
async def system(progress: Callable[[str], None]) -> AsyncIterator[System]:
    """This version; a stack of its own for each test."""
    async with System.running(Options(clusters=1), progress) as running:
        yield running


@pytest.fixture
async def replicas(system: System, sources: Path) -> AsyncIterator[dict[str, Service]]:
    """One of the next version of each service; not started, ended with the test."""
    made = {name: beside(system.stack, name, sources) for name in ORDER}
    yield made
    for service in made.values():
        await service.process.stop()


async def start(*services: Service) -> None:
    for service in services:
        await service.start()
    await asyncio.gather(*(service.ready() for service in services))


@asynccontextmanager
async def through(system: System, gateway: Service) -> AsyncIterator[System]:
    """The same system, asked through another gateway."""
    headers = {"Authorization": f"Bearer {system.stack.token}"}
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(gateway.url, headers=headers, timeout=timeout) as http:
        yield replace(system, http=http)


@asynccontextmanager
async def operator(system: System) -> AsyncIterator[Bus]:
    settings = BusSettings(nats_credentials_file=system.stack.layout.credentials("admin"))
    bus = await Bus.connect(settings, source="kubemin/test/1", on_closed=lambda: None)
    try:
        yield bus
    finally:
        await bus.close()


async def parked(system: System) -> list[Parked]:
    async with operator(system) as bus:
        return [found async for found in list_parked(bus)]


def shop(namespace: str, name: str) -> Document:
    """Steps that wait for each other, and one that runs once."""
    first, init, last = (f"{name}-{part}" for part in ("first", "init", "last"))
    return application(
        namespace,
        component(first, "webservice", ports=[{"port": 80, "expose": True}]),
        component(init, "task", after=[first]),
        component(last, after=[init]),
        name=name,
    )


async def succeeded(system: System, *runs: str) -> None:
    for run in await asyncio.gather(*(system.ended(run, timeout_s=PATIENCE_S) for run in runs)):
        assert run["phase"] == "Succeeded", run["message"]


async def states(system: System) -> list[dict[str, Any]]:
    found = await system.database.find(STATES, {})
    return [{"version": each["version"], **json.loads(zlib.decompress(each["body"]))} for each in found]


def defects(*services: Service) -> list[str]:
    """Lines of the logs that say that something broke."""
    started = [service.process.log_path for service in services if service.process.pid is not None]
    lines = [line for log in started for line in log.read_text(encoding="utf-8").splitlines()]
    return [line for line in lines if json.loads(line).get("level") in ("error", "critical")]


async def test_facts_of_a_newer_executor_wait_until_the_centre_understands_them(
    system: System, replicas: dict[str, Service]
) -> None:
    namespace, present = await system.enrolled_namespace(), dict(system.stack.services)
    await start(replicas["executor-dev"])
    await present["executor-dev"].process.stop()
    run = await system.apply(shop(namespace, "app"))

    def by_both(found: list[Parked]) -> bool:
        return {"planner-facts", "record-facts"} <= {p.message.consumer for p in found}

    found = await system.until(lambda: parked(system), by_both, timeout_s=PATIENCE_S)
    assert {p.message.reason for p in found} == {"NewerVersion"}
    await system.until(lambda: system.run(run), lambda found: found["phase"] == "Running")
    await start(replicas["planner"], replicas["record"])
    await succeeded(system, run)
    await system.until(lambda: parked(system), lambda left: not left, timeout_s=PATIENCE_S)
    assert not defects(*present.values(), *replicas.values())


async def test_replicas_of_both_versions_deliver_side_by_side(system: System, replicas: dict[str, Service]) -> None:
    namespace, present = await system.enrolled_namespace(), dict(system.stack.services)
    await system.delivered(shop(namespace, "before"))
    await start(*replicas.values())
    async with through(system, replicas["gateway"]) as newer:
        doors = (system, newer)
        runs = [await doors[i % 2].apply(shop(namespace, f"mixed-{i}")) for i in range(6)]
        again = shop(namespace, "before")
        again["spec"]["components"].pop()
        runs.append(await newer.apply(again))
        for door in doors:
            await succeeded(door, *runs)
        assert {state["version"] for state in await states(system)} == {NEXT}
        # What an older planner does not know it would have dropped.
        assert all(state[STATE_FIELD] == NEXT for state in await states(system))

        for name in ORDER:
            run = await newer.apply(shop(namespace, f"while-{name}"))
            await present[name].process.stop()
            await succeeded(newer, run)
        await newer.delivered(shop(namespace, "after"))
        for name in ("before", "mixed-0", "after"):
            await newer.deleted(namespace, name)
            await newer.until(
                lambda name=name: newer.application(namespace, name),  # type: ignore[misc]  # mypy: lambda default
                lambda left: left == {},
            )
        await newer.until(lambda: parked(newer), lambda left: not left, timeout_s=PATIENCE_S)
    assert not defects(*present.values(), *replicas.values())
