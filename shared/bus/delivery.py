"""One message as a consumer gets it, and how it is settled."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from nats.aio.msg import Msg

from shared.bus.errors import LIBRARY_ERRORS, translate

if TYPE_CHECKING:
    from datetime import datetime


class Message(Protocol):
    """What nats-py delivers, or what stands for it."""

    @property
    def subject(self) -> str:
        """Where it was published."""
        ...

    @property
    def data(self) -> bytes:
        """What was published."""
        ...

    @property
    def headers(self) -> Mapping[str, str] | None:
        """None for none."""
        ...

    @property
    def metadata(self) -> Msg.Metadata:
        """Where it stands in its stream."""
        ...

    async def ack(self) -> None:
        """Done."""
        ...

    async def nak(self, delay: float | None = None) -> None:
        """Again, after seconds."""
        ...

    async def in_progress(self) -> None:
        """Not yet."""
        ...

    async def term(self) -> None:
        """Never again."""
        ...


class Delivery:
    """A message that was delivered, perhaps not for the first time; settled at most once."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self._settled = False
        metadata = message.metadata
        self.subject = message.subject
        self.payload = message.data
        self.headers: dict[str, str] = dict(message.headers or {})
        self.num_delivered = metadata.num_delivered
        """1 for the first delivery."""
        self.stream = metadata.stream
        self.stream_sequence = metadata.sequence.stream
        """Tells messages of one creation of a stream apart; says nothing across a wipe."""
        self.consumer_sequence = metadata.sequence.consumer
        self.num_pending = metadata.num_pending
        """Messages that match and come after this one."""
        self.stored_at: datetime = metadata.timestamp

    @property
    def settled(self) -> bool:
        """Whether it was acknowledged, handed back or terminated."""
        return self._settled

    async def ack(self) -> None:
        """Acknowledge: its effect is durable. The second call does nothing."""
        if not self._settled:
            self._settled = True
            try:
                await self._message.ack()
            except LIBRARY_ERRORS as error:
                raise translate(error, f"acknowledging {self.subject}") from error

    async def nak(self, delay_s: float = 0.0) -> None:
        """Hand back, to be delivered again after the delay; does nothing to a settled one."""
        if not self._settled:
            self._settled = True
            try:
                await self._message.nak(delay=delay_s)
            except LIBRARY_ERRORS as error:
                raise translate(error, f"handing back {self.subject}") from error

    async def in_progress(self) -> None:
        """Start its ack_wait anew."""
        if not self._settled:
            try:
                await self._message.in_progress()
            except LIBRARY_ERRORS as error:
                raise translate(error, f"keeping {self.subject}") from error

    async def term(self) -> None:
        """Never deliver it again; does nothing to a settled one."""
        if not self._settled:
            self._settled = True
            try:
                await self._message.term()
            except LIBRARY_ERRORS as error:
                raise translate(error, f"terminating {self.subject}") from error
