"""One connection to NATS: publishing, consuming, reading along, requests."""

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js import JetStreamContext
from pydantic import BaseModel

from shared.bus.cancellation import cancellable
from shared.bus.consumer import Consumer
from shared.bus.credentials import Credentials, read_credentials
from shared.bus.delivery import Delivery
from shared.bus.errors import (
    LIBRARY_ERRORS,
    BusUnavailable,
    CannotConnect,
    CredentialsInvalid,
    NoStream,
    OversizeMessage,
    translate,
    unanswered,
)
from shared.bus.tail import Deliver, Resync, Tail
from shared.contracts.envelope import Envelope, MalformedMessage, NewerMessage, unwrap, wrap
from shared.errors import Rejected, Retryable
from shared.logging import get_logger
from shared.runtime import trace
from shared.runtime.settings import BusSettings

logger = get_logger(__name__)

MESSAGE_LIMIT_BYTES = int(5.5 * 1024**2)
"""Payload and headers of what we publish; the rest of max_payload is room for its parking envelope."""
REQUIRED_MAX_PAYLOAD_BYTES = 8 * 1024**2
_HEADER_ROOM_BYTES = 1024
_CONNECT_TIMEOUT_S = 2
_RECONNECT_WAIT_S = 1
_PING_INTERVAL_S = 10
_CLOSE_TIMEOUT_S = 3.0
_ERROR_HEADER = "Kubemin-Error"
_DENIED = re.compile(r'permissions violation for publish to "([^"]+)"', re.IGNORECASE)
_REFUSED = "authorization violation"

Handler = Callable[[Envelope], Awaitable[None]]
RequestHandler = Callable[[Envelope], Awaitable[BaseModel]]


class Bus:
    """One connection; `connect` makes it."""

    def __init__(self, client: Client, credentials: Credentials, *, source: str) -> None:
        self.credentials = credentials
        self.source = source
        """`kubemin/<service>/<instance>`, the source of every message."""
        self.topology_suspect = asyncio.Event()
        """Set at every reconnect and whenever a stream or durable was missed; the centre's keeper clears it."""
        self.denied: set[str] = set()
        """Subjects that the server refused to let us publish on: a publish there only times out."""
        self._client = client
        self._jetstream = client.jetstream()
        self.closing = False
        """We close it ourselves: what then happens to it is no trouble."""
        self._subscriptions: list[Subscription] = []

    @classmethod
    async def connect(cls, settings: BusSettings, *, source: str, on_closed: Callable[[], None]) -> "Bus":
        """Connect, trying again until the deadline; `on_closed` is called when the connection is lost for good.

        Raises:
            CannotConnect: within the deadline there was no usable server.
            CredentialsInvalid: the credentials file is missing or malformed.

        """
        credentials = read_credentials(settings.nats_credentials_file)
        client = Client()
        bus = cls(client, credentials, source=source)
        callbacks = _Callbacks(bus, on_closed)
        try:
            async with asyncio.timeout(settings.nats_connect_deadline_s):
                await _open(
                    client, credentials, source, callbacks, _Password(settings.nats_credentials_file, credentials)
                )
        except (TimeoutError, OSError, ValueError) as error:
            bus.closing = True
            await client.close()
            problem = f"no connection within {settings.nats_connect_deadline_s:g} s"
            last = callbacks.last_error or (None if isinstance(error, TimeoutError) else error)
            raise CannotConnect(credentials.shown_url, f"{problem}: {last}" if last else problem) from error
        except BaseException:
            bus.closing = True
            await client.close()
            raise
        if client.max_payload < REQUIRED_MAX_PAYLOAD_BYTES:
            await bus.close()
            raise CannotConnect(
                credentials.shown_url,
                f"max_payload is {client.max_payload} bytes, {REQUIRED_MAX_PAYLOAD_BYTES} are required",
            )
        logger.info("bus_connected", url=credentials.shown_url, user=credentials.user)
        return bus

    @property
    def jetstream(self) -> JetStreamContext:
        """The library's own context, for the other modules of this package."""
        return self._jetstream

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._client.is_connected

    @property
    def last_error(self) -> Exception | None:
        """What the server said before it closed the connection."""
        return self._client.last_error

    async def publish(
        self,
        subject: str,
        message: BaseModel,
        *,
        msg_id: str | None = None,
        id_: str | None = None,
        timeout_s: float = 5.0,
    ) -> None:
        """Publish into a stream and wait until it is stored.

        `msg_id` makes JetStream drop a repetition within 2 minutes: it names the cause, never the content, and agents'
        facts carry none (the window is shared between accounts).

        Raises:
            OversizeMessage: checked before anything is sent.
            Retryable: it may or may not have been stored.

        """
        payload = self.wrap(message, id_=id_)
        await self.publish_raw(subject, payload, headers={"Nats-Msg-Id": msg_id} if msg_id else {}, timeout_s=timeout_s)

    def wrap(self, message: BaseModel, *, id_: str | None = None) -> bytes:
        """Write the envelope of a message."""
        return wrap(
            message,
            id_=id_ or uuid4().hex,
            source=self.source,
            time=datetime.now(UTC),
            traceparent=trace.traceparent(),
        )

    @cancellable
    async def publish_raw(
        self,
        subject: str,
        payload: bytes,
        *,
        headers: dict[str, str],
        timeout_s: float = 5.0,
        limit_bytes: int = MESSAGE_LIMIT_BYTES,
    ) -> None:
        """Publish an envelope that is written already (a parked message, or one that is replayed)."""
        self._check_size(subject, payload, headers, limit_bytes)
        doing = f"publishing to {subject}"
        self._check_connected(doing)
        try:
            # nats-py writes into the headers that it is given.
            await self._jetstream.publish(subject, payload, timeout=timeout_s, headers=dict(headers) or None)
        except LIBRARY_ERRORS as error:
            raise self._note(translate(error, doing), subject) from error

    @property
    def payload_limit_bytes(self) -> int:
        """The largest message that the server takes, headers included."""
        return self._client.max_payload

    def consumer(self, stream: str, durable: str) -> Consumer:
        """Pull from a durable; it need not exist yet."""
        return Consumer(self._client, self._jetstream, stream, durable, on_missing=self.topology_suspect.set)

    def tail(self, stream: str, subject_filter: str, *, deliver: Deliver) -> AsyncGenerator[Delivery | Resync, None]:
        """Read along without acknowledging, for ever; `Resync` says that messages were or may have been missed.

        `deliver` says where to begin: "new", "all" or "last_per_subject". Only the centre's users may.
        """
        return Tail(
            self._client, self._jetstream, stream, subject_filter, deliver, on_missing=self.topology_suspect.set
        ).read()

    async def publish_core(self, subject: str, message: BaseModel) -> None:
        """Send to whoever listens now; nothing is stored and nobody answers."""
        payload = self.wrap(message)
        self._check_size(subject, payload, {}, MESSAGE_LIMIT_BYTES)
        try:
            await self._client.publish(subject, payload)
        except LIBRARY_ERRORS as error:
            raise translate(error, f"sending to {subject}") from error

    async def subscribe_core(self, subject: str, callback: Handler) -> None:
        """Call back for every message that comes; never on a subject of a stream, which it would break.

        A core subscription there turns "no such stream" into a time-out for publishers.
        """

        async def receive(message: Msg) -> None:
            try:
                await callback(unwrap(message.data))
            except (MalformedMessage, NewerMessage) as error:
                logger.warning("message_dropped", subject=message.subject, error=str(error))
            except Exception:
                logger.exception("message_failed", subject=message.subject)

        await self._subscribe(subject, receive)

    @cancellable
    async def request(self, subject: str, message: BaseModel, *, timeout_s: float = 5.0) -> Envelope:
        """Ask and await the answer.

        Raises:
            Rejected: the other side refused.
            Retryable: nobody serves the subject, or not in time.

        """
        payload = self.wrap(message)
        self._check_size(subject, payload, {}, MESSAGE_LIMIT_BYTES)
        doing = f"asking {subject}"
        self._check_connected(doing)
        try:
            answer = await self._client.request(subject, payload, timeout=timeout_s)
        except LIBRARY_ERRORS as error:
            raise unanswered(error, doing) from error
        if answer.headers and _ERROR_HEADER in answer.headers:
            raise Rejected(answer.headers[_ERROR_HEADER])
        try:
            return unwrap(answer.data)
        except (MalformedMessage, NewerMessage) as error:
            raise Rejected(f"{subject} gave no answer that this build understands: {error}") from error

    async def serve(self, subject: str, handler: RequestHandler, *, queue: str = "") -> Callable[[], Awaitable[None]]:
        """Answer requests until the returned function is called, or the connection closed.

        What the handler raises as `Rejected` is told to the asker. With `queue` one of all who serve under that name
        gets a request.
        """

        async def receive(message: Msg) -> None:
            try:
                answer, headers = self.wrap(await handler(unwrap(message.data))), None
                self._check_size(message.subject, answer, {}, MESSAGE_LIMIT_BYTES)
            except (Rejected, MalformedMessage, NewerMessage) as error:
                answer, headers = b"", {_ERROR_HEADER: str(error)}
            except Exception:
                logger.exception("request_failed", subject=message.subject)
                answer, headers = b"", {_ERROR_HEADER: "the request failed; see the log of the service"}
            await self._client.publish(message.reply, answer, headers=headers)

        subscription = await self._subscribe(subject, receive, queue=queue)

        async def stop() -> None:
            self._subscriptions.remove(subscription)
            with suppress(*LIBRARY_ERRORS):
                await subscription.unsubscribe()

        return stop

    async def close(self) -> None:
        """Unsubscribe, send what is buffered, close; bounded."""
        self.closing = True
        with suppress(*LIBRARY_ERRORS):
            # nats-py's drain waits 30 s while a subscription holds unread messages, so they go first.
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                for subscription in self._subscriptions:
                    await subscription.unsubscribe()
                if self._client.is_connected:
                    await self._client.flush()
        await self._client.close()

    @cancellable
    async def _subscribe(
        self, subject: str, receive: Callable[[Msg], Awaitable[None]], *, queue: str = ""
    ) -> Subscription:
        try:
            subscription = await self._client.subscribe(subject, queue=queue, cb=receive)
            self._subscriptions.append(subscription)
            # The server knows of it when it answers.
            await self._client.flush()
        except LIBRARY_ERRORS as error:
            raise translate(error, f"subscribing to {subject}") from error
        return subscription

    def _note(self, error: Retryable, subject: str) -> Retryable:
        if isinstance(error, NoStream):
            self.topology_suspect.set()
        if isinstance(error, BusUnavailable) and subject in self.denied:
            return BusUnavailable(error.doing, "denied by the permissions of this user")
        return error

    def _check_connected(self, doing: str) -> None:
        # Unsent is better than buffered: what is buffered is sent at the reconnect, long after the caller gave up.
        if not self._client.is_connected:
            raise BusUnavailable(doing, "not connected")

    def _check_size(self, subject: str, payload: bytes, headers: dict[str, str], limit_bytes: int) -> None:
        size = len(payload) + sum(len(key) + len(value.encode()) + 4 for key, value in headers.items())
        limit = min(limit_bytes, self._client.max_payload - _HEADER_ROOM_BYTES)
        if size > limit:
            raise OversizeMessage(subject, size, limit)


class _Callbacks:
    """What nats-py calls when the connection changes."""

    def __init__(self, bus: Bus, on_closed: Callable[[], None]) -> None:
        self._bus = bus
        self._on_closed = on_closed
        self.last_error: Exception | None = None
        self._refused = False
        """The server has said that it does not know us, and we have told."""

    async def error(self, error: Exception) -> None:
        # What the server said outranks how the socket then ended.
        if not isinstance(error, OSError) or self.last_error is None or isinstance(self.last_error, OSError):
            self.last_error = error
        denied = _DENIED.search(str(error))
        if denied is not None:
            self._bus.denied.add(denied[1])
        # A server that is away is one line when it goes and one when it is back; so is one that does not let us in.
        refuses = _REFUSED in str(error).lower() and not self._refused
        self._refused = self._refused or refuses
        quiet = not refuses and (isinstance(error, OSError) or not self._bus.connected)
        (logger.debug if quiet else logger.warning)("bus_error", error=str(error) or type(error).__name__)

    async def disconnected(self) -> None:
        if not self._bus.closing:
            logger.warning("bus_disconnected", error=str(self.last_error or ""))

    async def reconnected(self) -> None:
        logger.info("bus_reconnected")
        self._bus.denied.clear()
        self.last_error = None
        self._refused = False
        self._bus.topology_suspect.set()

    async def closed(self) -> None:
        if not self._bus.closing:
            logger.error("bus_closed", error=str(self.last_error or self._bus.last_error or ""))
            self._on_closed()


class _Password:
    """The user's password, read again at every connect: it may have been replaced meanwhile."""

    def __init__(self, path: Path, credentials: Credentials) -> None:
        self._path = path
        self._known = credentials.password

    def __call__(self) -> str:
        try:
            self._known = read_credentials(self._path).password
        except CredentialsInvalid as error:
            logger.debug("credentials_not_read", error=str(error))
        return self._known.get_secret_value()


async def _open(
    client: Client, credentials: Credentials, source: str, callbacks: _Callbacks, password: _Password
) -> None:
    await client.connect(
        servers=credentials.servers,
        user=credentials.user,
        password=password,
        inbox_prefix=credentials.inbox_prefix,
        tls=_tls(credentials.ca_file),
        name=source,
        error_cb=callbacks.error,
        disconnected_cb=callbacks.disconnected,
        reconnected_cb=callbacks.reconnected,
        closed_cb=callbacks.closed,
        connect_timeout=_CONNECT_TIMEOUT_S,
        reconnect_time_wait=_RECONNECT_WAIT_S,
        max_reconnect_attempts=-1,
        ping_interval=_PING_INTERVAL_S,
    )


def _tls(ca_file: Path | None) -> ssl.SSLContext | None:
    return ssl.create_default_context(cafile=ca_file) if ca_file is not None else None
