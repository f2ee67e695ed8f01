"""The run streams over ports in memory, and readers of them."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from services.gateway.domain.access import Principal
from services.gateway.domain.beats import Heard, Part
from services.gateway.domain.merging import Observations
from services.gateway.live import Change, Hub
from services.gateway.queries import Queries
from services.gateway.streams import Idle, RunStreams, Told
from shared.contracts.desired import DesiredRecord, PagePosition, StoredApplication
from shared.contracts.facts import ObservationOrder, PodsObserved
from shared.contracts.identity import AppUid, ClusterName, RunId, StepId, Tenant, run_id
from shared.contracts.phases import AppPhase, RunPhase, StepPhase
from shared.contracts.projection import ProjectedRun
from shared.contracts.registry import ClusterRecord, Role
from shared.contracts.runs import Action, RunAccepted, RunEvent, RunPhaseChanged, StepOutline, StepPhaseChanged
from shared.contracts.views import RunSummary, RunView
from shared.errors import Retryable
from shared.runtime.stopping import Stopping
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
