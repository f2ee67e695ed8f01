"""A TCP forwarder that breaks on command: connections cut, held still, refused, or slow."""

import asyncio
from types import TracebackType
from typing import Self

_CHUNK_BYTES = 64 * 1024


class FaultyWire:
    """Forwards a loopback port to a server; TLS passes through it untouched."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._refusing = False
        self.delay_s = 0.0
        """How long each piece of data is kept back, in either direction."""
        self.accepted = 0
        """Connections so far, refused ones included."""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._flowing.set()
        self.cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    @property
    def port(self) -> int:
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def cut(self) -> None:
        """Break every connection, in the middle of whatever is being sent."""
        for writer in self._writers:
            writer.transport.abort()

    def refuse(self) -> None:
        """Break every connection at once, those that are there and those to come."""
        self._refusing = True
        self.cut()

    def accept(self) -> None:
        """Take new connections again."""
        self._refusing = False

    def hold(self) -> None:
        """Let nothing through any more, and keep the connections open."""
        self._flowing.clear()

    def release(self) -> None:
        """Let through what was held, and what comes."""
        self._flowing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self._refusing:
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(*self._upstream)
            self._writers.add(upstream_writer)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._copy(reader, upstream_writer))
                    group.create_task(self._copy(upstream_reader, writer))
            finally:
                upstream_writer.close()
                self._writers.discard(upstream_writer)
        except OSError:
            # The upstream is away: for the client the same as a broken connection.
            writer.transport.abort()
        finally:
            writer.close()
            self._writers.discard(writer)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(_CHUNK_BYTES):
                await self._let_through(data)
                writer.write(data)
                await writer.drain()
            if writer.can_write_eof():
                writer.write_eof()
        except OSError:
            writer.transport.abort()

    async def _let_through(self, _data: bytes) -> None:
        """Return when the data may go on; what comes after it on its connection waits with it."""
        await asyncio.sleep(self.delay_s)
        await self._flowing.wait()


class CatchingWire(FaultyWire):
    """Stops what says something in particular, and the connection that said it; everything else flows."""

    def __init__(self, host: str, port: int) -> None:
        super().__init__(host, port)
        self._words: tuple[bytes, ...] = ()
        self._free = asyncio.Event()
        self.caught = 0
        """How often something was stopped."""

    def catch(self, *words: bytes) -> None:
        """Stop what holds all of these from now on."""
        self._words = words

    def let_go(self) -> None:
        """Let everything on its way."""
        self._words = ()
        self._free.set()

    async def _let_through(self, data: bytes) -> None:
        await super()._let_through(data)
        if self._words and all(word in data for word in self._words):
            self.caught += 1
            await self._free.wait()
