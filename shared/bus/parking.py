"""Sets aside messages that no handler can take, with everything that is needed to look at them and to replay them."""

import asyncio
import base64
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

from shared.bus.connection import Bus
from shared.bus.delivery import Delivery
from shared.bus.errors import OversizeMessage
from shared.bus.parked import MessageParked
from shared.bus.replaying import Replays, Settle
from shared.bus.topology import parked_by
from shared.logging import get_logger
from shared.metrics import Metrics
from shared.runtime.stopping import Stopping

logger = get_logger(__name__)

_ERROR_LIMIT_CHARS = 4000


class Parker:
    """Parks for one consumer."""

    def __init__(self, bus: Bus, consumer: str, metrics: Metrics | None = None) -> None:
        self._bus = bus
        self._consumer = consumer
        metrics = metrics or Metrics()
        self._count = metrics.counter("bus_parked", "Messages set aside", ("consumer", "reason"))

    async def park(self, delivery: Delivery, *, reason: str, error: str) -> None:
        """Store the message in PARKED; acknowledge the delivery afterwards.

        Raises:
            Retryable: it is not parked; hand the delivery back.

        """
        parked = partial(self._parked, delivery, reason, error[:_ERROR_LIMIT_CHARS])
        try:
            await self._publish(parked)
        except OversizeMessage:
            # Only what was published past our own limit gets here; it must not block its consumer for ever.
            await self._publish(partial(parked, payload_dropped=True))
        self._count.labels(self._consumer, reason).inc()
        logger.warning("message_parked", consumer=self._consumer, subject=delivery.subject, reason=reason, error=error)

    async def replay(self, settle: Settle, stopping: Stopping) -> None:
        """Give parked messages back until the stop: on request, and by itself what may be understood by now."""
        await Replays(self._bus, self._consumer).run(settle, stopping)

    def _parked(self, delivery: Delivery, reason: str, error: str, *, payload_dropped: bool = False) -> MessageParked:
        return MessageParked(
            consumer=self._consumer,
            subject=delivery.subject,
            headers={} if payload_dropped else delivery.headers,
            payload=b"" if payload_dropped else base64.b64encode(delivery.payload),
            payload_dropped=payload_dropped,
            reason=reason,
            error=error,
            stream=delivery.stream,
            stream_sequence=delivery.stream_sequence,
            parked_at=datetime.now(UTC),
        )

    async def _publish(self, parked: Callable[[], MessageParked]) -> None:
        # Encoding and compressing megabytes takes a third of a second, which the event loop must not stand still.
        envelope = await asyncio.to_thread(lambda: self._bus.wrap(parked()))
        limit = self._bus.payload_limit_bytes
        await self._bus.publish_raw(parked_by(self._consumer), envelope, headers={}, limit_bytes=limit)
