"""When something that was awaited came: runs that ended, objects that a watch told of."""

import asyncio
import time
from collections.abc import Collection
from contextlib import aclosing

from shared.bus import Bus, Resync, decode
from shared.bus.messages import open_delivery
from shared.contracts import subjects
from shared.contracts.phases import RunPhase
from shared.contracts.runs import RUN_EVENT, RunPhaseChanged
from shared.kube import KubeApi
from shared.kube.errors import Gone
from shared.kube.kinds import GroupVersionKind, Selection

WITHIN_S = 120.0


class Arrivals:
    """Moments by name, each the first time."""

    def __init__(self) -> None:
        self.at: dict[str, float] = {}
        self._changed = asyncio.Event()

    def note(self, name: str) -> None:
        """It came."""
        self.at.setdefault(name, time.perf_counter())
        self._changed.set()

    async def wait(self, names: Collection[str], *, within_s: float = WITHIN_S) -> float:
        """Wait for all of them; returns when the last came. Raises TimeoutError."""
        missing = set(names)
        async with asyncio.timeout(within_s):
            while missing := {name for name in missing if name not in self.at}:
                self._changed.clear()
                await self._changed.wait()
        return max(self.at[name] for name in names)


async def read_ends(bus: Bus, ends: Arrivals, failures: dict[str, str]) -> None:
    """Note every run that ended by its id, until cancelled; what did not succeed also stands in `failures`."""
    tail = bus.tail(subjects.STREAM_RUNS, f"{subjects.ROOT}.run.>", deliver="all")
    async with aclosing(tail) as deliveries:
        async for delivery in deliveries:
            if isinstance(delivery, Resync):
                continue
            event = decode(RUN_EVENT, open_delivery(delivery))
            if isinstance(event, RunPhaseChanged) and event.phase.terminal:
                if event.phase is not RunPhase.SUCCEEDED:
                    failures[event.run] = f"{event.phase} {event.reason} {event.message}"
                ends.note(event.run)


async def read_objects(
    kube: KubeApi, gvk: GroupVersionKind, namespace: str, seen: Arrivals, ready: asyncio.Event
) -> None:
    """Note every object of a kind that comes into a namespace by its name, until cancelled."""
    version = (await kube.list_objects(gvk, namespace=namespace)).resource_version
    ready.set()
    while True:
        events = kube.watch(gvk, Selection(namespace=namespace), resource_version=version)
        try:
            async with aclosing(events):
                async for event in events:
                    version = event.object["metadata"]["resourceVersion"]
                    if event.type == "ADDED":
                        seen.note(event.object["metadata"]["name"])
        except Gone:
            version = (await kube.list_objects(gvk, namespace=namespace)).resource_version
