"""What the engine keeps in memory between decisions, bounded by size; the store stays the truth."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.planner.domain.planned import IndexedPlan
from services.planner.domain.state import AppState
from shared.contracts.identity import AppUid, RunId
from shared.store.planner_states import StoredState

K = TypeVar("K")
V = TypeVar("V")

_PLANNED_STEPS = 30_000
"""About 300 MB of manifests at most; one plan is kept whatever its size."""
_STATE_BYTES = 4 * 1024 * 1024
"""Of stored states; in memory they take about thirty times as much."""


class Bounded(Generic[K, V]):
    """The most recently used values up to a total weight, and always the last one."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._weight = 0

    def put(self, key: K, value: V, weight: int) -> None:
        """Keep it."""
        self.take(key)
        self._held[key] = (value, weight)
        self._weight += weight
        while self._weight > self._limit and len(self._held) > 1:
            _, (_, dropped) = self._held.popitem(last=False)
            self._weight -= dropped

    def get(self, key: K) -> V | None:
        """Look it up; it counts as used."""
        if key not in self._held:
            return None
        self._held.move_to_end(key)
        return self._held[key][0]

    def take(self, key: K) -> V | None:
        """Look it up and keep it no longer."""
        value, weight = self._held.pop(key, (None, 0))
        self._weight -= weight
        return value


class PlanCache:
    """Plans: they never change."""

    def __init__(self) -> None:
        self._plans: Bounded[RunId, IndexedPlan] = Bounded(_PLANNED_STEPS)

    def put(self, indexed: IndexedPlan) -> None:
        """Keep it."""
        self._plans.put(indexed.plan.run, indexed, 1 + len(indexed.steps))

    def get(self, run: RunId) -> IndexedPlan | None:
        """Look it up."""
        return self._plans.get(run)


@dataclass(frozen=True)
class ReadState:
    """A state as stored and as read: reading 10,000 steps takes 150 ms."""

    stored: StoredState
    state: AppState


class StateCache:
    """States as of some revision; whoever takes one out changes it in place, and puts it back when that is stored."""

    def __init__(self) -> None:
        self._states: Bounded[AppUid, ReadState] = Bounded(_STATE_BYTES)

    def put(self, read: ReadState) -> None:
        """Keep it."""
        self._states.put(read.stored.uid, read, len(read.stored.body))

    def take(self, uid: AppUid) -> ReadState | None:
        """Take it out."""
        return self._states.take(uid)
