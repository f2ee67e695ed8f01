"""Catches up with what the archive has although the bus never said so."""

import asyncio
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from services.watcher.record.ports import HistoryPort
from services.watcher.record.projector import Projector
from shared.contracts.identity import AppUid
from shared.errors import Retryable
from shared.logging import get_logger
from shared.runtime.stopping import Stopping
from shared.store.versions import NewerDocument

logger = get_logger(__name__)

_INTERVAL_S = 2.0
_MARGIN_S = 15.0
"""Of clock skew between planners and recorders, and of writes that take long."""
_WHOLE_EVERY_S = 600.0
"""Every application is looked at: at the start, and in case that something escaped the margin."""
_AT_ONCE = 16


class Sweeper:
    """Looks into the archive at intervals; every replica does."""

    def __init__(
        self, *, history: HistoryPort, projector: Projector, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._history = history
        self._projector = projector
        self._monotonic = monotonic
        self._since: datetime | None = None
        self._whole_at = 0.0

    async def sweep(self, stopping: Stopping) -> None:
        """Sweep until the stop."""
        while not await stopping.sleep(_INTERVAL_S):
            try:
                await self.once()
            except Retryable as error:
                logger.warning("sweep_interrupted", error=str(error))

    async def once(self) -> None:
        """Look at what was archived since the last time, or at everything; raises Retryable."""
        begun = datetime.now(UTC)
        if self._since is None or self._monotonic() >= self._whole_at:
            await self._catch_up(dict.fromkeys(await self._history.applications()))
            self._whole_at = self._monotonic() + _WHOLE_EVERY_S
        else:
            archived = await self._history.archived_since(self._since - timedelta(seconds=_MARGIN_S))
            await self._catch_up(archived)
        self._since = begun

    async def _catch_up(self, latest: Mapping[AppUid, int | None]) -> None:
        """Catch up with applications; `latest` is the number of the last event that is known of each."""
        room = asyncio.Semaphore(_AT_ONCE)

        async def one(uid: AppUid, n: int | None) -> None:
            async with room:
                try:
                    await self._projector.catch_up(uid, to=n)
                except NewerDocument as error:
                    logger.info("projection_left_to_newer", uid=uid, error=str(error))
                except Retryable:
                    raise
                except Exception:
                    # An application that cannot be projected is left alone: the others go on.
                    logger.exception("projection_failed", uid=uid)

        outcomes = await asyncio.gather(*(one(uid, n) for uid, n in latest.items()), return_exceptions=True)
        for failure in (o for o in outcomes if o is not None):
            raise failure
