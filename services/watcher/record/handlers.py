"""Messages to the archive and the projections."""

from typing import TYPE_CHECKING

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
from shared.contracts.runs import RUN_EVENT

if TYPE_CHECKING:
    from shared.contracts.identity import AppUid


class Recorder:
    """Archives and projects; every handler may be given the same message twice."""

    def __init__(self, *, history: HistoryPort, projections: ProjectionPort, projector: Projector) -> None:
        self._history = history
        self._projections = projections
        self._projector = projector

    async def run_events(self, batch: Batch) -> None:
        """Handle run events: catch up with the archive for each application that is named."""
        named: dict[AppUid, int] = {}
        for _, envelope in batch:
            event = decode(RUN_EVENT, envelope)
            named[event.uid] = max(event.n, named.get(event.uid, 0))
        failures = await self._projector.catch_up(named)
        for failure in failures.values():
            raise failure

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
