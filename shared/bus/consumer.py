"""Pulls from a durable that exists already.

Written over requests of its own rather than nats-py's `fetch`, which cannot tell "nothing there" from "no such
consumer", and keeps what a cancelled fetch received out of reach.
"""

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext

from shared.bus.cancellation import cancellable
from shared.bus.delivery import Delivery
from shared.bus.errors import LIBRARY_ERRORS, BusUnavailable, NoStream, StreamRefused, translate

if TYPE_CHECKING:
    from nats.aio.subscription import Subscription

FETCH_LIMIT_S = 2.0
"""A pending fetch does not wake when the server restarts: it must end by itself soon."""
_ANSWER_TIMEOUT_S = 2.0
_NO_MESSAGES = "404"
_TIMED_OUT = "408"
_CONFLICT = "409"
_NO_RESPONDERS = "503"
_SERVER_GOES = ("Server Shutdown", "Leadership Change")


class Backlog(NamedTuple):
    """How far a durable is, in sequences of its stream."""

    settled: int
    """Every message up to this one is acknowledged."""
    last: int
    """The newest that there is."""


class Consumer:
    """One puller of a durable; not for concurrent use."""

    def __init__(
        self,
        client: Client,
        jetstream: JetStreamContext,
        stream: str,
        durable: str,
        *,
        on_missing: Callable[[], None],
    ) -> None:
        self.stream = stream
        self.durable = durable
        self._client = client
        self._jetstream = jetstream
        self._next_subject = f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{durable}"
        self._inbox = client.new_inbox()
        self._on_missing = on_missing
        self._requests = 0
        self._arrived: list[Delivery] = []
        """Received and not handed out yet: a fetch that is cancelled leaves it to the next one, and to `close`."""
        self._subscription: Subscription | None = None

    async def fetch(self, batch: int, timeout_s: float = 1.0) -> list[Delivery]:
        """Return what is there, up to `batch`; else wait for the first message until the time-out, at most 2 s.

        Raises:
            NoStream: when the stream or the durable does not exist.
            BusUnavailable: without a connection or an answer.

        """
        if not self._client.is_connected:
            await asyncio.sleep(min(timeout_s, FETCH_LIMIT_S))
            raise BusUnavailable(self._doing, "not connected")
        try:
            await self._ask({"batch": batch, "no_wait": True}, _ANSWER_TIMEOUT_S, lingering=False)
            if not self._arrived:
                wait_s = min(timeout_s, FETCH_LIMIT_S)
                await self._ask({"batch": 1, "expires": int(wait_s * 1e9)}, wait_s, lingering=True)
        except NoStream:
            self._on_missing()
            raise
        except LIBRARY_ERRORS as error:
            raise translate(error, self._doing) from error
        # No await from here on: what is taken out is returned.
        found, self._arrived = self._arrived[:batch], self._arrived[batch:]
        return found

    @cancellable
    async def pending(self) -> int:
        """Return how many messages wait for their first delivery; agents may not ask."""
        try:
            return (await self._jetstream.consumer_info(self.stream, self.durable)).num_pending or 0
        except LIBRARY_ERRORS as error:
            raise translate(error, self._doing) from error

    @cancellable
    async def backlog(self) -> Backlog:
        """Return how far the durable is, what was delivered to somebody who died included; agents may not ask."""
        try:
            info = await self._jetstream.consumer_info(self.stream, self.durable)
        except LIBRARY_ERRORS as error:
            raise translate(error, self._doing) from error
        waiting = info.num_pending or 0
        last = (info.delivered.stream_seq if info.delivered else 0) + waiting
        if not waiting and not info.num_ack_pending:
            return Backlog(last, last)
        return Backlog(info.ack_floor.stream_seq if info.ack_floor else 0, last)

    async def close(self) -> None:
        """Unsubscribe, and hand back what arrived and nobody fetched."""
        subscription, self._subscription = self._subscription, None
        if subscription is None or self._client.is_closed:
            return
        try:
            while subscription.pending_msgs:
                message = await subscription.next_msg(timeout=_ANSWER_TIMEOUT_S)
                if _status(message) is None:
                    self._arrived.append(Delivery(message))
            while self._arrived:
                await self._arrived.pop().nak()
            await subscription.unsubscribe()
        except LIBRARY_ERRORS as error:
            raise translate(error, self._doing) from error

    @property
    def _doing(self) -> str:
        return f"fetching from {self.stream}/{self.durable}"

    @cancellable
    async def _ask(self, request: dict[str, int | bool], wait_s: float, *, lingering: bool) -> None:
        if self._subscription is None:
            self._subscription = await self._client.subscribe(f"{self._inbox}.*")
        self._requests += 1
        reply = f"{self._inbox}.{self._requests}"
        await self._client.publish(self._next_subject, json.dumps(request).encode(), reply=reply)
        batch = int(request["batch"])
        end = asyncio.get_running_loop().time() + wait_s
        while len(self._arrived) < batch:
            left_s = end - asyncio.get_running_loop().time()
            try:
                message = await self._subscription.next_msg(timeout=max(left_s, 0.001))
            except TimeoutError:
                if lingering or self._arrived:
                    return
                raise
            status = _status(message)
            if status is None:
                # Also what an earlier, cancelled fetch asked for: it was delivered to us.
                self._arrived.append(Delivery(message))
            elif message.subject == reply and (self._arrived or self._ends(status, message)):
                return

    def _ends(self, status: str, message: Msg) -> bool:
        if status in (_NO_MESSAGES, _TIMED_OUT):
            return True
        if status == _NO_RESPONDERS:
            raise NoStream(self._doing)
        if status == _CONFLICT:
            description = (message.headers or {}).get("Description", "")
            if "Consumer Deleted" in description:
                raise NoStream(self._doing)
            if description in _SERVER_GOES:
                raise BusUnavailable(self._doing, description)
            raise StreamRefused(self._doing, int(_CONFLICT), description)
        if status.startswith("1"):
            return False
        raise nats.js.errors.APIError.from_msg(message)


def _status(message: Msg) -> str | None:
    # Only the server's own answers have a status line and no JetStream reply to acknowledge on.
    return message.headers.get("Status") if message.headers and not message.reply else None
