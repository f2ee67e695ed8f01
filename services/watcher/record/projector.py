"""Brings projections up to the archive: the bus says *that* something happened, the archive says what."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from services.watcher.record.ports import HistoryPort, ProjectionPort
from shared.contracts.identity import AppUid, RunId
from shared.contracts.projection import ProjectedApp, ProjectedRun
from shared.contracts.runs import ObjectForgotten, RunAccepted, RunEvent

_BATCH = 1000
_REMEMBERED = 10_000
"""Applications; what is forgotten is looked up in the store."""
_FOLDED = 256
"""Applications that change at the same time; each holds the view of a run."""

T = TypeVar("T")


class Projector:
    """Folds run events into views; safe beside other replicas, for a view is only ever replaced by a newer one."""

    def __init__(self, *, history: HistoryPort, projections: ProjectionPort) -> None:
        self._history = history
        self._projections = projections
        self._reached: OrderedDict[AppUid, int] = OrderedDict()
        """How far applications are at least, those that changed last."""
        self._folded: OrderedDict[AppUid, _Folded] = OrderedDict()

    async def catch_up(self, uid: AppUid, *, to: int | None = None) -> int:
        """Fold everything that the archive has and the projections have not; returns how far they are.

        Where that is known to be `to` or further, nothing is read: one decision is several messages, and the first of
        them has shown it all.
        Two planners may archive their decisions out of order: what comes after a gap waits until that is filled.
        Raises Retryable while the store is away; what was stored until then stays.
        """
        reached = self._reached.get(uid, 0)
        if to is not None and reached >= to:
            return reached
        # Taken away meanwhile: it is changed in place, and another catch-up of the application may be under way.
        folded = self._folded.pop(uid, None) or _Folded(await self._projections.app(uid))
        more = True
        while more:
            found = await self._history.run_events(uid, after=folded.app.n, limit=_BATCH)
            events = _connected(found, folded.app.n)
            if events:
                await self._fold(folded, events)
                await self._projections.save_app(uid, folded.app)
            # What is archived from now on has a message of its own.
            more = len(events) == _BATCH
        _remember(self._reached, uid, folded.app.n, _REMEMBERED)
        _remember(self._folded, uid, folded, _FOLDED)
        return folded.app.n

    async def _fold(self, folded: "_Folded", events: Sequence[RunEvent]) -> None:
        runs: dict[RunId, ProjectedRun] = {}
        for event in events:
            folded.app.fold(event)
            if event.run not in runs:
                run = await self._run(folded, event)
                if run is not None:
                    runs[event.run] = run
            if event.run in runs:
                runs[event.run].fold(event)
        for run in runs.values():
            await self._projections.save_run(run.current())
            folded.run = run
        await self._projections.forget_objects(e for e in events if isinstance(e, ObjectForgotten) and not e.retained)

    async def _run(self, folded: "_Folded", event: RunEvent) -> ProjectedRun | None:
        """The run of an event as folded so far; None where its beginning is not known."""
        if folded.run is not None and folded.run.view.run == event.run:
            return folded.run
        stored = await self._projections.run(event.run)
        if stored is not None:
            return ProjectedRun.of(stored)
        return ProjectedRun.accepted(event) if isinstance(event, RunAccepted) else None


@dataclass
class _Folded:
    """An application as it was folded last; perhaps outdated, which only means that more is folded again."""

    app: ProjectedApp
    run: ProjectedRun | None = None
    """The one that events were about last."""


def _remember(kept: OrderedDict[AppUid, T], uid: AppUid, value: T, limit: int) -> None:
    kept[uid] = value
    kept.move_to_end(uid)
    if len(kept) > limit:
        kept.popitem(last=False)


def _connected(events: Sequence[RunEvent], after: int) -> Sequence[RunEvent]:
    """The events up to the first gap."""
    for position, event in enumerate(events):
        if event.n != after + 1 + position:
            return events[:position]
    return events
