"""What a reader of a run is told: every change once and in order, whatever the bus loses."""

import asyncio
from contextlib import aclosing

import pytest

from services.gateway import live, streams
from services.gateway.domain.access import Principal
from services.gateway.domain.refusals import NotFound
from services.gateway.live import Change, Feed, Progress
from services.gateway.streams import End, Idle, State, TooManyReaders
from shared.contracts.facts import ObservationOrder, PodsObserved
from shared.contracts.identity import AppUid, ClusterName, StepId, Tenant
from shared.contracts.phases import Reason, RunPhase
from shared.contracts.registry import Role
from shared.errors import Retryable
from tests.support.conditions import until
from tests.support.records import EAST, NOW, UID, a_record
from tests.unit.services.gateway.streaming import (
    ANN,
    APP,
    RUN,
    World,
    allowed,
    bench,
    numbers,
    rest,
    some,
)


@pytest.fixture
def world() -> World:
    return World()


async def test_state_then_changes_then_end(world: World) -> None:
    world.happen(2)
    world.project()
    async with bench(world) as running, aclosing(await running.open()) as stream:
        [first] = await some(stream, 1)
        assert isinstance(first, State)
        assert first.view.n == 2
        world.happen(3, end=RunPhase.SUCCEEDED)
        running.hub.nudge(APP)
        told = await rest(stream)
    assert numbers(told) == [3, 4, 5, 6]
    assert isinstance(told[-1], End)
    assert (told[-1].summary.phase, told[-1].summary.n) == (RunPhase.SUCCEEDED, 6)


async def test_a_finished_run_is_a_state_and_an_end(world: World) -> None:
    world.happen(2, end=RunPhase.FAILED)
    world.project()
    async with bench(world) as running:
        told = await rest(await running.open())
    assert [type(each) for each in told] == [State, End]


async def test_what_the_bus_lost_is_found_by_the_poll(world: World) -> None:
    world.happen(1)
    world.project()
    async with bench(world) as running, aclosing(await running.open()) as stream:
        await some(stream, 1)
        world.happen(1, end=RunPhase.SUCCEEDED)
        assert numbers(await rest(stream)) == [2, 3]


async def test_a_lagging_projection_loses_nothing(world: World) -> None:
    world.happen(2)
    world.project()
    world.happen(2, end=RunPhase.SUCCEEDED)
    async with bench(world) as running:
        told = await rest(await running.open())
    assert isinstance(told[0], State)
    assert told[0].view.n == 2
    assert numbers(told) == [3, 4, 5]


async def test_a_run_may_be_followed_before_it_begins(world: World) -> None:
    async with bench(world) as running, aclosing(await running.open()) as stream:
        [first] = await some(stream, 1)
        assert isinstance(first, State)
        assert (first.view.phase, first.view.n) == (RunPhase.ACCEPTED, 0)
        world.happen(2, end=RunPhase.SUCCEEDED)
        running.hub.nudge(APP)
        told = await rest(stream)
    assert numbers(told) == [1, 2, 3]
    assert isinstance(told[-1], End)


async def test_a_run_that_never_begins_ends_as_superseded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "IDLE_S", 0.05)
    async with bench(world) as running, aclosing(await running.open()) as stream:
        await some(stream, 1)
        world.record = a_record(generation=2)
        told = await rest(stream)
    [end] = told
    assert isinstance(end, End)
    assert (end.summary.phase, end.summary.reason) == (RunPhase.CANCELLED, Reason.SUPERSEDED)


async def test_resuming_tells_what_was_missed_and_no_state(world: World) -> None:
    world.happen(5, end=RunPhase.SUCCEEDED)
    world.project()
    async with bench(world) as running:
        told = await rest(await running.open(after=3))
    assert numbers(told) == [4, 5, 6]
    assert [type(each) for each in told] == [Change, Change, Change, End]


async def test_resuming_after_the_end_is_just_the_end(world: World) -> None:
    world.happen(2, end=RunPhase.SUCCEEDED)
    world.project()
    async with bench(world) as running:
        assert [type(each) for each in await rest(await running.open(after=3))] == [End]


async def test_resuming_ahead_of_the_projection_is_believed(world: World) -> None:
    world.happen(2)
    world.project()
    world.happen(2, end=RunPhase.SUCCEEDED)
    async with bench(world) as running:
        told = await rest(await running.open(after=4))
    assert numbers(told) == [5]


async def test_a_made_up_position_gets_the_state_and_spoils_nothing_for_others(world: World) -> None:
    world.happen(2)
    world.project()
    async with (
        bench(world) as running,
        aclosing(await running.open(after=10**9)) as liar,
        aclosing(await running.open()) as other,
    ):
        assert [type(each) for each in await some(liar, 1)] == [State]
        await some(other, 1)
        world.happen(1, end=RunPhase.SUCCEEDED)
        running.hub.nudge(APP)
        assert numbers(await rest(other)) == numbers(await rest(liar)) == [3, 4]


async def test_too_much_missed_is_told_as_a_fresh_state(world: World) -> None:
    world.happen(streams.MISSED_EVENTS + 10)
    world.project()
    world.happen(0, end=RunPhase.SUCCEEDED)
    async with bench(world) as running:
        told = await rest(await running.open(after=1))
    assert [type(each) for each in told] == [State, Change, End]


async def test_a_reader_that_fell_behind_the_kept_events_still_gets_each(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "KEPT_EVENTS", 3)
    world.happen(1)
    world.project()
    async with bench(world) as running, aclosing(await running.open()) as stream:
        await some(stream, 1)
        world.happen(20, end=RunPhase.SUCCEEDED)
        running.hub.nudge(APP)
        assert numbers(await rest(stream)) == list(range(2, 23))


def test_a_feed_says_when_it_does_not_keep_what_is_asked_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "KEPT_EVENTS", 3)
    feed = Feed(app=APP, uid=UID, run=RUN)
    assert feed.after(0) is None, "nothing was looked for yet"
    feed.begin(1)
    assert feed.after(0) is None
    assert feed.after(1) == []
    world.happen(8)
    feed.add(world.events[1:])
    assert feed.after(4) is None
    kept = feed.after(5)
    assert kept is not None
    assert [change.event.n for change in kept] == [6, 7, 8]


async def test_many_readers_of_a_run_share_its_reads(world: World) -> None:
    world.happen(1)
    world.project()
    async with bench(world) as running:
        opened = [await running.open() for _ in range(20)]
        for stream in opened:
            await some(stream, 1)
        before = world.reads
        world.happen(3, end=RunPhase.SUCCEEDED)
        for _ in range(50):
            running.hub.nudge(APP)
        for stream in opened:
            assert numbers(await rest(stream)) == [2, 3, 4, 5]
        assert world.reads - before <= 3


async def test_nobody_is_forgotten_and_nothing_is_kept_for_who_has_gone(world: World) -> None:
    world.happen(1)
    world.project()
    async with bench(world, max_readers=1) as running:
        stream = await running.open()
        await some(stream, 1)
        assert running.hub.interested(APP)
        with pytest.raises(TooManyReaders):
            await running.open()
        await stream.aclose()
        assert not running.hub.interested(APP)
        assert running.hub.readers == 0


async def test_pods_are_told_as_they_are_now_and_never_backwards(world: World) -> None:
    def pods(counter: int, step: str = "web") -> PodsObserved:
        order = ObservationOrder(incarnation="i", transitions=1, counter=counter)
        return PodsObserved(
            app=APP, uid=UID, cluster=EAST, step=StepId(step), order=order, at=NOW, pods=(), total=counter
        )

    world.happen(1)
    world.project()
    async with bench(world) as running, aclosing(await running.open()) as stream:
        await some(stream, 1)
        for observed in (pods(2), pods(3), pods(1), pods(1, "db")):
            running.hub.show_pods(observed)
        told = await some(stream, 2)
    shown = {(each.pods.step, each.pods.total) for each in told if isinstance(each, Progress)}
    assert shown == {("web", 3), ("db", 1)}


async def test_pods_of_another_application_of_that_name_are_not_told(world: World) -> None:
    world.happen(1)
    world.project()
    async with bench(world) as running, aclosing(await running.open()) as stream:
        await some(stream, 1)
        order = ObservationOrder(incarnation="i", transitions=1, counter=1)
        running.hub.show_pods(
            PodsObserved(
                app=APP,
                uid=AppUid("other"),
                cluster=ClusterName("east"),
                step=StepId("web"),
                order=order,
                at=NOW,
                pods=(),
                total=0,
            )
        )
        world.happen(0, end=RunPhase.SUCCEEDED)
        running.hub.nudge(APP)
        assert [type(each) for each in await rest(stream)] == [Change, End]


async def test_stopping_ends_the_stream_without_calling_it_the_end(world: World) -> None:
    world.happen(1)
    world.project()
    async with bench(world) as running, aclosing(await running.open()) as stream:
        await some(stream, 1)
        running.stopping.request()
        assert await rest(stream) == []


async def test_a_reader_whose_rights_end_is_let_go(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "IDLE_S", 0.05)
    world.happen(1)
    world.project()

    async def revoked() -> bool:
        return False

    async with bench(world) as running:
        stream = await running.streams.open(ANN, RUN, after=None, still_allowed=revoked)
        assert [type(each) for each in await rest(stream)] == [State]


async def test_a_reader_whose_rights_nobody_can_look_up_stays(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "IDLE_S", 0.05)
    world.happen(1)
    world.project()
    asked = 0

    async def away() -> bool:
        nonlocal asked
        asked += 1
        raise Retryable("away")

    async with bench(world) as running:
        stream = await running.streams.open(ANN, RUN, after=None, still_allowed=away)
        async with aclosing(stream), asyncio.timeout(20):
            told = [type(await anext(stream)) for _ in range(3)]
    assert told == [State, Idle, Idle]
    assert asked >= 1


async def test_a_database_that_is_away_for_a_while_costs_nobody_the_stream(world: World) -> None:
    world.happen(1)
    world.project()
    async with bench(world) as running, aclosing(await running.open()) as stream:
        await some(stream, 1)
        world.down = True
        world.happen(1, end=RunPhase.SUCCEEDED)
        running.hub.nudge(APP)
        reads = world.reads
        await until(lambda: world.reads > reads)
        world.down = False
        assert numbers(await rest(stream)) == [2, 3]


async def test_runs_of_other_tenants_do_not_exist(world: World) -> None:
    world.happen(1)
    world.project()
    stranger = Principal(tenant=Tenant("evil"), actor="eve", role=Role.ADMIN)
    async with bench(world) as running:
        with pytest.raises(NotFound):
            await running.streams.open(stranger, RUN, after=None, still_allowed=allowed)
        world.projected = 0
        with pytest.raises(NotFound):
            await running.streams.open(stranger, RUN, after=None, still_allowed=allowed)
