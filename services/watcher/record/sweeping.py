"""Catches up with what the archive has although the bus never said so."""

import math
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
_AGAIN_EVERY_S = 15.0
"""What was archived is looked at once more: what comes late would be missed, and each look costs what it finds."""
_MARGIN_S = 15.0
"""Of clock skew between planners and recorders, and of writes that take long."""
_WHOLE_EVERY_S = 600.0
"""Every application is looked at: at the start, and in case that something escaped the margin."""
_TOGETHER = 16
"""Applications; messages wait meanwhile."""


class Sweeper:
    """Looks into the archive at intervals; every replica does."""

    def __init__(
        self, *, history: HistoryPort, projector: Projector, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._history = history
        self._projector = projector
        self._monotonic = monotonic
        self._since = self._again_since = datetime.now(UTC)
        self._again_at = self._whole_at = -math.inf

    async def sweep(self, stopping: Stopping) -> None:
        """Sweep until the stop."""
        while not await stopping.sleep(_INTERVAL_S):
            try:
                await self.once()
            except Retryable as error:
                logger.warning("sweep_interrupted", error=str(error))

    async def once(self) -> None:
        """Look at what was archived since the last time, or at everything; raises Retryable."""
        begun, now = datetime.now(UTC), self._monotonic()
        if now >= self._whole_at:
            await self._catch_up(dict.fromkeys(await self._history.applications()))
            self._whole_at = now + _WHOLE_EVERY_S
            self._again_since, self._again_at = begun, now + _AGAIN_EVERY_S
        elif now >= self._again_at:
            await self._catch_up(await self._history.archived_since(self._again_since - timedelta(seconds=_MARGIN_S)))
            self._again_since, self._again_at = begun, now + _AGAIN_EVERY_S
        else:
            await self._catch_up(await self._history.archived_since(self._since))
        self._since = begun

    async def _catch_up(self, latest: Mapping[AppUid, int | None]) -> None:
        """Catch up with applications; `latest` is the number of the last event that is known of each."""
        uids = list(latest)
        for start in range(0, len(uids), _TOGETHER):
            failures = await self._projector.catch_up({uid: latest[uid] for uid in uids[start : start + _TOGETHER]})
            for uid, error in failures.items():
                # It is left alone.
                if isinstance(error, NewerDocument):
                    logger.info("projection_left_to_newer", uid=uid, error=str(error))
                else:
                    logger.error("projection_failed", uid=uid, exc_info=error)
