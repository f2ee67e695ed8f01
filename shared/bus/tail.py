"""Reads along a stream without acknowledging: for live views, and for what is kept in memory.

An ephemeral pull consumer that is made anew where the reading stopped, whenever its numbering has a gap or it is gone.
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from typing import TYPE_CHECKING, Literal

from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, StreamInfo

from shared.bus.cancellation import cancellable
from shared.bus.consumer import Consumer
from shared.bus.delivery import Delivery
from shared.bus.errors import LIBRARY_ERRORS, NoStream, translate
from shared.errors import Retryable
from shared.logging import get_logger

if TYPE_CHECKING:
    from datetime import datetime

logger = get_logger(__name__)

Deliver = Literal["new", "all", "last_per_subject"]

_POLICIES: dict[Deliver, DeliverPolicy] = {
    "all": DeliverPolicy.ALL,
    "last_per_subject": DeliverPolicy.LAST_PER_SUBJECT,
}
_BATCH = 256
_INACTIVE_S = 30.0
_BACKOFF_S = 0.5
_REMOVE_TIMEOUT_S = 1.0


class Resync:
    """Messages were or may have been missed: load the present state from elsewhere; what follows is newer."""


class Tail:
    """One reader."""

    def __init__(
        self,
        client: Client,
        jetstream: JetStreamContext,
        stream: str,
        subject_filter: str,
        deliver: Deliver,
        *,
        on_missing: Callable[[], None],
    ) -> None:
        self._client = client
        self._jetstream = jetstream
        self._stream = stream
        self._filter = subject_filter
        self._deliver = deliver
        self._on_missing = on_missing
        self._created: datetime | None = None
        """Of the stream: sequences mean nothing beyond it."""
        self._last_sequence: int | None = None
        self._started = False

    async def read(self) -> AsyncGenerator[Delivery | Resync, None]:
        """Yield messages for ever."""
        while True:
            consumer: Consumer | None = None
            try:
                consumer, missed = await self._open()
                if missed:
                    yield Resync()
                expected = 1
                async for delivery in _deliveries(consumer):
                    if delivery.consumer_sequence != expected:
                        logger.info("tail_gap", stream=self._stream)
                        break
                    expected += 1
                    self._last_sequence = delivery.stream_sequence
                    yield delivery
            except Retryable as error:
                logger.debug("tail_interrupted", stream=self._stream, error=str(error))
                if isinstance(error, NoStream):
                    self._on_missing()
                # Readers are many: they must not all come back at once.
                await asyncio.sleep(_BACKOFF_S * (0.5 + random.random()))  # noqa: S311 - jitter is no secret
            finally:
                if consumer is not None:
                    await self._remove(consumer)

    @cancellable
    async def _open(self) -> tuple[Consumer, bool]:
        """Make the ephemeral consumer; returns whether messages may have been missed."""
        try:
            info = await self._jetstream.stream_info(self._stream)
            config, missed = self._continue(info)
            created = await self._jetstream.add_consumer(self._stream, config)
        except LIBRARY_ERRORS as error:
            raise translate(error, f"reading along {self._stream}") from error
        if info.created != self._created:
            self._created = info.created
            self._last_sequence = None if self._deliver != "new" else self._last_sequence
        self._started = True
        consumer = Consumer(self._client, self._jetstream, self._stream, created.name, on_missing=self._on_missing)
        return consumer, missed

    def _continue(self, info: StreamInfo) -> tuple[ConsumerConfig, bool]:
        """Say where to read on, and whether messages were or may have been missed before that."""
        config = ConsumerConfig(
            filter_subject=self._filter,
            ack_policy=AckPolicy.NONE,
            mem_storage=True,
            inactive_threshold=_INACTIVE_S,
            num_replicas=1,
        )
        same = info.created == self._created
        # A stream that came back without its end counts on from there: what was read last says nothing any more.
        if same and self._last_sequence is not None and self._last_sequence > info.state.last_seq:
            same, self._created = False, None
        if not same or self._last_sequence is None:
            if self._deliver != "new":
                config.deliver_policy = _POLICIES[self._deliver]
                return config, self._started and not same
            # A sequence, not "new": nothing may slip through between this consumer and the one that replaces it.
            self._last_sequence = info.state.last_seq
        config.deliver_policy = DeliverPolicy.BY_START_SEQUENCE
        config.opt_start_seq = self._last_sequence + 1
        # Where only the last of each subject is kept, what is gone has been replaced by what follows.
        expired = info.config.max_msgs_per_subject != 1 and info.state.first_seq > self._last_sequence + 1
        return config, self._started and (expired or not same)

    async def _remove(self, consumer: Consumer) -> None:
        # It would go by itself; a reader that leaves now spares the server half a minute of it.
        try:
            async with asyncio.timeout(_REMOVE_TIMEOUT_S):
                await consumer.close()
                if self._client.is_connected:
                    await self._jetstream.delete_consumer(self._stream, consumer.durable)
        except (Retryable, *LIBRARY_ERRORS) as error:
            logger.debug("tail_consumer_left", stream=self._stream, error=str(error))


async def _deliveries(consumer: Consumer) -> AsyncGenerator[Delivery, None]:
    while True:
        for delivery in await consumer.fetch(_BATCH, timeout_s=2.0):
            yield delivery
