"""Server-sent events. Source: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from aiohttp import web

from services.gateway.live import Change, Progress
from services.gateway.streams import End, Idle, State, Told
from shared.errors import Retryable
from shared.logging import get_logger

logger = get_logger(__name__)

_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    # nginx would collect events before it passes them on.
    "X-Accel-Buffering": "no",
}
KEEP_ALIVE = b": keep-alive\n\n"
_RECONNECT = b"retry: 1000\n\n"


def frame(told: State | Change | Progress | End) -> bytes:
    """Write one event; JSON has no line breaks of its own."""
    match told:
        case State(view=view):
            return _frame("state", view.model_dump_json().encode(), view.n)
        case Change(event=event):
            return _frame("change", told.json, event.n)
        case Progress():
            return _frame("progress", told.json, None)
        case End(summary=summary):
            return _frame("end", summary.model_dump_json().encode(), summary.n)


def _frame(event: str, data: bytes, n: int | None) -> bytes:
    id_ = b"" if n is None else b"id: %d\n" % n
    return b"event: %s\n%sdata: %s\n\n" % (event.encode(), id_, data)


async def send(
    request: web.Request,
    stream: AsyncGenerator[Told, None],
    *,
    write_timeout_s: float,
    keep_alive_s: float,
    monotonic_s: Callable[[], float],
) -> web.StreamResponse:
    """Send a stream until it ends, the reader goes, or it does not keep up."""
    response = web.StreamResponse(headers=_HEADERS)
    await response.prepare(request)
    written_s = monotonic_s()
    try:
        async with aclosing(stream) as told_stream:
            await _write(response, _RECONNECT, write_timeout_s)
            async for told in told_stream:
                if isinstance(told, Idle):
                    if monotonic_s() - written_s < keep_alive_s:
                        continue
                    await _write(response, KEEP_ALIVE, write_timeout_s)
                else:
                    await _write(response, frame(told), write_timeout_s)
                written_s = monotonic_s()
        await response.write_eof()
    except TimeoutError:
        logger.info("reader_too_slow", timeout_s=write_timeout_s)
        _cut(request)
    except ConnectionError:
        logger.debug("reader_gone")
    except Retryable as error:
        # Cut, not ended: the reader is to come back and resume.
        logger.warning("stream_interrupted", error=str(error))
        _cut(request)
    return response


async def _write(response: web.StreamResponse, data: bytes, timeout_s: float) -> None:
    async with asyncio.timeout(timeout_s):
        await response.write(data)


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
