"""What a reader of a run is told: every change once and in order, whatever the bus loses."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest

from services.gateway import live, streams
from services.gateway.domain.access import Principal
from services.gateway.domain.beats import Heard, Part
from services.gateway.domain.merging import Observations
from services.gateway.domain.refusals import NotFound
from services.gateway.live import Change, Feed, Hub, Progress
from services.gateway.queries import Queries
from services.gateway.streams import End, Idle, RunStreams, State, Told, TooManyReaders
from shared.contracts.desired import DesiredRecord, PagePosition, StoredApplication
from shared.contracts.facts import ObservationOrder, PodsObserved
from shared.contracts.identity import AppUid, ClusterName, RunId, StepId, Tenant, run_id
from shared.contracts.phases import AppPhase, Reason, RunPhase, StepPhase
from shared.contracts.projection import ProjectedRun
from shared.contracts.registry import ClusterRecord, Role
from shared.contracts.runs import Action, RunAccepted, RunEvent, RunPhaseChanged, StepOutline, StepPhaseChanged
from shared.contracts.views import RunSummary, RunView
from shared.errors import Retryable
from shared.runtime.stopping import Stopping
from tests.support.conditions import until
from tests.support.records import EAST, NOW, UID, a_record, stored

ANN = Principal(tenant=Tenant("acme"), actor="ann", role=Role.VIEWER)
RUN = run_id(UID, 1)
APP = a_record().app


class World:
    """Every port that the streams need, in memory: the archive, the projections and the desired record."""

    def __init__(self) -> None:
        self.events: list[RunEvent] = []
        self.projected = 0
        """How far the projection is."""
        self.record: DesiredRecord | None = a_record()
        self.down = False
        self.reads = 0

    def happen(self, count: int = 1, *, end: RunPhase | None = None) -> None:
        """Archive further events."""
        header: dict[str, Any] = {"app": APP, "uid": UID, "run": RUN, "generation": 1, "at": NOW}
        for _ in range(count):
            n = len(self.events) + 1
            if n == 1:
                outline = StepOutline.model_validate(
                    {
                        "cluster": "east",
                        "namespace": "acme-dev",
                        "step": "web",
                        "component": "web",
                        "job_type": "worker",
                    }
                )
                self.events.append(
                    RunAccepted(**header, n=n, action=Action.DEPLOY, requested_by="ann", steps=(outline,))
                )
            else:
                self.events.append(
                    StepPhaseChanged(
                        **header, n=n, cluster=EAST, step=StepId("web"), phase=StepPhase.RUNNING, message=str(n)
                    )
                )
        if end is not None:
            self.events.append(RunPhaseChanged(**header, n=len(self.events) + 1, phase=end))

    @property
    def restated(self) -> Mapping[ClusterName, ObservationOrder]:
        return {}

    @property
    def heard(self) -> Mapping[Part, Heard]:
        return {}

    def project(self) -> None:
        """Let the projection catch up."""
        self.projected = len(self.events)

    async def run_events(self, uid: AppUid, *, after: int, limit: int, run: RunId | None = None) -> list[RunEvent]:
        self.reads += 1
        if self.down:
            raise Retryable("away")
        found = [e for e in self.events if e.uid == uid and e.n > after and run in (None, e.run)]
        return found[:limit]

    async def run(self, run: RunId) -> RunView | None:
        if run != RUN or not self.projected:
            return None
        first, *rest = self.events[: self.projected]
        assert isinstance(first, RunAccepted)
        projected = ProjectedRun.accepted(first)
        for event in rest:
            projected.fold(event)
        return projected.current()

    async def load(self, uid: AppUid) -> StoredApplication | None:
        return stored(self.record) if self.record is not None and self.record.uid == uid else None

    async def observations(
        self, uids: Sequence[AppUid], restated: Mapping[ClusterName, ObservationOrder]
    ) -> Mapping[AppUid, Observations]:
        assert restated == {}
        return {uid: {} for uid in uids}

    async def pods(self, uid: AppUid) -> list[PodsObserved]:
        assert uid
        return []

    async def by_name(self, namespace: str, name: str) -> StoredApplication | None:
        raise AssertionError((namespace, name))

    async def page(
        self,
        tenant: str,
        namespaces: Sequence[str],
        phases: Sequence[AppPhase],
        *,
        after: PagePosition | None,
        limit: int,
    ) -> list[StoredApplication]:
        raise AssertionError((tenant, namespaces, phases, after, limit))

    async def runs_of(self, uid: AppUid, *, limit: int) -> list[RunSummary]:
        raise AssertionError((uid, limit))

    async def newest_runs(self, uids: Sequence[AppUid]) -> dict[AppUid, RunView]:
        raise AssertionError(uids)

    async def observed_generations(self, uids: Sequence[AppUid]) -> dict[AppUid, int]:
        raise AssertionError(uids)

    async def tenant_of(self, namespace: str) -> Tenant | None:
        raise AssertionError(namespace)

    async def namespaces_of(self, tenant: Tenant) -> list[str]:
        raise AssertionError(tenant)

    async def clusters(self) -> list[ClusterRecord]:
        raise AssertionError


class NoRevisions:
    """Nobody asks for any."""

    async def load(self, uid: AppUid, generation: int) -> DesiredRecord | None:
        raise AssertionError(uid, generation)

    async def of(self, uid: AppUid) -> list[DesiredRecord]:
        raise AssertionError(uid)


async def allowed() -> bool:
    return True


class Bench:
    """Hub and streams over a world."""

    def __init__(self, world: World, *, max_readers: int = 100) -> None:
        self.world = world
        self.hub = Hub(world, readers_changed=lambda _: None)
        queries = Queries(
            store=world,
            revisions=NoRevisions(),
            registry=world,
            projections=world,
            live=world,
            monotonic_s=lambda: 0.0,
        )
        self.streams = RunStreams(hub=self.hub, queries=queries, history=world, store=world, max_readers=max_readers)
        self.stopping = Stopping()

    async def open(self, *, after: int | None = None) -> AsyncGenerator[Told, None]:
        return await self.streams.open(ANN, RUN, after=after, still_allowed=allowed)


@asynccontextmanager
async def bench(world: World, *, max_readers: int = 100) -> AsyncGenerator[Bench, None]:
    running = Bench(world, max_readers=max_readers)
    async with asyncio.TaskGroup() as group:
        group.create_task(running.hub.work(running.stopping))
        yield running
        running.stopping.request()


@pytest.fixture
def world() -> World:
    return World()


async def rest(stream: AsyncGenerator[Told, None]) -> list[Told]:
    async with asyncio.timeout(20):
        return [told async for told in stream if not isinstance(told, Idle)]


async def some(stream: AsyncGenerator[Told, None], count: int) -> list[Told]:
    found: list[Told] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            told = await anext(stream)
            if not isinstance(told, Idle):
                found.append(told)
    return found


def numbers(told: list[Told]) -> list[int]:
    return [each.event.n for each in told if isinstance(each, Change)]


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
