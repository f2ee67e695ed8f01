"""List, watch, list again: everything that happens to the objects of a kind, for as long as it is wanted.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes
"""

import random
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Generic, Literal, NamedTuple, TypeVar

from shared.kube.api import KubeApi
from shared.kube.errors import KubeError
from shared.kube.kinds import GroupVersionKind, Object, Selection
from shared.runtime.stoppable import Stopping, sleep_unless_stopped, unless_stopped

T = TypeVar("T")

ChangeType = Literal["ADDED", "MODIFIED", "DELETED"]


class Listed(NamedTuple, Generic[T]):
    """All objects that there are: whatever was known before and is not among them is gone."""

    objects: list[T]
    resource_version: str


class Changed(NamedTuple, Generic[T]):
    """One object was added, modified or deleted; a deletion carries its last state."""

    type: ChangeType
    object: T


class Interrupted(NamedTuple):
    """Nothing is seen until the next Listed, which is tried for after `retry_in_s`."""

    error: KubeError
    retry_in_s: float


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How often the API server is asked, in seconds."""

    min_s: float = 0.25
    """Between two requests, also when the server closes every watch at once."""
    max_s: float = 3.0
    """The longest back-off: what changed while the server was away is told within 5 s of its return."""
    settled_s: float = 10.0
    """A watch that lived so long resets the back-off."""
    watch_s: float = 20.0
    """A watch is renewed after about this time, which costs one request and no list."""
    grace_s: float = 5.0
    """Beyond it silence means that the connection has died unnoticed: within about the time that makes a beat stale."""


_PACE = Pace()
_EVERYTHING = Selection()


def watch_kind(
    api: KubeApi,
    gvk: GroupVersionKind,
    *,
    stopping: Stopping,
    namespace: str = "",
    label_selector: str = "",
    field_selector: str = "",
    pace: Pace = _PACE,
) -> AsyncGenerator[Listed[Object] | Changed[Object] | Interrupted, None]:
    """State the objects of a kind as they are; see `follow_kind`."""
    selection = Selection(namespace=namespace, label_selector=label_selector, field_selector=field_selector)
    return follow_kind(api, gvk, keep=_whole, stopping=stopping, selection=selection, pace=pace)


async def follow_kind(
    api: KubeApi,
    gvk: GroupVersionKind,
    *,
    keep: Callable[[Object], T],
    stopping: Stopping,
    selection: Selection = _EVERYTHING,
    pace: Pace = _PACE,
) -> AsyncGenerator[Listed[T] | Changed[T] | Interrupted, None]:
    """State the objects of a kind and every change, until the stop; never raises KubeError and never ends by itself.

    Of each object only what `keep` makes of it is held, also while a long list is read.
    A watch that the server closed in order is opened again where it ended. After anything else the objects are
    listed again: the server may be another one, which knows nothing of our resource version.
    Leave the iteration through `contextlib.aclosing`, so that the connection is closed at once.
    """
    resource_version = ""
    failures = 0
    while not stopping.is_set():
        opened_at = time.monotonic()
        try:
            if not resource_version:
                listed = await unless_stopped(stopping, _list(api, gvk, selection, keep))
                if listed is None:
                    return
                resource_version = listed.resource_version
                yield listed
            events = api.watch(
                gvk,
                selection,
                resource_version=resource_version,
                timeout_s=_jittered(pace.watch_s),
                grace_s=pace.grace_s,
                stopping=stopping,
            )
            async with aclosing(events):
                async for event in events:
                    resource_version = event.object["metadata"]["resourceVersion"]
                    if event.type != "BOOKMARK":
                        yield Changed(event.type, keep(event.object))
            error = None
        except KubeError as raised:
            error = raised
            resource_version = ""
        failures = 0 if time.monotonic() - opened_at >= pace.settled_s else failures + 1
        delay_s = _delay_s(failures, error, pace)
        if error is not None and not stopping.is_set():
            yield Interrupted(error, delay_s)
        await sleep_unless_stopped(stopping, delay_s)


async def _list(api: KubeApi, gvk: GroupVersionKind, selection: Selection, keep: Callable[[Object], T]) -> Listed[T]:
    kept: list[T] = []
    resource_version = ""
    pages = api.list_pages(gvk, **selection._asdict())
    async with aclosing(pages):
        async for page in pages:
            kept += [keep(obj) for obj in page.objects]
            resource_version = page.resource_version
    return Listed(kept, resource_version)


def _whole(obj: Object) -> Object:
    return obj


def _delay_s(failures: int, error: KubeError | None, pace: Pace) -> float:
    backoff_s = min(pace.max_s, pace.min_s * 2.0 ** min(failures, 20))
    asked_s = getattr(error, "retry_after_s", None) or 0.0
    return _jittered(max(backoff_s, asked_s))


def _jittered(seconds: float) -> float:
    # Upwards only: the least delay stays the least.
    return seconds * random.uniform(1.0, 1.3)  # noqa: S311  # spreads agents that lost one server; no secret
