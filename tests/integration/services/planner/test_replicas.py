"""Replicas of the planner on a real bus and a real database: one history, whoever dies."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta

from services.planner.domain.decide import Tick
from shared.bus import Bus
from shared.contracts.commands import ApplyStep, Command, PrepareRun
from shared.contracts.facts import Fact
from shared.contracts.phases import AppPhase, Reason, RunPhase, StepPhase
from shared.contracts.plan import Deadlines
from shared.contracts.runs import AppPhaseChanged, RunEvent, RunPhaseChanged, StepPhaseChanged
from shared.store import archive
from shared.store.archive import Archive
from shared.store.database import Database
from tests.support.bus import BusStack
from tests.support.conditions import until
from tests.support.planners import Counting, Gated, Planner, Silent, facts_about, published, shuffled, take_commands
from tests.unit.services.planner.trace import UID, deployment, job, plan, step


async def archived(database: Database) -> list[RunEvent]:
    return await Archive(database).run_events(UID, after=0, limit=10_000)


def ended(events: list[RunEvent]) -> list[RunPhase]:
    return [e.phase for e in events if isinstance(e, RunPhaseChanged) and e.phase.terminal]


async def one_command(bus: Bus) -> Command:
    (command,) = await take_commands(bus)
    return command


async def next_command(bus: Bus) -> Command:
    """Wait for it, while whoever sends it is at work."""
    async with asyncio.timeout(30):
        while not (commands := await take_commands(bus)):
            pass
    (command,) = commands
    return command


async def test_replicas_racing_over_the_same_facts_write_one_history_without_a_gap(
    bus: BusStack, ready_database: Database
) -> None:
    replicas = [Planner(ready_database, await bus.connect("planner")) for _ in range(2)]
    cluster = await bus.connect("cluster-here")
    steps = [step(f"s{i}", after=[f"s{i - 3}"] if i >= 3 else []) for i in range(12)]
    await asyncio.gather(*(r.deploy(plan(*steps, step("init", job("init")))) for r in replicas))
    events: list[RunEvent] = []
    for round_ in range(60):
        facts = [f for command in await take_commands(cluster) for f in facts_about(command)]
        halves = [shuffled(facts, seed=round_), shuffled(facts, seed=-round_)]
        await asyncio.gather(*(_one_by_one(r, half) for r, half in zip(replicas, halves, strict=True)))
        events = await archived(ready_database)
        if ended(events):
            break
    assert ended(events) == [RunPhase.SUCCEEDED]
    assert [e.n for e in events] == list(range(1, len(events) + 1))
    assert sum(r.conflicts for r in replicas) > 0
    seen = await published(await bus.connect("record"), until=lambda e: len(e) == len(events))
    assert sorted(e.n for e in seen) == [e.n for e in events]
    applied = [e.step for e in events if isinstance(e, StepPhaseChanged) and e.phase is StepPhase.APPLYING]
    assert len(applied) == len(set(applied)) == 13


async def _one_by_one(replica: Planner, facts: list[Fact]) -> None:
    for fact in facts:
        await replica.tell(fact)


async def test_outbox_of_a_killed_planner_is_sent_by_another(bus: BusStack, ready_database: Database) -> None:
    dying = Planner(ready_database, Silent())
    async with asyncio.TaskGroup() as group:
        dies = group.create_task(dying.deploy(plan(step("web"))))

        async def decided() -> bool:
            stored = await dying.states.load(UID)
            return stored is not None and bool(stored.outbox)

        await until(decided)
        dies.cancel()
    other = Planner(ready_database, await bus.connect("planner"))
    await other.engine.flush(UID)
    assert isinstance(await one_command(await bus.connect("cluster-here")), PrepareRun)
    await other.engine.forget_said()
    stored = await other.states.load(UID)
    assert stored is not None
    assert not stored.outbox
    assert [e.n for e in await published(await bus.connect("record"), until=lambda e: len(e) == 2)] == [1, 2]


async def archived_commands(database: Database) -> list[tuple[str, int]]:
    """Step and nonce of each command that the archive tells of."""
    found = await database.find(archive.COMMANDS, {"uid": UID}, sort=(("_id", 1),))
    return [(document["step"], document["nonce"]) for document in found]


async def test_command_does_not_wait_for_the_archive(bus: BusStack, ready_database: Database) -> None:
    slow = Gated(ready_database)
    planner = Planner(ready_database, await bus.connect("planner"), archive=slow)
    cluster = await bus.connect("cluster-here")
    async with asyncio.TaskGroup() as group:
        group.create_task(planner.deploy(plan(step("web"))))
        prepare = await next_command(cluster)
        assert await archived(ready_database) == []
        slow.gate.set()
    await planner.tell(*facts_about(prepare))
    apply = await one_command(cluster)
    events = await archived(ready_database)
    seen = await published(await bus.connect("record"), until=lambda e: len(e) == len(events))
    assert [e.n for e in seen] == [e.n for e in events] == list(range(1, len(events) + 1))
    assert await archived_commands(ready_database) == [(c.step, c.nonce) for c in (prepare, apply)]


async def test_command_of_a_planner_that_died_before_it_was_archived_is_archived_though_another_takes_its_place(
    bus: BusStack, ready_database: Database
) -> None:
    now = [1_700_000_000.0]
    never = Gated(ready_database)
    dying = Planner(ready_database, await bus.connect("planner"), clock=lambda: now[0], archive=never)
    cluster = await bus.connect("cluster-here")
    async with asyncio.TaskGroup() as group:
        dies = group.create_task(dying.deploy(plan(step("web"))))
        first = await next_command(cluster)
        dies.cancel()
    assert await archived_commands(ready_database) == []
    now[0] += 10
    other = Planner(ready_database, await bus.connect("planner"), clock=lambda: now[0])
    await other.tell(Tick())
    again = await one_command(cluster)
    assert again.step == first.step
    assert again.nonce > first.nonce
    assert await archived_commands(ready_database) == [(c.step, c.nonce) for c in (first, again)]


async def test_what_was_decided_while_the_bus_was_away_is_sent_when_it_is_back(
    bus: BusStack, ready_database: Database
) -> None:
    planner = Planner(ready_database, await bus.connect("planner"))
    await bus.server.stop()
    await planner.deploy(plan(step("web")))
    stored = await planner.states.load(UID)
    assert stored is not None
    assert stored.outbox
    assert [e.n for e in await archived(ready_database)] == [1, 2]
    await bus.server.start()
    cluster = await bus.connect("cluster-here")

    async def sent() -> bool:
        await planner.engine.flush(UID)
        await planner.engine.forget_said()
        state = await planner.states.load(UID)
        return state is not None and not state.outbox

    await until(sent, timeout_s=30)
    assert isinstance(await one_command(cluster), PrepareRun)


async def test_what_was_left_behind_is_sent_with_the_next_decision(bus: BusStack, ready_database: Database) -> None:
    planner = Planner(ready_database, await bus.connect("planner"))
    await bus.server.stop()
    await planner.deploy(plan(step("web")))
    await bus.server.start()
    other = Planner(ready_database, await bus.connect("planner"))
    await other.delete(2)
    events = await archived(ready_database)
    seen = await published(await bus.connect("record"), until=lambda e: len(e) == len(events))
    assert [e.n for e in seen] == [e.n for e in events]
    assert await take_commands(await bus.connect("cluster-here")) == []


async def test_replica_that_knows_an_older_state_does_not_decide_on_it(bus: BusStack, ready_database: Database) -> None:
    one, other = [Planner(ready_database, await bus.connect("planner")) for _ in range(2)]
    cluster = await bus.connect("cluster-here")
    await one.deploy(plan(step("web")))
    await other.tell(*facts_about(await one_command(cluster)))
    apply = await one_command(cluster)
    # One at a time: the first changes nothing in the state that it knew.
    await _one_by_one(one, facts_about(apply))
    assert ended(await archived(ready_database)) == [RunPhase.SUCCEEDED]


async def test_what_was_said_is_not_said_again_before_its_outbox_is_cleared(
    bus: BusStack, ready_database: Database
) -> None:
    counting = Counting(await bus.connect("planner"))
    planner = Planner(ready_database, counting)
    await planner.deploy(plan(step("web")))
    prepared = facts_about(await one_command(await bus.connect("cluster-here")))
    await planner.tell(*prepared)
    said = counting.published
    await planner.tell(*prepared)
    assert counting.published == said
    await planner.engine.forget_said()
    assert await planner.states.unsent(datetime.now(UTC) + timedelta(seconds=1), 10) == []


async def test_command_that_is_too_large_for_the_bus_rejects_its_step_and_leaves_nothing_behind(
    bus: BusStack, ready_database: Database
) -> None:
    planner = Planner(ready_database, await bus.connect("planner"))
    cluster = await bus.connect("cluster-here")
    huge = deployment("huge", image=secrets.token_hex(8 * 1024 * 1024))
    await planner.deploy(plan(step("huge", huge), step("web")))
    await planner.tell(*facts_about(await one_command(cluster)))
    web = await one_command(cluster)
    assert isinstance(web, ApplyStep)
    assert web.step == "web"
    events = await archived(ready_database)
    (rejected,) = [e for e in events if isinstance(e, StepPhaseChanged) and e.phase is StepPhase.REJECTED]
    assert (rejected.step, rejected.reason) == ("huge", Reason.INVALID)
    await planner.engine.forget_said()
    stored = await planner.states.load(UID)
    assert stored is not None
    assert not stored.outbox


async def test_facts_do_not_push_a_deadline_that_has_passed_into_the_future(
    bus: BusStack, ready_database: Database
) -> None:
    now = [1_700_000_000.0]
    planner = Planner(ready_database, await bus.connect("planner"), clock=lambda: now[0])
    cluster = await bus.connect("cluster-here")
    await planner.deploy(plan(step("web", deadlines=Deadlines(start_s=60)), step("other")))
    await planner.tell(*facts_about(await one_command(cluster)))
    other = next(c for c in await take_commands(cluster) if c.step == "other")
    now[0] += 61
    await planner.tell(*facts_about(other))
    assert await planner.states.due(now[0], 10) == [UID]


async def test_deleted_application_is_a_tombstone_when_all_is_gone(bus: BusStack, ready_database: Database) -> None:
    planner = Planner(ready_database, await bus.connect("planner"))
    cluster = await bus.connect("cluster-here")
    await planner.deploy(plan(step("web")))
    for _ in range(2):
        await planner.tell(*facts_about(await one_command(cluster)))
    await planner.delete(2)
    await planner.tell(*facts_about(await one_command(cluster)))
    phases = [e.phase for e in await archived(ready_database) if isinstance(e, AppPhaseChanged)]
    assert phases == [AppPhase.DELETING, AppPhase.DELETED]
