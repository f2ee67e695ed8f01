"""Watchers: each has a filter and a queue of encoded lines, filled when an object is committed."""

import asyncio
import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from dev.simulator.kinds import Kind
from dev.simulator.objects import Object, namespace_of
from dev.simulator.selectors import Predicate

_MAX_UNREAD_LINES = 100_000


class EventType(StrEnum):
    """What a watch event says."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


def encode_object(obj: Object) -> bytes:
    """Encode an object as JSON."""
    return json.dumps(obj, separators=(",", ":"), ensure_ascii=False).encode()


def partial_metadata(obj: Object) -> Object:
    """Return the form of an object that shows its metadata alone."""
    return {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}


def _line(type_: EventType, shown: Object) -> bytes:
    return b'{"type":"%b","object":%b}\n' % (type_.encode(), encode_object(shown))


@dataclass(slots=True)
class Change:
    """One committed change of an object; encoded at most once for each event type, whatever the number of watchers."""

    kind: Kind
    revision: int
    old: Object | None
    new: Object | None
    """None when the object was deleted: `last` then is its final state."""
    last: Object
    _lines: dict[tuple[EventType, bool], bytes] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        """The namespace of the object."""
        return namespace_of(self.last)

    def line(self, type_: EventType, *, metadata_only: bool) -> bytes:
        """Return the watch line that states this change."""
        form = (type_, metadata_only)
        if form not in self._lines:
            shown = self._before_leaving() if type_ is EventType.DELETED else self.last
            self._lines[form] = _line(type_, partial_metadata(shown) if metadata_only else shown)
        return self._lines[form]

    def _before_leaving(self) -> Object:
        """Return what DELETED shows: an object that only left the selector appears as it was, at the new revision."""
        if self.new is None or self.old is None:
            return self.last
        return {**self.old, "metadata": {**self.old["metadata"], "resourceVersion": str(self.revision)}}

    def seen_by(self, predicate: Predicate | None) -> EventType | None:
        """Return what the change is to a watcher with this filter; None when it concerns it not at all."""
        before = self.old is not None and (predicate is None or predicate(self.old))
        after = self.new is not None and (predicate is None or predicate(self.new))
        if after:
            return EventType.MODIFIED if before else EventType.ADDED
        return EventType.DELETED if before else None


class Watcher:
    """One open watch."""

    def __init__(self, kind: Kind, namespace: str, predicate: Predicate | None, *, metadata_only: bool) -> None:
        self.kind = kind
        self.metadata_only = metadata_only
        self.closed = False
        self._namespace = namespace
        self._predicate = predicate
        self._lines: list[bytes] = []
        self._wake = asyncio.Event()

    def offer(self, change: Change) -> None:
        """Queue a change if it passes the filter; a watcher that lags too far behind is closed, as Kubernetes does."""
        if self.closed or (self._namespace and change.namespace != self._namespace):
            return
        type_ = change.seen_by(self._predicate)
        if type_ is None:
            return
        self._lines.append(change.line(type_, metadata_only=self.metadata_only))
        if len(self._lines) > _MAX_UNREAD_LINES:
            self.closed = True
        self._wake.set()

    def offer_present(self, objects: Iterator[Object]) -> None:
        """Queue the present objects as additions (a watch that starts at no or any resource version)."""
        for obj in objects:
            self._lines.append(_line(EventType.ADDED, partial_metadata(obj) if self.metadata_only else obj))
        self._wake.set()

    def close(self) -> None:
        """End the watch."""
        self.closed = True
        self._wake.set()

    async def read(self, timeout_s: float) -> bytes:
        """Return all queued lines, as soon as there are any; empty after the time-out or when closed."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._wake.wait()
        lines, self._lines = self._lines, []
        if not self.closed:
            self._wake.clear()
        return b"".join(lines)
