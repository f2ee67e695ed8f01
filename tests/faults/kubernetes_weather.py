"""What can be wrong between a client and an API server."""

import asyncio
import itertools
import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tests.faults.kubernetes_calls import Call, Which


def everything(_: Call) -> bool:
    return True


def watches(call: Call) -> bool:
    return call.verb == "watch"


def applies(call: Call) -> bool:
    return call.verb == "apply"


def first(which: Which) -> Which:
    """The first such request alone."""
    left = [which]

    def chosen(call: Call) -> bool:
        return bool(left) and left[0](call) and left.pop() is which

    return chosen


class Sink:
    """Where the lines of one watch go."""

    def __init__(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        self._request = request
        self._response = response

    async def write(self, data: bytes) -> None:
        await self._response.write(data)

    def abort(self) -> None:
        """Break the connection."""
        abort(self._request)


class Fault:
    """Fair weather; what is wrong overrides one of the methods."""

    def __init__(self, which: Which = everything) -> None:
        self._which = which
        self.over = asyncio.Event()

    def concerns(self, call: Call) -> bool:
        return self._which(call)

    async def instead(self, _call: Call, _request: web.BaseRequest) -> web.StreamResponse | None:
        """The answer that the API server is not asked for."""
        return None

    async def hold(self) -> None:
        """Wait before a request is passed on."""

    async def begin(self, _sink: Sink) -> bool:
        """Strike a watch that is open, or that opens meanwhile; whether it goes on."""
        return True

    async def line(self, sink: Sink, line: bytes) -> bool:
        """Pass on a line of a watch; whether the watch goes on."""
        await sink.write(line)
        return True


FAIR = Fault(lambda _: False)


class Answers(Fault):
    """Answers by itself, as an API server or what stands before it does."""

    def __init__(
        self,
        status: int,
        reason: str,
        message: str,
        which: Which = everything,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(which)
        self._body = status_of(status, reason, message)
        self._status = status
        self._headers = headers or {}

    async def instead(self, _call: Call, _request: web.BaseRequest) -> web.StreamResponse | None:
        return web.json_response(self._body, status=self._status, headers=self._headers)


class Failing(Fault):
    """Fails in turn as an API server does that is ill, and as a load balancer does that reaches none: in HTML."""

    def __init__(self) -> None:
        super().__init__()
        self._next = itertools.cycle((500, 502, 503, 504))

    async def instead(self, _call: Call, _request: web.BaseRequest) -> web.StreamResponse | None:
        status = next(self._next)
        if status == 502:
            page = "<html><head><title>502 Bad Gateway</title></head></html>"
            return web.Response(text=page, status=status, content_type="text/html")
        return web.json_response(status_of(status, "InternalError", f"HTTP {status} on purpose"), status=status)

    async def begin(self, sink: Sink) -> bool:
        sink.abort()
        return False


class Dropped(Fault):
    """Breaks every connection, those that are there and those to come."""

    async def instead(self, _call: Call, request: web.BaseRequest) -> web.StreamResponse | None:
        return broken(request)

    async def begin(self, sink: Sink) -> bool:
        sink.abort()
        return False


class Expired(Answers):
    """The history is compacted away: 410 where a watch starts, an ERROR event where one is under way."""

    def __init__(self) -> None:
        super().__init__(410, "Expired", "too old resource version: 1 (2)", watches)

    async def begin(self, sink: Sink) -> bool:
        await sink.write(json.dumps({"type": "ERROR", "object": self._body}).encode() + b"\n")
        return False


class ExpiredInside(Expired):
    """The same as kube-apiserver does it: the watch starts with 200, and its first event is the 410."""

    async def instead(self, _call: Call, _request: web.BaseRequest) -> web.StreamResponse | None:
        return None


class Stalled(Fault):
    """Watches stay open and say nothing."""

    def __init__(self, *, lost: bool = False) -> None:
        """With `lost` those stay silent for ever, as when something on the way has forgotten them."""
        super().__init__(watches)
        self._lost = lost

    async def begin(self, _sink: Sink) -> bool:
        await (asyncio.Event() if self._lost else self.over).wait()
        return True


class Truncated(Fault):
    """Watches end inside the next line."""

    def __init__(self) -> None:
        super().__init__(watches)

    async def line(self, sink: Sink, line: bytes) -> bool:
        await sink.write(line[: len(line) // 2])
        return False


class Slow(Fault):
    """Every answer takes so long; what is held when it is over is let through."""

    def __init__(self, latency_s: float, which: Which = everything) -> None:
        super().__init__(which)
        self._latency_s = latency_s

    async def hold(self) -> None:
        try:
            async with asyncio.timeout(self._latency_s):
                await self.over.wait()
        except TimeoutError:
            return


class Stream:
    """One watch that is open."""

    def __init__(self, fault: Fault) -> None:
        """`fault` is the weather in which it opens."""
        self._fault = fault
        self._coming: asyncio.Queue[bytes | Fault | None] = asyncio.Queue()

    def strike(self, fault: Fault) -> None:
        """Have the weather change."""
        self._coming.put_nowait(fault)

    def put(self, line: bytes | None) -> None:
        """Take a line from upstream; None for the end."""
        self._coming.put_nowait(line)

    async def pump(self, sink: Sink) -> None:
        """Pass on what comes, until the end or the fault's."""
        coming: bytes | Fault | None = self._fault
        try:
            while coming is not None and await self._pass_on(coming, sink):
                coming = await self._coming.get()
        except ConnectionError:
            # The client has gone.
            return

    async def _pass_on(self, coming: bytes | Fault, sink: Sink) -> bool:
        if isinstance(coming, Fault):
            self._fault = coming
            return await coming.begin(sink)
        weather = FAIR if self._fault.over.is_set() else self._fault
        return await weather.line(sink, coming)


def status_of(code: int, reason: str, message: str) -> dict[str, Any]:
    """A Status as the API server has it."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    }


def abort(request: web.BaseRequest) -> None:
    """Break the connection of a request."""
    if request.transport is not None:
        request.transport.abort()


def broken(request: web.BaseRequest) -> web.StreamResponse:
    """No answer: the connection breaks."""
    abort(request)
    return web.Response()
