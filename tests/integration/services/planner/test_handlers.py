"""Handlers and sweeps: what no message asks for is done all the same, and one bad application stops no other."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from services.planner.domain.decide import Deploy
from services.planner.handlers import Facts, TakeUp
from services.planner.sweeping import Sweeper
from shared.bus import topology
from shared.bus.consumer import Backlog
from shared.bus.errors import BusUnavailable
from shared.bus.parking import Parker
from shared.bus.worker import work_batches
from shared.contracts import subjects
from shared.contracts.desired import Audit, Cancellation, DesiredRecord
from shared.contracts.facts import RunPrepared
from shared.contracts.identity import AppName, AppRef, AppUid, run_id
from shared.contracts.phases import RunPhase
from shared.contracts.plan import Plan
from shared.contracts.runs import RunAccepted, RunPhaseChanged
from shared.jobtypes.builtin import BUILTIN
from shared.runtime.stopping import Stopping
from shared.store.archive import Archive
from shared.store.database import Database
from shared.store.planner_states import StoredState
from tests.support.bus import BusStack
from tests.support.conditions import until
from tests.support.planners import Planner
from tests.unit.services.planner.trace import APP, HERE, step

POISONED = AppUid("bad")
WELL = AppUid("good")


def app(uid: AppUid) -> AppRef:
    return APP.model_copy(update={"name": AppName(uid)})


def a_plan(uid: AppUid) -> Plan:
    return Plan(app=app(uid), uid=uid, run=run_id(uid, 1), generation=1, steps=(step("web"),))


async def nothing_waits() -> Backlog:
    return Backlog(settled=0, last=0)


async def nobody_can_tell() -> Backlog:
    raise BusUnavailable("counting", "not connected")


def sweeper(
    planner: Planner,
    *,
    backlog: Callable[[], Awaitable[Backlog]] = nothing_waits,
    clock: Callable[[], float] = time.time,
) -> Sweeper:
    return Sweeper(
        engine=planner.engine,
        take_up=TakeUp(engine=planner.engine, applications=planner.records, registry=BUILTIN),
        applications=planner.records,
        states=planner.states,
        backlog=backlog,
        clock=clock,
    )


@asynccontextmanager
async def running(*tasks: Callable[[Stopping], Awaitable[None]]) -> AsyncIterator[None]:
    """Run until the test has seen enough."""
    stopping = Stopping()
    async with asyncio.TaskGroup() as group:
        for task in tasks:
            group.create_task(_run(task, stopping))
        try:
            yield
        finally:
            stopping.request()


async def _run(task: Callable[[Stopping], Awaitable[None]], stopping: Stopping) -> None:
    await task(stopping)


async def deployed(planner: Planner, uid: AppUid) -> None:
    plan = await planner.engine.remember(a_plan(uid))
    await planner.engine.fold(uid, [Deploy(plan=plan, requested_by="ann")], app=app(uid))


async def poison(planner: Planner, uid: AppUid, *, next_deadline: float) -> None:
    """Overwrite a state by bytes that nobody can read."""
    stored = await planner.states.load(uid)
    assert stored is not None
    broken = StoredState(uid=uid, revision=stored.revision + 1, body=b"no state", outbox=b"")
    assert await planner.states.save(broken, next_deadline=next_deadline)


async def phases(database: Database, uid: AppUid) -> list[RunPhase]:
    events = await Archive(database).run_events(uid, after=0, limit=1000)
    return [e.phase for e in events if isinstance(e, RunPhaseChanged)]


def prepared(uid: AppUid) -> RunPrepared:
    return RunPrepared(
        app=app(uid),
        uid=uid,
        run=run_id(uid, 1),
        generation=1,
        cluster=HERE,
        step="=prepare",  # type: ignore[arg-type]
        attempt=1,
        nonce=1,
        at=datetime.now(UTC),
    )


def a_lost_record() -> DesiredRecord:
    """A record of a while ago."""
    web = {"name": "web", "type": "webservice", "properties": {"image": "nginx"}}
    metadata = {"name": APP.name, "namespace": APP.namespace}
    then = datetime.now(UTC) - timedelta(seconds=10)
    return DesiredRecord(
        app=APP,
        uid=AppUid("5f0c"),
        generation=1,
        document={
            "apiVersion": "core.oam.dev/v1beta1",
            "kind": "Application",
            "metadata": metadata,
            "spec": {"components": [web]},
        },
        clusters=(HERE,),
        audit=Audit(actor="ann", action="create", at=then),
        created_at=then,
    )


async def taken_up(planner: Planner, uid: AppUid) -> None:
    """Let the planner sweep until it has taken up the newest generation."""

    async def observed() -> bool:
        stored = await planner.records.load(uid)
        return stored is not None and not stored.unobserved

    async with running(sweeper(planner).find_unobserved):
        await until(observed)


async def test_record_whose_message_was_lost_is_taken_up(bus: BusStack, ready_database: Database) -> None:
    planner = Planner(ready_database, await bus.connect("planner"))
    record = a_lost_record()
    await planner.records.create(record)
    await taken_up(planner, record.uid)
    (accepted, *_) = await Archive(ready_database).run_events(record.uid, after=0, limit=10)
    assert isinstance(accepted, RunAccepted)
    assert [s.step for s in accepted.steps] == ["web"]


@pytest.mark.parametrize("begun", [True, False])
async def test_cancellation_whose_message_was_lost_ends_the_run_that_it_names(
    bus: BusStack, ready_database: Database, *, begun: bool
) -> None:
    planner = Planner(ready_database, await bus.connect("planner"))
    record = a_lost_record()
    await planner.records.create(record)
    if begun:
        await taken_up(planner, record.uid)
    audit = record.audit.model_copy(update={"actor": "eve", "action": "cancel"})
    cancels = Cancellation(generation=1, requested_by="ann")
    changes = {"generation": 2, "cancels": cancels, "audit": audit}
    assert await planner.records.replace(record.model_copy(update=changes), expected_generation=1)
    await taken_up(planner, record.uid)
    events = await Archive(ready_database).run_events(record.uid, after=0, limit=100)
    assert {event.run for event in events} == {run_id(record.uid, 1)}
    assert (await phases(ready_database, record.uid))[-1] is RunPhase.CANCELLED


async def test_run_of_a_converted_document_names_the_places_of_the_one_that_was_sent(
    bus: BusStack, ready_database: Database
) -> None:
    planner = Planner(ready_database, await bus.connect("planner"))
    storage = {"type": "storage", "properties": {"configMap": [{"name": "settings", "data": {"a": "b"}}]}}
    components = [
        {"name": name, "type": "worker", "properties": {"image": "x", "colour": "red"}, "traits": [storage]}
        for name in ("web", "api")
    ]
    then = datetime.now(UTC)
    record = DesiredRecord(
        app=APP,
        uid=AppUid("5f0d"),
        generation=1,
        document={
            "apiVersion": "core.oam.dev/v1beta1",
            "kind": "Application",
            "metadata": {"name": APP.name, "namespace": APP.namespace},
            "spec": {"components": components},
        },
        clusters=(HERE,),
        places={
            "spec.components[0].properties.colour": "component[4].colour",
            "spec.components[0].traits[0].properties.configMap[0]": "component[4].traits.storage[0]",
            "spec.components[1].traits[0].properties.configMap[0]": "component[2].traits.storage[0]",
        },
        audit=Audit(actor="ann", action="create", at=then),
        created_at=then,
    )
    await planner.records.create(record)
    await TakeUp(engine=planner.engine, applications=planner.records, registry=BUILTIN).take_up(record)
    (accepted, *_) = await Archive(ready_database).run_events(record.uid, after=0, limit=10)
    assert isinstance(accepted, RunAccepted)
    (override,) = accepted.overrides
    assert (override.loser_path, override.winner_path) == (
        "component[4].traits.storage[0]",
        "component[2].traits.storage[0]",
    )
    assert [one.path for one in accepted.warnings] == ["component[4].colour", "spec.components[1].properties.colour"]


async def test_facts_about_a_state_that_cannot_be_read_do_not_hold_up_those_of_others(
    bus: BusStack, ready_database: Database
) -> None:
    connection = await bus.connect("planner")
    planner = Planner(ready_database, connection)
    for uid in (POISONED, WELL):
        await deployed(planner, uid)
    await poison(planner, POISONED, next_deadline=4e9)
    cluster = await bus.connect("cluster-here")
    for uid in (POISONED, WELL):
        await cluster.publish(subjects.status(HERE, app(uid)), prepared(uid))
    consumer = connection.consumer(subjects.STREAM_STATUS, topology.DURABLE_PLANNER_FACTS)

    async def consume(stopping: Stopping) -> None:
        await work_batches(
            consumer,
            Facts(planner.engine).stated,
            stopping=stopping,
            park=Parker(connection, topology.DURABLE_PLANNER_FACTS),
            batch=16,
        )

    async def goes_on() -> bool:
        return RunPhase.RUNNING in await phases(ready_database, WELL)

    async with running(consume):
        await until(goes_on)


async def test_deadline_of_a_state_that_cannot_be_read_does_not_hold_up_those_of_others(
    bus: BusStack, ready_database: Database
) -> None:
    planner = Planner(ready_database, await bus.connect("planner"), clock=lambda: time.time() + 1000)
    for uid in (POISONED, WELL):
        await deployed(planner, uid)
    await poison(planner, POISONED, next_deadline=5)

    async def judged() -> bool:
        return RunPhase.ERROR in await phases(ready_database, WELL)

    late = Planner(ready_database, await bus.connect("planner"), clock=lambda: time.time() + 2000)
    async with running(sweeper(late, clock=lambda: time.time() + 2000).keep_deadlines):
        await until(judged)


@pytest.mark.parametrize(("overdue_s", "judged"), [(30, False), (90, True)])
async def test_deadlines_wait_for_a_bus_that_is_away_but_not_for_ever(
    bus: BusStack, ready_database: Database, overdue_s: float, *, judged: bool
) -> None:
    begun = Planner(ready_database, await bus.connect("planner"), clock=lambda: 1_700_000_000.0)
    await deployed(begun, WELL)
    now = 1_700_000_000.0 + 120 + overdue_s
    late = Planner(ready_database, await bus.connect("planner"), clock=lambda: now)
    # Only its deadline is left, no command to send again.
    stored = await late.states.load(WELL)
    assert stored is not None
    again = StoredState(uid=WELL, revision=stored.revision + 1, body=stored.body, outbox=b"")
    await late.states.save(again, next_deadline=1_700_000_000.0 + 120)
    await sweeper(late, backlog=nobody_can_tell, clock=lambda: now)._due()
    assert (RunPhase.ERROR in await phases(ready_database, WELL)) is judged
