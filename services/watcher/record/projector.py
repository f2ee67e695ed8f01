"""Brings projections up to the archive: the bus says *that* something happened, the archive says what."""

from collections import OrderedDict
from collections.abc import Sequence

from services.watcher.record.ports import HistoryPort, ProjectionPort
from shared.contracts.identity import AppUid, RunId
from shared.contracts.projection import ProjectedApp, ProjectedRun
from shared.contracts.runs import ObjectForgotten, RunAccepted, RunEvent

_BATCH = 1000
_REMEMBERED = 10_000
"""Applications; what is forgotten is looked up in the store."""


class Projector:
    """Folds run events into views; safe beside other replicas, for a view is only ever replaced by a newer one."""

    def __init__(self, *, history: HistoryPort, projections: ProjectionPort) -> None:
        self._history = history
        self._projections = projections
        self._reached: OrderedDict[AppUid, int] = OrderedDict()
        """How far applications are at least, those that changed last."""

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
        app = await self._projections.app(uid)
        more = True
        while more:
            found = await self._history.run_events(uid, after=app.n, limit=_BATCH)
            events = _connected(found, app.n)
            if events:
                await self._fold(app, events)
                await self._projections.save_app(uid, app)
            # What is archived from now on has a message of its own.
            more = len(events) == _BATCH
        self._remember(uid, app.n)
        return app.n

    def _remember(self, uid: AppUid, n: int) -> None:
        self._reached[uid] = n
        self._reached.move_to_end(uid)
        if len(self._reached) > _REMEMBERED:
            self._reached.popitem(last=False)

    async def _fold(self, app: ProjectedApp, events: Sequence[RunEvent]) -> None:
        runs: dict[RunId, ProjectedRun] = {}
        for event in events:
            app.fold(event)
            if event.run not in runs:
                stored = await self._projections.run(event.run)
                if stored is not None:
                    runs[event.run] = ProjectedRun.of(stored)
                elif isinstance(event, RunAccepted):
                    runs[event.run] = ProjectedRun.accepted(event)
            if event.run in runs:
                runs[event.run].fold(event)
        for run in runs.values():
            await self._projections.save_run(run.current())
        await self._projections.forget_objects(e for e in events if isinstance(e, ObjectForgotten) and not e.retained)


def _connected(events: Sequence[RunEvent], after: int) -> Sequence[RunEvent]:
    """The events up to the first gap."""
    for position, event in enumerate(events):
        if event.n != after + 1 + position:
            return events[:position]
    return events
