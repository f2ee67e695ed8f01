"""What is parked: reading it, one message after another, and removing it. Only the centre's users may."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from nats.js.api import RawStreamMsg
from nats.js.errors import APIError, NotFoundError
from pydantic import Base64Bytes, Field, ValidationError

from shared.bus.cancellation import cancellable
from shared.bus.connection import Bus
from shared.bus.errors import LIBRARY_ERRORS, translate
from shared.bus.messages import IDENTITY_MISMATCH, MALFORMED
from shared.bus.topology import parked_by
from shared.contracts import subjects
from shared.contracts.envelope import MalformedMessage, NewerMessage, unwrap
from shared.contracts.model import Contract
from shared.errors import Rejected

_NO_MESSAGE_FOUND = 10037
_NO_SUCH_MESSAGE = (_NO_MESSAGE_FOUND, 10043, 10057)
"""JetStream's err_codes."""
_ALL = f"{subjects.ROOT}.parked.*"


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


class NoSuchMessage(Rejected):
    """It was never parked, or has been replayed, dropped or forgotten since."""

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence
        super().__init__(f"there is no parked message {sequence}", reason="NotFound")


async def list_parked(bus: Bus, consumer: str = "*", *, after: int = 0) -> AsyncGenerator[Parked, None]:
    """Yield what is parked with a sequence above `after`, the oldest first.

    Raises:
        Retryable: the bus is not available.

    """
    subject = parked_by(consumer) if consumer != "*" else _ALL
    while (raw := await _next(bus, subject, after)) is not None:
        found = _read(raw)
        yield found
        after = found.sequence


async def find_parked(bus: Bus, sequence: int) -> Parked:
    """Return one parked message.

    Raises:
        NoSuchMessage: there is none of that sequence.
        Retryable: the bus is not available.

    """
    async for found in list_parked(bus, after=sequence - 1):
        if found.sequence == sequence:
            return found
        break
    raise NoSuchMessage(sequence)


@cancellable
async def drop(bus: Bus, sequence: int) -> None:
    """Remove a parked message for good.

    Raises:
        NoSuchMessage: there is none of that sequence.
        Retryable: the bus is not available.

    """
    try:
        await bus.jetstream.delete_msg(subjects.STREAM_PARKED, sequence)
    except APIError as error:
        if error.err_code in _NO_SUCH_MESSAGE:
            raise NoSuchMessage(sequence) from error
        raise translate(error, f"dropping parked message {sequence}") from error
    except LIBRARY_ERRORS as error:
        raise translate(error, f"dropping parked message {sequence}") from error


@cancellable
async def _next(bus: Bus, subject: str, after: int) -> RawStreamMsg | None:
    try:
        return await bus.jetstream.get_msg(subjects.STREAM_PARKED, seq=after + 1, subject=subject, next=True)
    except LIBRARY_ERRORS as error:
        if isinstance(error, NotFoundError) and error.err_code == _NO_MESSAGE_FOUND:
            return None
        raise translate(error, "reading parked messages") from error


def _read(raw: RawStreamMsg) -> Parked:
    """An agent may park whatever it likes on its own subjects: that must not hide what others parked."""
    subject = raw.subject or ""
    try:
        message = MessageParked.model_validate(unwrap(raw.data or b"").data)
    except (MalformedMessage, NewerMessage, ValidationError) as error:
        return Parked(raw.seq or 0, _unreadable(raw, MALFORMED, f"it was not parked as this build parks: {error}"))
    if not _parks_on(message.consumer, subject):
        error_text = f"parked on {subject} in the name of {message.consumer}"
        return Parked(raw.seq or 0, _unreadable(raw, IDENTITY_MISMATCH, error_text))
    return Parked(raw.seq or 0, message)


def _parks_on(consumer: str, subject: str) -> bool:
    try:
        return parked_by(consumer) == subject
    except ValueError:
        return False


def _unreadable(raw: RawStreamMsg, reason: str, error: str) -> MessageParked:
    subject = raw.subject or ""
    return MessageParked.model_construct(
        consumer=subject.rpartition(".")[2],
        subject=subject,
        payload=raw.data or b"",
        reason=reason,
        error=error[:1000],
        stream=subjects.STREAM_PARKED,
        stream_sequence=raw.seq or 0,
        parked_at=raw.time or datetime.now(UTC),
    )
