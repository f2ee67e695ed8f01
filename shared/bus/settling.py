"""How a delivery ends, by what its handler does.

| the message or its handler                     | the delivery is                                    |
|------------------------------------------------|----------------------------------------------------|
| returns                                        | acknowledged, unless the handler settled it itself |
| is malformed, or not what its subject says     | parked, acknowledged                               |
| is newer than this build                       | given to `newer`; without one parked, acknowledged |
| raises Rejected                                | parked with its reason, acknowledged               |
| raises Retryable                               | handed back, with back-off                         |
| raises anything else                           | logged, handed back; after many deliveries parked  |
| is cancelled                                   | handed back at once                                |
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

from shared.bus.backoff import backoff_s
from shared.bus.delivery import Delivery
from shared.bus.messages import HANDLER_FAILED, NEWER_VERSION, open_delivery
from shared.bus.replaying import Replayed, Settle
from shared.contracts.envelope import Envelope, NewerMessage
from shared.errors import Rejected, Retryable
from shared.logging import get_logger
from shared.runtime import trace
from shared.runtime.stopping import Stopping

logger = get_logger(__name__)

Handler = Callable[[Delivery, Envelope], Awaitable[None]]
Batch = list[tuple[Delivery, Envelope]]
BatchHandler = Callable[[Batch], Awaitable[None]]


class Parking(Protocol):
    """Where messages go that nobody can take."""

    async def park(self, delivery: Delivery, *, reason: str, error: str) -> None:
        """Store it durably; raises Retryable when it is not stored, LeftParked where it has been all along."""
        ...

    async def replay(self, settle: Settle, stopping: Stopping) -> None:
        """Give back what can be taken by now, or is asked for, until the stop."""
        ...


class LeftParked(Retryable):
    """A message that was given back is refused for the same reason as before: it stays parked as it is."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"refused again: {reason}")


class Settler:
    """Runs handlers and settles their deliveries; raises nothing but cancellation."""

    def __init__(self, park: Parking, *, newer: Handler | None, max_deliveries: int) -> None:
        self._parking = park
        self._newer = newer
        self._max_deliveries = max_deliveries

    async def one(self, delivery: Delivery, handler: Handler) -> str:
        """Handle and settle one delivery; returns how it ended."""
        started = time.monotonic()
        outcome = await self._settle(delivery, partial(self._open_and_handle, delivery, handler))
        logger.info(
            "message_handled",
            subject=delivery.subject,
            outcome=outcome,
            num_delivered=delivery.num_delivered,
            duration_s=round(time.monotonic() - started, 4),
        )
        return outcome

    async def again(self, delivery: Delivery, handler: Handler, parked_for: str) -> Replayed:
        """Handle a message that was parked; refused for the same reason, it stays as it is."""
        park = _ParkAgain(self._parking, parked_for)
        # A message of a newer version has its own way on its first delivery only.
        outcome = await Settler(park, newer=None, max_deliveries=self._max_deliveries).one(delivery, handler)
        match outcome:
            case "acknowledged":
                return Replayed(outcome="handled")
            case "parked" | "left":
                return Replayed(outcome="refused", reason=park.reason, error=park.error)
            case _:
                return Replayed(outcome="postponed", error="something that it needs is away, or its handler failed")

    async def batch(self, deliveries: Sequence[Delivery], handler: BatchHandler) -> None:
        """Handle and settle deliveries together; when that fails, those unsettled one by one."""
        started = time.monotonic()
        opened: Batch = []
        for delivery in deliveries:
            try:
                opened.append((delivery, open_delivery(delivery)))
            except (Rejected, NewerMessage):
                # The way of the single message says the same, and settles it.
                await self.one(delivery, _unreachable)
        if opened:
            outcome = await self._handle_batch(opened, handler)
            logger.info(
                "batch_handled",
                messages=len(opened),
                outcome=outcome,
                duration_s=round(time.monotonic() - started, 4),
            )

    async def _handle_batch(self, opened: Batch, handler: BatchHandler) -> str:
        # Its messages may belong to many traces.
        trace.adopt(None)
        try:
            await handler(opened)
            for delivery, _ in opened:
                await delivery.ack()
        except asyncio.CancelledError:
            await _hand_back([delivery for delivery, _ in opened])
            raise
        except Retryable as error:
            logger.info("batch_retried", error=str(error))
            await _hand_back([delivery for delivery, _ in opened], error)
            return "retried"
        except Exception as error:  # noqa: BLE001 - each message meets it again below, where it is logged and settled
            logger.info("batch_split", error=repr(error))
            for delivery, _ in opened:
                if not delivery.settled:
                    await self.one(delivery, partial(alone, handler))
            return "split"
        return "acknowledged"

    async def _open_and_handle(self, delivery: Delivery, handler: Handler) -> None:
        try:
            envelope = open_delivery(delivery)
        except NewerMessage as error:
            if self._newer is None:
                raise Rejected(str(error), reason=NEWER_VERSION) from error
            envelope, handler = error.envelope, self._newer
        trace.adopt(envelope.traceparent)
        await handler(delivery, envelope)

    async def _settle(self, delivery: Delivery, action: Callable[[], Awaitable[None]]) -> str:
        try:
            await action()
            await delivery.ack()
        except asyncio.CancelledError:
            await _hand_back([delivery])
            raise
        except Rejected as error:
            return await self._park(delivery, error.reason, str(error))
        except Retryable as error:
            logger.info("message_retried", subject=delivery.subject, error=str(error))
            await _hand_back([delivery], error)
            return "retried"
        except Exception as error:
            logger.exception("handler_failed", subject=delivery.subject, num_delivered=delivery.num_delivered)
            if delivery.num_delivered >= self._max_deliveries:
                return await self._park(delivery, HANDLER_FAILED, repr(error))
            await _hand_back([delivery], Retryable(HANDLER_FAILED))
            return "failed"
        return "acknowledged"

    async def _park(self, delivery: Delivery, reason: str, error: str) -> str:
        try:
            await self._parking.park(delivery, reason=reason, error=error)
            await delivery.ack()
        except asyncio.CancelledError:
            await _hand_back([delivery])
            raise
        except LeftParked:
            return "left"
        except Retryable as trouble:
            logger.warning("parking_failed", subject=delivery.subject, reason=reason, error=str(trouble))
            await _hand_back([delivery], trouble)
            return "retried"
        return "parked"


class _ParkAgain:
    """Notes why a message that was given back is refused, and parks it anew only if the reason is another."""

    def __init__(self, parking: Parking, before: str) -> None:
        self._parking = parking
        self._before = before
        self.reason = ""
        self.error = ""

    async def park(self, delivery: Delivery, *, reason: str, error: str) -> None:
        self.reason, self.error = reason, error
        if reason == self._before:
            raise LeftParked(reason)
        await self._parking.park(delivery, reason=reason, error=error)

    async def replay(self, settle: Settle, stopping: Stopping) -> None:
        await self._parking.replay(settle, stopping)


async def _hand_back(deliveries: Sequence[Delivery], error: Retryable | None = None) -> None:
    """Hand back what is unsettled: at once, or after the back-off that an error asks for."""
    for delivery in deliveries:
        delay_s = 0.0
        if error is not None:
            delay_s = error.retry_after_s if error.retry_after_s is not None else backoff_s(delivery.num_delivered)
        try:
            await delivery.nak(delay_s)
        except Retryable as trouble:
            # Without a connection the server does it by itself, when ack_wait is over.
            logger.debug("hand_back_failed", subject=delivery.subject, error=str(trouble))


async def alone(handler: BatchHandler, delivery: Delivery, envelope: Envelope) -> None:
    """Hand one message to a handler of batches."""
    await handler([(delivery, envelope)])


async def _unreachable(delivery: Delivery, envelope: Envelope) -> None:
    message = f"{delivery.subject} could not be opened a moment ago: {envelope.id}"
    raise AssertionError(message)
