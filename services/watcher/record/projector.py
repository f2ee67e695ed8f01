"""Brings projections up to the archive: the bus says *that* something happened, the archive says what."""

from collections.abc import Sequence

from services.watcher.record.ports import HistoryPort, ProjectionPort
from shared.contracts.identity import AppUid, RunId
from shared.contracts.projection import ProjectedApp, ProjectedRun
from shared.contracts.runs import ObjectForgotten, RunAccepted, RunEvent

_BATCH = 1000


class Projector:
    """Folds run events into views; safe beside other replicas, for a view is only ever replaced by a newer one."""

    def __init__(self, *, history: HistoryPort, projections: ProjectionPort) -> None:
        self._history = history
        self._projections = projections

    async def catch_up(self, uid: AppUid) -> int:
        """Fold everything that the archive has and the projections have not; returns how far they are.

        Two planners may archive their decisions out of order: what comes after a gap waits until that is filled.
        Raises Retryable while the store is away; what was stored until then stays.
        """
        app = await self._projections.app(uid)
        while events := _connected(await self._history.run_events(uid, after=app.n, limit=_BATCH), app.n):
            await self._fold(app, events)
            await self._projections.save_app(uid, app)
        return app.n

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
