"""Gives parked messages back to the consumer that parked them.

Nothing is published again: the consumer reads what it parked by itself and hands it to its own handler, so that nobody
needs the right to write on a subject that is another's. A forged entry could otherwise come back as somebody's fact.
"""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Literal

from nats.aio.msg import Msg
from pydantic import Field, TypeAdapter

from shared.bus.cancellation import cancellable
from shared.bus.connection import Bus
from shared.bus.delivery import Delivery
from shared.bus.errors import LIBRARY_ERRORS, BusUnavailable, translate
from shared.bus.messages import NEWER_VERSION, UNKNOWN_TYPE, UNKNOWN_VALUE, decode
from shared.bus.parked import MessageParked, NoSuchMessage, Parked, drop, find_parked, list_parked
from shared.bus.topology import STREAMS, durables
from shared.contracts import subjects
from shared.contracts.envelope import Envelope, MalformedMessage, NewerMessage, unwrap
from shared.contracts.model import Contract
from shared.errors import Rejected, Retryable
from shared.logging import get_logger
from shared.runtime.stopping import Stopping

if TYPE_CHECKING:
    from datetime import datetime

logger = get_logger(__name__)

REPLAY_TIMEOUT_S = 20.0
"""For a handler that takes up a large document."""
_INTERVAL_S = 5.0
_LATER = (NEWER_VERSION, UNKNOWN_TYPE, UNKNOWN_VALUE)
"""What a later build may understand."""


class ReplayParked(Contract):
    """Take this message of yours again."""

    type: Literal["ReplayParked"] = "ReplayParked"
    sequence: int = Field(ge=1)


class Replayed(Contract):
    """What came of it."""

    type: Literal["Replayed"] = "Replayed"
    outcome: Literal["handled", "refused", "postponed"]
    """`handled`: its effect is durable, and it is no longer parked. `refused`: it stays parked. `postponed`: it stays
    parked because something is away at the moment."""
    reason: str = ""
    error: str = ""


Settle = Callable[[Delivery, str], Awaitable[Replayed]]
"""Hands a delivery to the consumer's handler; the text is the reason that it was parked for."""

_REQUEST: TypeAdapter[ReplayParked] = TypeAdapter(ReplayParked)
_ANSWER: TypeAdapter[Replayed] = TypeAdapter(Replayed)
_STREAM_OF = {durable.name: durable.stream for durable in durables(())}
"""Of every central durable; an agent may not read what is parked, and gets its commands again anyway."""
_SUBJECTS_OF = {stream.name: stream.subjects.removesuffix(">") for stream in STREAMS}


class NotReplayable(Rejected):
    """Replaying would do nothing, or something that nobody may."""

    def __init__(self, sequence: int, why: str) -> None:
        self.sequence = sequence
        super().__init__(f"parked message {sequence} cannot be replayed: {why}", reason="NotReplayable")


def check_replayable(parked: Parked) -> None:
    """Raise NotReplayable unless the message can be given back to a consumer that could have parked it."""
    sequence, message = parked
    stream = _STREAM_OF.get(message.consumer)
    if message.payload_dropped:
        raise NotReplayable(sequence, "it was too large to keep its payload")
    if stream is None:
        raise NotReplayable(
            sequence, "it was parked in a cluster, to which the planner sends unanswered commands again by itself"
        )
    if not message.subject.startswith(_SUBJECTS_OF[stream]):
        raise NotReplayable(sequence, f"{message.consumer} gets nothing from {message.subject}")


async def ask_replay(bus: Bus, parked: Parked) -> Replayed:
    """Have the consumer of a parked message take it again.

    Raises:
        NotReplayable: see `check_replayable`.
        NoSuchMessage: it is not parked any more.
        Retryable: the consumer is away, or does not answer in time.

    """
    check_replayable(parked)
    subject = subjects.replay(parked.message.consumer)
    try:
        answer = await bus.request(subject, ReplayParked(sequence=parked.sequence), timeout_s=REPLAY_TIMEOUT_S)
    except Rejected as error:
        # The usual reason: it has gone meanwhile.
        await find_parked(bus, parked.sequence)
        raise BusUnavailable(f"asking {subject}", str(error)) from error
    return decode(_ANSWER, answer)


class Replays:
    """One consumer's parked messages, given back to it: on request, and by itself what it may understand by now."""

    def __init__(self, bus: Bus, consumer: str) -> None:
        self._bus = bus
        self._consumer = consumer
        self._created: datetime | None = None
        """Of the stream: sequences mean nothing beyond it."""
        self._seen = 0
        """Up to there nothing is left that this process has not tried."""
        self._tries: dict[int, int] = {}
        self._stop_serving: Callable[[], Awaitable[None]] | None = None

    async def run(self, settle: Settle, stopping: Stopping) -> None:
        """Give back until the stop; at once for an agent, which may not read what is parked."""
        if self._consumer not in _STREAM_OF:
            return
        try:
            while not stopping.is_set():
                try:
                    await self._serve(settle)
                    await self._try_again(settle, stopping)
                except Retryable as error:
                    logger.debug("replay_interrupted", consumer=self._consumer, error=str(error))
                await stopping.sleep(_INTERVAL_S)
        finally:
            if self._stop_serving is not None:
                await self._stop_serving()

    async def _serve(self, settle: Settle) -> None:
        if self._stop_serving is not None:
            return

        async def answer(envelope: Envelope) -> Replayed:
            request = decode(_REQUEST, envelope)
            parked = await find_parked(self._bus, request.sequence)
            if parked.message.consumer != self._consumer:
                raise NoSuchMessage(request.sequence)
            return await self._replay(parked, settle)

        subject = subjects.replay(self._consumer)
        self._stop_serving = await self._bus.serve(subject, answer, queue=self._consumer)

    async def _try_again(self, settle: Settle, stopping: Stopping) -> None:
        """Try what this process has not tried: an older one beside it may still be parking."""
        await self._notice_new_stream()
        waiting = False
        async for parked in list_parked(self._bus, self._consumer, after=self._seen):
            if stopping.is_set():
                return
            if _may_be_understood(parked.message):
                replayed = await self._replay(parked, settle)
                waiting = waiting or replayed.outcome == "postponed"
            if not waiting:
                self._seen = parked.sequence

    @cancellable
    async def _notice_new_stream(self) -> None:
        try:
            created = (await self._bus.jetstream.stream_info(subjects.STREAM_PARKED)).created
        except LIBRARY_ERRORS as error:
            raise translate(error, "reading parked messages") from error
        if created != self._created:
            self._created, self._seen = created, 0
            self._tries.clear()

    async def _replay(self, parked: Parked, settle: Settle) -> Replayed:
        check_replayable(parked)
        tries = self._tries[parked.sequence] = self._tries.get(parked.sequence, 0) + 1
        replayed = await settle(Delivery(_ParkedMessage(self._bus, parked, tries)), parked.message.reason)
        if replayed.outcome != "postponed":
            self._tries.pop(parked.sequence, None)
        log = logger.info if replayed.outcome == "handled" else logger.debug
        log(
            "parked_message_replayed",
            consumer=self._consumer,
            sequence=parked.sequence,
            subject=parked.message.subject,
            outcome=replayed.outcome,
        )
        return replayed


def _may_be_understood(message: MessageParked) -> bool:
    if message.reason not in _LATER or message.payload_dropped:
        return False
    try:
        check_replayable(Parked(0, message))
        unwrap(message.payload)
    except (NotReplayable, MalformedMessage, NewerMessage):
        return False
    return True


class _ParkedMessage:
    """A parked message in the shape in which nats-py delivers one; acknowledging it drops it."""

    def __init__(self, bus: Bus, parked: Parked, tries: int) -> None:
        self._bus = bus
        self._sequence = parked.sequence
        message = parked.message
        self.subject = message.subject
        self.data = message.payload
        self.headers = {key: value for key, value in message.headers.items() if not key.startswith("Nats-")}
        self.metadata = Msg.Metadata(
            sequence=Msg.Metadata.SequencePair(consumer=0, stream=message.stream_sequence),
            num_pending=0,
            num_delivered=tries,
            timestamp=message.parked_at,
            stream=message.stream,
            consumer=message.consumer,
        )

    async def ack(self) -> None:
        try:
            await drop(self._bus, self._sequence)
        except NoSuchMessage:
            # Another replica was faster; handlers bear both.
            return

    async def nak(self, delay: float | None = None) -> None:
        """It stays where it is."""

    async def in_progress(self) -> None:
        """Nobody else waits for it."""

    async def term(self) -> None:
        await self.ack()
