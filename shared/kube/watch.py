"""The lines of a watch, put together from the chunks of a response."""

import json
from collections.abc import AsyncIterator
from typing import Literal, NamedTuple

from shared.kube.errors import ApiUnavailable, from_watch_error
from shared.kube.kinds import Object

_LINE_LIMIT_BYTES = 16 * 1024 * 1024
"""etcd holds objects of up to 1.5 MiB by default; a line that never ends must not fill the memory."""


EventType = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]


class WatchEvent(NamedTuple):
    """One event; a BOOKMARK carries a resource version alone."""

    type: EventType
    object: Object


async def read_events(chunks: AsyncIterator[bytes]) -> AsyncIterator[WatchEvent]:
    """The events in a stream of chunks; ends when the stream ends after a whole line.

    Raises:
        ApiUnavailable: the stream ended inside a line, or a line is no event.
        KubeError: what an ERROR event says; Gone for an expired resource version.

    """
    pending = bytearray()
    async for chunk in chunks:
        # Only the new chunk can hold the end of the pending line: looking again at all of it would be quadratic.
        *lines, rest = chunk.split(b"\n")
        for line in lines:
            pending += line
            if pending.strip():
                yield _event(bytes(pending))
            pending.clear()
        pending += rest
        if len(pending) > _LINE_LIMIT_BYTES:
            msg = f"a line of the watch is longer than {_LINE_LIMIT_BYTES} bytes"
            raise ApiUnavailable(msg)
    if pending.strip():
        msg = f"the watch ended inside a line, after {len(pending)} bytes of it"
        raise ApiUnavailable(msg)


def _event(line: bytes) -> WatchEvent:
    try:
        parsed = json.loads(line)
        type_, obj = parsed["type"], parsed["object"]
    except (ValueError, KeyError, TypeError) as error:
        msg = f"a line of the watch is no event: {error}"
        raise ApiUnavailable(msg) from error
    if type_ == "ERROR":
        raise from_watch_error(obj)
    return WatchEvent(type_, obj)
