"""What the bus tells the gateway: signs of life, and that something happened to an application."""

from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import datetime

from services.gateway.domain import beats
from services.gateway.domain.beats import Heard, Part
from services.gateway.live import Hub
from shared.bus.connection import Bus
from shared.bus.delivery import Delivery
from shared.bus.messages import decode, open_delivery
from shared.bus.tail import Resync
from shared.contracts import subjects
from shared.contracts.envelope import NewerMessage
from shared.contracts.facts import BEAT, PROGRESS_FACT, ObservationOrder
from shared.contracts.identity import AppRef, ClusterName
from shared.errors import Rejected
from shared.logging import get_logger
from shared.runtime.stoppable import until_stopped
from shared.runtime.stopping import Stopping

logger = get_logger(__name__)


class BeatListener:
    """Keeps the last beat of every part of every cluster."""

    def __init__(self, bus: Bus, *, now: Callable[[], datetime], monotonic_s: Callable[[], float]) -> None:
        self._bus = bus
        self._now = now
        self._monotonic_s = monotonic_s
        self._heard: dict[Part, Heard] = {}
        self._restatements = beats.Restatements()

    @property
    def restated(self) -> Mapping[ClusterName, ObservationOrder]:
        """By cluster: when everything there was stated anew."""
        return self._restatements.settled

    @property
    def heard(self) -> Mapping[Part, Heard]:
        """The last beat of every part."""
        return self._heard

    async def listen(self, stopping: Stopping) -> None:
        """Take beats in until the stop."""
        tail = self._bus.tail(subjects.STREAM_BEATS, f"{subjects.ROOT}.beat.>", deliver="last_per_subject")
        async for delivery in _messages(stopping, tail):
            try:
                beat = decode(BEAT, open_delivery(delivery))
            except (Rejected, NewerMessage) as error:
                # The next one comes in a moment; until it is understood, its cluster counts as silent.
                logger.warning("beat_ignored", subject=delivery.subject, error=str(error))
                continue
            self._restatements.note(beat, self._monotonic_s())
            self._heard[beat.cluster, beat.part] = beats.heard(
                beat, stored_at=delivery.stored_at, arrived_at=self._now(), arrived_s=self._monotonic_s()
            )


class ChangeListener:
    """Tells the hub about run events and pods."""

    def __init__(self, bus: Bus, hub: Hub) -> None:
        self._bus = bus
        self._hub = hub

    async def runs(self, stopping: Stopping) -> None:
        """Nudge for every run event until the stop; the event itself is read from the archive."""
        tail = self._bus.tail(subjects.STREAM_RUNS, f"{subjects.ROOT}.run.>", deliver="new")
        async for delivery in _messages(stopping, tail, missed=self._hub.nudge_all):
            app = _app(delivery)
            if app is not None:
                self._hub.nudge(app)

    async def pods(self, stopping: Stopping) -> None:
        """Hand on the pods of applications that somebody reads about, until the stop."""
        tail = self._bus.tail(subjects.STREAM_PROGRESS, f"{subjects.ROOT}.progress.>", deliver="new")
        async for delivery in _messages(stopping, tail):
            app = _app(delivery)
            if app is None or not self._hub.interested(app):
                continue
            try:
                observed = decode(PROGRESS_FACT, open_delivery(delivery))
            except (Rejected, NewerMessage) as error:
                # `watcher record` parks it; here it is chatter.
                logger.warning("progress_ignored", subject=delivery.subject, error=str(error))
                continue
            self._hub.show_pods(observed)


async def _messages(
    stopping: Stopping, tail: AsyncGenerator[Delivery | Resync, None], *, missed: Callable[[], None] | None = None
) -> AsyncGenerator[Delivery, None]:
    async for item in until_stopped(stopping, tail):
        if not isinstance(item, Resync):
            yield item
        elif missed is not None:
            missed()


def _app(delivery: Delivery) -> AppRef | None:
    try:
        return subjects.parse(delivery.subject).app
    except ValueError:
        logger.warning("subject_ignored", subject=delivery.subject)
        return None
