"""What has to be looked at again: each key once, however often it changed, so that a burst costs one message.

Nothing is lost by that: who takes a key looks at its present state, and a change during that look brings the key back.
"""

from typing import Generic, NamedTuple, TypeVar

K = TypeVar("K")


class Taken(NamedTuple, Generic[K]):
    """A key that was taken; give it back by `done`."""

    key: K
    again: bool
    """State it although it is as it was."""


class Dirty(Generic[K]):
    """Keys that wait. A key that is taken is not given out a second time before it is done: one message at a time."""

    def __init__(self) -> None:
        # Dicts, because they keep the order of their keys.
        self._urgent: dict[K, None] = {}
        self._routine: dict[K, None] = {}
        self._again: set[K] = set()
        self._taken: dict[K, bool | None] = {}
        """None, or whether the change that came meanwhile is urgent."""

    def __len__(self) -> int:
        """How many wait or are taken."""
        return len(self._urgent) + len(self._routine) + len(self._taken)

    def mark(self, key: K, *, again: bool = False, urgent: bool = True) -> None:
        """Have the key looked at; urgent ones before those that are only stated anew as a matter of routine."""
        if again:
            self._again.add(key)
        if key in self._taken:
            self._taken[key] = urgent or bool(self._taken[key])
        elif urgent:
            self._routine.pop(key, None)
            self._urgent[key] = None
        elif key not in self._urgent:
            self._routine[key] = None

    def take(self) -> Taken[K] | None:
        """The key that has waited longest; None when none waits."""
        queue = self._urgent or self._routine
        if not queue:
            return None
        key = next(iter(queue))
        del queue[key]
        self._taken[key] = None
        again = key in self._again
        self._again.discard(key)
        return Taken(key, again)

    def done(self, key: K) -> None:
        """Give a key back; it waits again if it was marked meanwhile."""
        urgent = self._taken.pop(key)
        if urgent is not None:
            self.mark(key, urgent=urgent)
