"""The stream of a watch: changes as they are committed, bookmarks in between, and an end."""

import asyncio
import json
from typing import TYPE_CHECKING

from aiohttp import web

from dev.simulator.errors import ApiError
from dev.simulator.parameters import ListOptions
from dev.simulator.store import Store
from dev.simulator.targets import Target
from dev.simulator.watches import Watcher, partial_metadata

if TYPE_CHECKING:
    from dev.simulator.objects import Object


async def stream_watch(
    request: web.Request, store: Store, target: Target, options: ListOptions, *, bookmark_interval_s: float
) -> web.StreamResponse:
    """Answer a watch until its time-out, until the client leaves, or until the server stops."""
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    response.enable_chunked_encoding()
    try:
        watcher = store.watch(
            target.kind,
            target.namespace,
            options.predicate,
            since=options.since,
            metadata_only=options.metadata_only,
        )
    except ApiError as error:
        # Past authentication and parsing, a watch fails with an event, not with an HTTP status (cacher.Watch).
        await response.prepare(request)
        await response.write(json.dumps({"type": "ERROR", "object": error.status()}).encode() + b"\n")
        return response
    try:
        await response.prepare(request)
        interval_s = bookmark_interval_s if options.bookmarks else options.timeout_s
        await _stream(response, store, watcher, options.timeout_s, interval_s)
    except ConnectionError:
        return response  # The client has gone.
    finally:
        store.unwatch(watcher)
    return response


async def _stream(
    response: web.StreamResponse, store: Store, watcher: Watcher, timeout_s: float, bookmark_interval_s: float
) -> None:
    clock = asyncio.get_running_loop().time
    end = clock() + timeout_s
    bookmark_at = clock() + bookmark_interval_s
    while not watcher.closed and clock() < end:
        lines = await watcher.read(min(end, bookmark_at) - clock())
        if clock() >= bookmark_at and bookmark_at < end:
            # Everything up to this revision has been offered to the watcher and is in `lines`.
            lines += _bookmark(watcher, store.revision)
            bookmark_at = clock() + bookmark_interval_s
        if lines:
            await response.write(lines)


def _bookmark(watcher: Watcher, revision: int) -> bytes:
    obj: Object = {
        "kind": watcher.kind.kind,
        "apiVersion": watcher.kind.api_version,
        "metadata": {"resourceVersion": str(revision), "creationTimestamp": None},
    }
    if watcher.metadata_only:
        obj = partial_metadata(obj)
    return json.dumps({"type": "BOOKMARK", "object": obj}, separators=(",", ":")).encode() + b"\n"
