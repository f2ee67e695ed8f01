"""Says what the picture holds: facts of objects and the pods of steps, of each the newest state, one at a time."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from services.watcher.observe.domain.dirty import Dirty, Taken
from services.watcher.observe.domain.picture import Picture, StepKey
from services.watcher.observe.domain.statement import StepPods, state, step_pods, to_fact, to_pods_observed
from services.watcher.observe.ports import Outbox
from shared.contracts import subjects
from shared.contracts.facts import ObservationOrder
from shared.contracts.identity import ClusterName
from shared.errors import Rejected, Retryable
from shared.logging import get_logger
from shared.metrics import Metrics

logger = get_logger(__name__)

K = TypeVar("K")

_BACKOFF_FIRST_S = 0.25
_BACKOFF_LIMIT_S = 5.0
_UNCERTAIN = StepPods(total=-1)
"""A publish that failed may have been stored nevertheless; this differs from whatever is to be said next."""


class Orders:
    """Numbers everything that one term says."""

    def __init__(self, incarnation: str, transitions: int) -> None:
        self.incarnation = incarnation
        self.transitions = transitions
        self._counter = 0

    def take(self) -> ObservationOrder:
        """The next; take it in the same breath as the state that it is for."""
        self._counter += 1
        return ObservationOrder(incarnation=self.incarnation, transitions=self.transitions, counter=self._counter)


@dataclass(frozen=True, kw_only=True)
class Voice:
    """By which one term speaks for its cluster."""

    cluster: ClusterName
    outbox: Outbox
    orders: Orders
    leading: Callable[[], bool]
    """Whether the term still lasts; asked before every message."""
    now: Callable[[], datetime]


class Speaker(Generic[K]):
    """Works off what is dirty, with so many messages at a time."""

    def __init__(
        self, dirty: Dirty[K], say: Callable[[Taken[K]], Awaitable[None]], *, concurrency: int, hold_s: float
    ) -> None:
        """`hold_s` is the least time between two messages about one key."""
        self._dirty = dirty
        self._say = say
        self._hold_s = hold_s
        self._places = asyncio.Semaphore(concurrency)
        self._wake = asyncio.Event()
        self._failures = 0

    def mark(self, key: K, *, again: bool = False, urgent: bool = True) -> None:
        """See `Dirty.mark`."""
        self._dirty.mark(key, again=again, urgent=urgent)
        self._wake.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Speak until the stop, then finish what is being said; `wake` has to be called after the stop."""
        async with asyncio.TaskGroup() as group:
            while not stop.is_set():
                await self._places.acquire()
                taken = self._dirty.take()
                if taken is not None:
                    group.create_task(self._one(taken, stop), name=f"say {taken.key}")
                    continue
                self._places.release()
                self._wake.clear()
                await self._wake.wait()

    def wake(self) -> None:
        """Have the loop look whether it is to stop."""
        self._wake.set()

    async def _one(self, taken: Taken[K], stop: asyncio.Event) -> None:
        try:
            await self._say(taken)
            self._failures = 0
        except Retryable as error:
            self._failures += 1
            delay_s = min(_BACKOFF_LIMIT_S, _BACKOFF_FIRST_S * 2.0 ** min(self._failures - 1, 10))
            logger.info("not_stated", key=str(taken.key), error=str(error), retry_in_s=round(delay_s, 2))
            self._dirty.mark(taken.key, again=taken.again)
            await _sleep(stop, error.retry_after_s or delay_s * random.uniform(0.5, 1.0))  # noqa: S311  # jitter
        except Rejected:
            # Nothing that is tried again could become smaller or better.
            logger.exception("statement_refused", key=str(taken.key))
        finally:
            self._places.release()
        asyncio.get_running_loop().call_later(self._hold_s, self._done, taken.key)

    def _done(self, key: K) -> None:
        self._dirty.done(key)
        self._wake.set()


class Statements:
    """The facts of objects."""

    def __init__(self, picture: Picture, voice: Voice, metrics: Metrics) -> None:
        self._picture = picture
        self._voice = voice
        self._stated = metrics.counter("observe_facts", "Facts of objects that were stored", ("type",))
        self._said: dict[str, tuple[object, ...]] = {}
        self._owed: set[str] = set()
        self._owed_since: ObservationOrder | None = None
        self.restated: ObservationOrder | None = None
        """All that exists was stated at this order or later."""

    def owe_all(self) -> frozenset[str]:
        """Begin to state everything anew; returns what is to be marked for it."""
        everything = frozenset(self._picture.objects) | frozenset(self._picture.vanished)
        self._owed_since = self._voice.orders.take()
        self._owed = set(everything)
        self._settle_debt()
        return everything

    async def say(self, taken: Taken[str]) -> None:
        """State an object as it is now, if that is new or wanted again; raises Retryable."""
        uid = taken.key
        statement = state(self._picture, uid)
        if statement is None:
            self._said.pop(uid, None)
            self._owed.discard(uid)
        elif (taken.again or self._said.get(uid) != statement.said()) and self._voice.leading():
            fact = to_fact(
                statement, cluster=self._voice.cluster, order=self._voice.orders.take(), at=self._voice.now()
            )
            # Forgotten until it is stored: a publish that failed may have been stored nevertheless.
            self._said.pop(uid, None)
            await self._voice.outbox.publish(subjects.status(self._voice.cluster, fact.app), fact)
            self._stated.labels(fact.type).inc()
            self._said[uid] = statement.said()
            if statement.gone:
                self._picture.stated_gone(uid)
            if fact.order.later_than(self._owed_since):
                self._owed.discard(uid)
        if uid not in self._picture.objects and uid not in self._picture.vanished:
            self._said.pop(uid, None)
        self._settle_debt()

    def _settle_debt(self) -> None:
        if not self._owed and self._owed_since is not None:
            self.restated, self._owed_since = self._owed_since, None


class Chatter:
    """The pods of steps, for people."""

    def __init__(self, picture: Picture, voice: Voice) -> None:
        self._picture = picture
        self._voice = voice
        self._said: dict[StepKey, StepPods] = {}

    async def say(self, taken: Taken[StepKey]) -> None:
        """Show the pods of a step as they are now, if that is new or wanted again; raises Retryable."""
        key = taken.key
        pods = step_pods(self._picture, key)
        before = self._said.get(key, StepPods())
        if not self._voice.leading() or (pods == before and not (taken.again and pods.total)):
            return
        self._said[key] = _UNCERTAIN
        message = to_pods_observed(
            pods, key, cluster=self._voice.cluster, order=self._voice.orders.take(), at=self._voice.now()
        )
        await self._voice.outbox.publish(subjects.progress(self._voice.cluster, key.app, key.step), message)
        if pods.total:
            self._said[key] = pods
        else:
            del self._said[key]


async def _sleep(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
