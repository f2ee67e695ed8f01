"""Messages to the archive and the projections."""

import asyncio
from datetime import UTC, datetime, timedelta

from services.watcher.record.domain.observations import object_view
from services.watcher.record.ports import HistoryPort, ProjectionPort
from services.watcher.record.projector import Projector
from shared.bus.messages import decode
from shared.bus.settling import Batch
from shared.contracts.facts import (
    FACT,
    PROGRESS_FACT,
    Fact,
    ObjectVanished,
    Observed,
    PodsObserved,
    StepFailed,
    StepProgressed,
    StepSucceeded,
)
from shared.contracts.identity import AppUid
from shared.contracts.runs import RUN_EVENT
from shared.errors import Retryable
from shared.logging import get_logger
from shared.runtime.stopping import Stopping

logger = get_logger(__name__)

_SWEEP_INTERVAL_S = 2.0
_SWEEP_WINDOW_S = 30.0
_START_WINDOW_S = 7 * 24 * 3600.0
"""As long as the stream of run events keeps them: what was lost with the bus is found when the recorder starts."""


class Recorder:
    """Archives and projects; every handler may be given the same message twice."""

    def __init__(self, *, history: HistoryPort, projections: ProjectionPort) -> None:
        self._history = history
        self._projections = projections
        self._projector = Projector(history=history, projections=projections)
        self._caught_up: dict[AppUid, int] = {}

    async def run_events(self, batch: Batch) -> None:
        """Handle run events: catch up with the archive for each application that is named."""
        events = [decode(RUN_EVENT, envelope) for _, envelope in batch]
        await self._catch_up({event.uid for event in events})

    async def facts(self, batch: Batch) -> None:
        """Handle facts: archive all, then show what was observed."""
        facts: list[tuple[str, Fact]] = [(envelope.id, decode(FACT, envelope)) for _, envelope in batch]
        await self._history.add_facts(facts)
        latest: dict[tuple[AppUid, str, str], Observed] = {}
        for _, fact in facts:
            if isinstance(fact, StepProgressed | StepSucceeded | StepFailed | ObjectVanished):
                key = (fact.uid, fact.cluster, str(fact.key))
                if key not in latest or fact.order.later_than(latest[key].order):
                    latest[key] = fact
        await self._projections.observe((fact, object_view(fact)) for fact in latest.values())

    async def progress(self, batch: Batch) -> None:
        """Handle pod chatter: show the latest of each step."""
        latest: dict[tuple[AppUid, str, str], PodsObserved] = {}
        for _, envelope in batch:
            fact = decode(PROGRESS_FACT, envelope)
            latest[fact.uid, fact.cluster, fact.step] = fact
        await self._projections.observe_pods(latest.values())

    async def sweep(self, stopping: Stopping) -> None:
        """Catch up with what the archive has although the bus never said so."""
        window_s = _START_WINDOW_S
        while not await stopping.sleep(_SWEEP_INTERVAL_S):
            try:
                since = datetime.now(UTC) - timedelta(seconds=window_s)
                decided = await self._history.decided_since(since)
                behind = {uid for uid, n in decided.items() if self._caught_up.get(uid, 0) < n}
                await self._catch_up(behind)
                self._caught_up = decided
                window_s = _SWEEP_WINDOW_S
            except Retryable as error:
                logger.warning("sweep_interrupted", error=str(error))

    async def _catch_up(self, uids: set[AppUid]) -> None:
        outcomes = await asyncio.gather(*(self._projector.catch_up(uid) for uid in uids), return_exceptions=True)
        for failure in (o for o in outcomes if isinstance(o, BaseException)):
            raise failure
