"""Sets aside messages that no handler can take, with everything that is needed to look at them and to replay them."""

import asyncio
import base64
from collections.abc import AsyncGenerator, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Literal, NamedTuple

from nats.js.errors import APIError, NotFoundError
from pydantic import Base64Bytes, Field

from shared.bus.connection import Bus
from shared.bus.delivery import Delivery
from shared.bus.errors import LIBRARY_ERRORS, OversizeMessage, translate
from shared.bus.messages import NEWER_VERSION
from shared.bus.topology import parked_by
from shared.contracts import subjects
from shared.contracts.envelope import MalformedMessage, NewerMessage, unwrap
from shared.contracts.model import Contract
from shared.errors import Rejected
from shared.logging import get_logger

logger = get_logger(__name__)

_ERROR_LIMIT_CHARS = 4000
_NO_SUCH_MESSAGE = (10037, 10043, 10057)
"""JetStream's err_codes."""


class MessageParked(Contract):
    """A message that a consumer met and could not take."""

    type: Literal["MessageParked"] = "MessageParked"
    consumer: str
    subject: str
    headers: dict[str, str] = Field(default_factory=dict)
    payload: Base64Bytes
    """The message as it was, in base64."""
    payload_dropped: bool = False
    """It was too large to be parked with its payload."""
    reason: str
    """`Malformed`, `NewerVersion`, `IdentityMismatch`, …: CamelCase, stable."""
    error: str
    stream: str
    stream_sequence: int
    parked_at: datetime


class Parked(NamedTuple):
    """A parked message and the number to name it by."""

    sequence: int
    message: MessageParked


class Parker:
    """Parks for one consumer."""

    def __init__(self, bus: Bus, consumer: str) -> None:
        self._bus = bus
        self._consumer = consumer

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
        logger.warning("message_parked", consumer=self._consumer, subject=delivery.subject, reason=reason, error=error)

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


async def list_parked(bus: Bus, consumer: str = "*") -> AsyncGenerator[Parked, None]:
    """Yield what is parked, the oldest first; only the centre's users may."""
    sequence = 1
    subject = parked_by(consumer) if consumer != "*" else f"{subjects.ROOT}.parked.*"
    while True:
        found = await _next(bus, sequence, subject)
        if found is None:
            return
        yield found
        sequence = found.sequence + 1


async def drop(bus: Bus, sequence: int) -> None:
    """Remove a parked message for good.

    Raises:
        Rejected: there is no such message.
        Retryable: the bus is not available.

    """
    try:
        await bus.jetstream.delete_msg(subjects.STREAM_PARKED, sequence)
    except APIError as error:
        if error.err_code in _NO_SUCH_MESSAGE:
            raise Rejected(f"there is no parked message {sequence}", reason="NotFound") from error
        raise translate(error, f"dropping parked message {sequence}") from error
    except LIBRARY_ERRORS as error:
        raise translate(error, f"dropping parked message {sequence}") from error


async def replay(bus: Bus, parked: Parked) -> None:
    """Publish a parked message again as it was, then drop it; without its message id, which may still be known.

    Raises:
        Rejected: it was parked without its payload.
        Retryable: the bus is not available; it stays parked.

    """
    message = parked.message
    if message.payload_dropped:
        raise Rejected(f"parked message {parked.sequence} was too large to keep its payload", reason="PayloadDropped")
    headers = {key: value for key, value in message.headers.items() if not key.startswith("Nats-")}
    await bus.publish_raw(message.subject, message.payload, headers=headers)
    await drop(bus, parked.sequence)


async def replay_understood(bus: Bus, consumer: str) -> int:
    """Replay what an earlier build parked as `NewerVersion` and this one can read; return how many."""
    replayed = 0
    async for parked in list_parked(bus, consumer):
        if parked.message.reason != NEWER_VERSION or parked.message.payload_dropped:
            continue
        try:
            unwrap(parked.message.payload)
        except (MalformedMessage, NewerMessage):
            continue
        await replay(bus, parked)
        replayed += 1
    return replayed


async def _next(bus: Bus, sequence: int, subject: str) -> Parked | None:
    try:
        raw = await bus.jetstream.get_msg(subjects.STREAM_PARKED, seq=sequence, subject=subject, next=True)
    except NotFoundError:
        return None
    except LIBRARY_ERRORS as error:
        raise translate(error, "reading parked messages") from error
    return Parked(raw.seq or 0, MessageParked.model_validate(unwrap(raw.data or b"").data))
