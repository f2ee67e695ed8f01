"""Brings projections up to the archive: the bus says *that* something happened, the archive says what."""

import asyncio
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from services.watcher.record.domain.folding import FoldedApp
from services.watcher.record.ports import HistoryPort, ProjectionPort
from shared.contracts.identity import AppUid
from shared.contracts.runs import RunEvent
from shared.store.database import StoreUnavailable

_BATCH = 1000
"""Events in one read."""
_REMEMBERED = 10_000
"""Applications; what is forgotten is looked up in the store."""
_FOLDED = 256
"""Applications that change at the same time; each holds the view of a run."""

T = TypeVar("T")


class Projector:
    """Folds run events into views; safe beside other replicas, for a view is only ever replaced by a newer one.

    Applications are read and written together: what a request costs is paid for all of them once.
    """

    def __init__(self, *, history: HistoryPort, projections: ProjectionPort) -> None:
        self._history = history
        self._projections = projections
        self._reached: OrderedDict[AppUid, int] = OrderedDict()
        """How far applications are at least, those that changed last."""
        self._folded: OrderedDict[AppUid, FoldedApp] = OrderedDict()
        self._turn = asyncio.Lock()
        """Sweeps and messages find the same: the second would write again what the first is writing."""

    async def catch_up(self, named: Mapping[AppUid, int | None]) -> dict[AppUid, Exception]:
        """Fold everything that the archive has and the projections have not, of applications.

        Each comes with the number of an event that it is known to have, if any is. Where that is projected nothing is
        read: one decision is several messages, and the first of them has shown it all.
        Two planners may archive their decisions out of order: what comes after a gap waits until that is filled.
        Returns which applications cannot be projected, and why: the others go on. Raises StoreUnavailable; what was
        stored until then stays.
        """
        async with self._turn:
            behind = [uid for uid, n in named.items() if n is None or self._reached.get(uid, 0) < n]
            return await self._isolated(behind) if behind else {}

    async def _isolated(self, uids: Sequence[AppUid]) -> dict[AppUid, Exception]:
        """Project applications together; where that fails one by one, and tell what is wrong with which."""
        try:
            await self._together(uids)
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one is told of that one
            if len(uids) == 1:
                return {uids[0]: error}
            alone = [await self._isolated([uid]) for uid in uids]
            return {uid: failure for failures in alone for uid, failure in failures.items()}
        return {}

    async def _together(self, uids: Collection[AppUid]) -> None:
        taken = await self._take(uids)
        reading: Collection[AppUid] = uids
        while reading:
            events, reading = await self._read([taken[uid] for uid in reading])
            await self._fold([(taken[uid], its) for uid, its in events.items()])
        for uid, folded in taken.items():
            _remember(self._reached, uid, folded.app.n, _REMEMBERED)
            _remember(self._folded, uid, folded, _FOLDED)

    async def _take(self, uids: Collection[AppUid]) -> dict[AppUid, FoldedApp]:
        """Return applications as they were folded last, or as they are stored."""
        # Taken away: they are changed in place, and where something fails they are no longer what is stored.
        taken = {uid: folded for uid in uids if (folded := self._folded.pop(uid, None)) is not None}
        if others := [uid for uid in uids if uid not in taken]:
            taken |= {uid: FoldedApp(uid, app) for uid, app in (await self._projections.apps(others)).items()}
        return taken

    async def _read(self, reading: Iterable[FoldedApp]) -> tuple[dict[AppUid, list[RunEvent]], list[AppUid]]:
        """Return what follows, up to the first gap, for each of which anything does; and of which there may be more."""
        by_number: dict[int, list[AppUid]] = {}
        for folded in reading:
            by_number.setdefault(folded.app.n, []).append(folded.uid)
        events: dict[AppUid, list[RunEvent]] = {}
        more: list[AppUid] = []
        reads = (self._history.run_events_of(uids, after=n, limit=_BATCH) for n, uids in by_number.items())
        for after, found in zip(by_number, await asyncio.gather(*reads), strict=True):
            connected = _connected(found, after)
            events |= connected
            if len(found) == _BATCH:
                # Otherwise what is archived from now on has a message of its own.
                more += connected
        return events, more

    async def _fold(self, followed: Sequence[tuple[FoldedApp, Sequence[RunEvent]]]) -> None:
        """Fold events and store what they change; how far an application is comes last."""
        unknown = {run for folded, events in followed for run in folded.unknown_runs(events)}
        stored = await self._projections.views(unknown) if unknown else {}
        changes = [folded.fold(events, stored) for folded, events in followed]
        await self._projections.save_runs(
            [view for each in changes for view in each.views], new={run for each in changes for run in each.begun}
        )
        await self._projections.forget_objects(event for each in changes for event in each.forgotten)
        due = [folded for folded, _ in followed if folded.due]
        await self._projections.save_apps(
            {folded.uid: folded.app for folded in due}, new={folded.uid for folded in due if not folded.stored_n}
        )
        for folded in due:
            folded.stored()


def _remember(kept: OrderedDict[AppUid, T], uid: AppUid, value: T, limit: int) -> None:
    kept[uid] = value
    kept.move_to_end(uid)
    if len(kept) > limit:
        kept.popitem(last=False)


def _connected(found: Iterable[RunEvent], after: int) -> dict[AppUid, list[RunEvent]]:
    """The events of each application, up to its first gap; they come in order."""
    connected: dict[AppUid, list[RunEvent]] = {}
    for event in found:
        if event.n == after + 1 + len(connected.get(event.uid, ())):
            connected.setdefault(event.uid, []).append(event)
    return connected
