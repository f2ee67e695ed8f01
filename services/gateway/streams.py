"""What one reader of a run is told, and in which order.

First the state, then every change once and in order, then the end. A reader that comes back says how far it got and is
told what it missed, or where that is too much, the state again.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from services.gateway.domain import merging
from services.gateway.domain.access import Principal
from services.gateway.domain.refusals import NotFound
from services.gateway.live import Change, Feed, Hub, Progress
from services.gateway.ports import ApplicationReader, History
from services.gateway.queries import Queries
from shared.contracts.identity import AppRef, RunId
from shared.contracts.views import RunSummary, RunView
from shared.errors import Retryable
from shared.logging import get_logger

logger = get_logger(__name__)

MISSED_EVENTS = 1000
"""More than that is told as a fresh state."""
IDLE_S = 5.0
"""How often a reader without news looks whether it is still wanted."""


class TooManyReaders(Retryable):
    """This process serves as many live readers as it may."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"{limit} readers are being served already", retry_after_s=5.0)


@dataclass(frozen=True)
class State:
    """The run as it is now; what follows builds on it."""

    view: RunView


@dataclass(frozen=True)
class Idle:
    """No news."""


@dataclass(frozen=True)
class End:
    """The run has ended, and so does the stream."""

    summary: RunSummary


Told = State | Change | Progress | Idle | End


class RunStreams:
    """Opens streams of runs."""

    def __init__(
        self, *, hub: Hub, queries: Queries, history: History, store: ApplicationReader, max_readers: int
    ) -> None:
        self._hub = hub
        self._queries = queries
        self._history = history
        self._store = store
        self._max_readers = max_readers

    async def open(
        self,
        principal: Principal,
        run: RunId,
        *,
        after: int | None,
        still_allowed: Callable[[], Awaitable[bool]],
    ) -> AsyncGenerator[Told, None]:
        """Return what a reader that knows everything up to `after` (None: nothing) is told, for as long as it reads.

        Raises NotFound, TooManyReaders and Retryable before anything is told. The iterator ends without an `End` where
        this process stops or the caller's rights end, and raises Retryable where a reader that is far behind cannot be
        told what it missed.
        """
        if self._hub.readers >= self._max_readers:
            raise TooManyReaders(self._max_readers)
        view = await self._queries.run(principal, run)
        reader = _Reader(view, principal, self._queries, self._history, self._store)
        return self._told(reader, after, still_allowed)

    async def _told(
        self, reader: "_Reader", after: int | None, still_allowed: Callable[[], Awaitable[bool]]
    ) -> AsyncGenerator[Told, None]:
        with self._hub.reading(reader.app, reader.view.uid, reader.view.run) as feed:
            first = await reader.begin(after)
            feed.begin(reader.n)
            for told in first:
                yield told
            while not reader.has_ended():
                news = await reader.news(feed)
                for told in news:
                    yield told
                if reader.has_ended() or self._hub.closed.is_set():
                    break
                if not news and not await _changed(feed, reader):
                    yield Idle()
                    if not await _wanted(reader, still_allowed):
                        return
            if reader.has_ended():
                yield End(reader.summary)


async def _wanted(reader: "_Reader", still_allowed: Callable[[], Awaitable[bool]]) -> bool:
    """Whether the reader may go on; also asks whether the run will ever begin."""
    try:
        if not await still_allowed():
            return False
        await reader.look_whether_superseded()
    except Retryable as error:
        # While the database is away there are no changes to tell, and a reader that is sent off could not come back.
        logger.debug("reader_not_checked", run=reader.view.run, error=str(error))
    return True


class _Reader:
    """How far one reader is."""

    def __init__(
        self, view: RunView, principal: Principal, queries: Queries, history: History, store: ApplicationReader
    ) -> None:
        self.view = view
        self.summary = view.summary()
        self.app = AppRef(tenant=view.tenant, namespace=view.namespace, name=view.name)
        self.n = 0
        self.pods_number = 0
        self._principal = principal
        self._queries = queries
        self._history = history
        self._store = store

    def has_ended(self) -> bool:
        """Whether the run has, and the reader knows everything about it."""
        return self.summary.phase.terminal and self.n >= self.summary.n

    async def begin(self, after: int | None) -> list[Told]:
        """What comes first: the state, or what was missed."""
        if after is None:
            # What happened between loading the view and joining the feed comes as changes.
            return self._state(self.view)
        if after > self.view.n and not await self._happened(after):
            # A number from elsewhere: waiting for it would be waiting for ever.
            return self._state(self.view)
        self.n = after
        return await self._missed()

    async def _happened(self, n: int) -> bool:
        found = await self._history.run_events(self.view.uid, after=n - 1, limit=1, run=self.view.run)
        return bool(found and found[0].n == n)

    async def news(self, feed: Feed) -> list[Told]:
        """What is new in the feed, changes before pods."""
        changes = feed.after(self.n)
        told: list[Told] = await self._missed() if changes is None else self._follow(changes)
        pods = feed.pods_after(self.pods_number)
        if pods:
            self.pods_number = pods[-1].number
        return [*told, *pods]

    def has_news(self, feed: Feed) -> bool:
        """Whether `news` would tell anything."""
        return bool(feed.after(self.n)) or bool(feed.pods_after(self.pods_number))

    async def look_whether_superseded(self) -> None:
        """End a run that never begins: the planner takes up the highest generation only."""
        if self.summary.n:
            return
        try:
            await self._queries.planned_run(self._principal, self.view.run)
        except NotFound:
            stored = await self._store.load(self.view.uid)
            generation = self.view.generation + 1 if stored is None else stored.record.generation
            self.summary = merging.superseded(self.summary, generation)

    async def _missed(self) -> list[Told]:
        events = await self._history.run_events(self.view.uid, after=self.n, limit=MISSED_EVENTS + 1, run=self.view.run)
        if len(events) <= MISSED_EVENTS:
            return self._follow([Change(event) for event in events])
        view = await self._queries.run(self._principal, self.view.run)
        # A projection that lags behind would take the reader back.
        if view.n > self.n:
            return self._state(view)
        return self._follow([Change(event) for event in events[:MISSED_EVENTS]])

    def _state(self, view: RunView) -> list[Told]:
        self.n = view.n
        self.summary = view.summary()
        return [State(view)]

    def _follow(self, changes: list[Change]) -> list[Told]:
        for change in changes:
            self.n = change.event.n
            if self.n > self.summary.n:
                self.summary = merging.after(self.summary, change.event)
        return [*changes]


async def _changed(feed: Feed, reader: _Reader) -> bool:
    """Wait for news; False where there was none for a while."""
    try:
        async with asyncio.timeout(IDLE_S):
            if not reader.has_news(feed):
                await feed.wait()
    except TimeoutError:
        return False
    return True
