"""Keeps the clusters' signs of life in memory, as the bus tells them."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from services.planner.domain.beats import Beats
from shared.bus.connection import Bus
from shared.bus.messages import decode, open_delivery
from shared.bus.tail import Resync
from shared.contracts import subjects
from shared.contracts.envelope import NewerMessage
from shared.contracts.facts import BEAT, ObservationOrder
from shared.contracts.identity import ClusterName
from shared.errors import Rejected
from shared.logging import get_logger
from shared.runtime.stoppable import until_stopped
from shared.runtime.stopping import Stopping

logger = get_logger(__name__)


class Heartbeats:
    """Listens to the beats of every cluster."""

    def __init__(self, bus: Bus, clock: Callable[[], float]) -> None:
        self._bus = bus
        self._clock = clock
        self._beats = Beats(started_at=clock())

    def reachable(self, cluster: ClusterName) -> bool:
        """Whether executor and observer of the cluster were both heard lately."""
        return self._beats.alive(cluster, self._clock())

    def restated(self) -> Mapping[ClusterName, ObservationOrder]:
        """By cluster: since when everything that exists there was stated."""
        return self._beats.restated

    async def listen(self, stopping: Stopping) -> None:
        """Read along until the stop."""
        beats = self._bus.tail(subjects.STREAM_BEATS, f"{subjects.ROOT}.beat.>", deliver="last_per_subject")
        async for item in until_stopped(stopping, beats):
            if isinstance(item, Resync):
                self._beats.begin()
                continue
            try:
                kept_s = (datetime.now(UTC) - item.stored_at).total_seconds()
                self._beats.hear(decode(BEAT, open_delivery(item)), self._clock(), kept_s=kept_s)
            except (Rejected, NewerMessage) as error:
                # A beat is one of many; what it cannot say now it will say in a moment, or its agent counts as gone.
                logger.warning("beat_ignored", subject=item.subject, error=str(error))
