"""Live changes: one reader of the bus per process, any number of readers of runs.

The bus only says *that* something happened to an application; what happened is read from the archived run events, once
per run and process, and shared. So a reader gets every event once and in order, whatever the bus loses; a poll finds
what it lost. A reader that is too far behind is told to load the present state instead.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import takewhile

from services.gateway.ports import History
from shared.contracts.facts import PROGRESS_FACT, PodsObserved
from shared.contracts.identity import AppRef, AppUid, ClusterName, RunId, StepId
from shared.contracts.runs import RUN_EVENT, RunEvent
from shared.errors import Retryable
from shared.logging import get_logger
from shared.runtime.stopping import Stopping

logger = get_logger(__name__)

POLL_S = 2.0
"""How late a change may come that the bus lost."""
COALESCE_S = 0.05
"""Between two reads of the database: a burst of messages is one read."""
KEPT_EVENTS = 2000
"""Of a run, for readers that are behind; who is further behind gets a fresh state."""
KEPT_PODS = 2000
"""Steps whose pods are kept for readers."""


@dataclass(frozen=True)
class Change:
    """One thing that happened; written once for all its readers."""

    event: RunEvent

    @cached_property
    def json(self) -> bytes:
        """The event."""
        return RUN_EVENT.dump_json(self.event)


@dataclass(frozen=True)
class Progress:
    """The pods of a step as they are now, numbered in the order of arrival within one feed."""

    number: int
    pods: PodsObserved

    @cached_property
    def json(self) -> bytes:
        """The observation."""
        return PROGRESS_FACT.dump_json(self.pods)


@dataclass
class Feed:
    """The changes of one run, as far as they are kept; shared by its readers."""

    app: AppRef
    uid: AppUid
    run: RunId
    changes: deque[Change] = field(default_factory=deque)
    last: int | None = None
    """Number of the newest event that was looked for; None until a reader says where it begins."""
    floor: int = 0
    """Every event above it is in `changes`."""
    pods: dict[tuple[ClusterName, StepId], Progress] = field(default_factory=dict)
    pods_number: int = 0
    readers: int = 0
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self, n: int) -> None:
        """A reader has everything up to `n`."""
        if self.last is None:
            self.last = self.floor = n

    def after(self, n: int) -> list[Change] | None:
        """Return the changes above `n`; None where some are not kept any more."""
        if self.last is None or n < self.floor:
            return None
        # From the end: a reader is rarely far behind.
        found = list(takewhile(lambda change: change.event.n > n, reversed(self.changes)))
        return found[::-1]

    def pods_after(self, number: int) -> list[Progress]:
        """Return the steps whose pods changed since."""
        # The newest is always last.
        found = list(takewhile(lambda progress: progress.number > number, reversed(self.pods.values())))
        return found[::-1]

    async def wait(self) -> None:
        """Wait for the next news; whoever looked for them before has to call this without awaiting in between."""
        await self._news.wait()

    def tell(self) -> None:
        """Wake everybody who waits."""
        told, self._news = self._news, asyncio.Event()
        told.set()

    def add(self, events: list[RunEvent]) -> None:
        """Take in what was read after `last`."""
        for event in events:
            self.changes.append(Change(event))
            self.last = event.n
        while len(self.changes) > KEPT_EVENTS:
            self.floor = self.changes.popleft().event.n
        self.tell()

    def add_pods(self, observed: PodsObserved) -> None:
        """Take in the pods of a step; the newest observation replaces the one before."""
        key = (observed.cluster, observed.step)
        before = self.pods.get(key)
        if before is not None and not observed.order.later_than(before.pods.order):
            return
        self.pods_number += 1
        self.pods.pop(key, None)
        self.pods[key] = Progress(self.pods_number, observed)
        while len(self.pods) > KEPT_PODS:
            del self.pods[next(iter(self.pods))]
        self.tell()


class Hub:
    """All feeds of this process; `work` keeps them current."""

    def __init__(self, history: History, *, readers_changed: Callable[[int], None]) -> None:
        self._history = history
        self._feeds: dict[RunId, Feed] = {}
        self._by_app: dict[AppRef, set[RunId]] = {}
        self._dirty: set[RunId] = set()
        self._wake = asyncio.Event()
        self._readers_changed = readers_changed
        self.readers = 0
        self.closed = asyncio.Event()
        """Set when the process stops: readers say goodbye."""

    @contextmanager
    def reading(self, app: AppRef, uid: AppUid, run: RunId) -> Iterator[Feed]:
        """Join the feed of a run for the scope."""
        feed = self._feeds.setdefault(run, Feed(app=app, uid=uid, run=run))
        self._by_app.setdefault(app, set()).add(run)
        feed.readers += 1
        self._count(1)
        self._mark(run)
        try:
            yield feed
        finally:
            feed.readers -= 1
            self._count(-1)
            if feed.readers == 0:
                self._forget(feed)

    def nudge(self, app: AppRef) -> None:
        """Something happened to an application."""
        for run in self._by_app.get(app, ()):
            self._mark(run)

    def nudge_all(self) -> None:
        """Something may have happened to any."""
        for run in self._feeds:
            self._mark(run)

    def interested(self, app: AppRef) -> bool:
        """Whether anybody reads about it."""
        return app in self._by_app

    def show_pods(self, observed: PodsObserved) -> None:
        """Hand on the pods of a step."""
        for run in self._by_app.get(observed.app, ()):
            feed = self._feeds[run]
            if feed.uid == observed.uid:
                feed.add_pods(observed)

    async def work(self, stopping: Stopping) -> None:
        """Read new events of the runs that have readers, when nudged and every 2 s, until the stop."""
        try:
            async with asyncio.TaskGroup() as group:
                reading = group.create_task(self._keep_reading(), name="live-reading")
                await stopping.wait()
                reading.cancel()
        finally:
            self.closed.set()
            for feed in self._feeds.values():
                feed.tell()

    async def _keep_reading(self) -> None:
        while True:
            try:
                async with asyncio.timeout(POLL_S):
                    await self._wake.wait()
            except TimeoutError:
                self.nudge_all()
            for run in self._take():
                await self._refresh(run)
            await asyncio.sleep(COALESCE_S)

    def _take(self) -> list[RunId]:
        taken = [run for run in self._dirty if run in self._feeds]
        self._dirty.clear()
        self._wake.clear()
        return taken

    async def _refresh(self, run: RunId) -> None:
        feed = self._feeds.get(run)
        if feed is None or feed.last is None:
            return
        try:
            events = await self._history.run_events(feed.uid, after=feed.last, limit=KEPT_EVENTS, run=run)
        except Retryable as error:
            # Readers keep their connection; the next poll tries again.
            logger.warning("run_events_unreadable", run=run, error=str(error))
            return
        if events:
            feed.add(events)
        if len(events) == KEPT_EVENTS:
            self._mark(run)

    def _mark(self, run: RunId) -> None:
        self._dirty.add(run)
        self._wake.set()

    def _count(self, change: int) -> None:
        self.readers += change
        self._readers_changed(self.readers)

    def _forget(self, feed: Feed) -> None:
        self._feeds.pop(feed.run, None)
        runs = self._by_app.get(feed.app, set())
        runs.discard(feed.run)
        if not runs:
            self._by_app.pop(feed.app, None)
