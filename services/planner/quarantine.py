"""Leaves alone for a while what fails by a defect, so that it neither fills the log nor keeps others waiting."""

from collections.abc import Callable, Hashable

_FIRST_S = 1.0
_LIMIT_S = 300.0
_REMEMBERED = 10_000


class Quarantine:
    """Doubles the pause with every failure in a row."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._held: dict[Hashable, tuple[float, float]] = {}
        """When it is tried again, and the pause that led there."""

    def __len__(self) -> int:
        """How many are held."""
        return len(self._held)

    def admits(self, key: Hashable) -> bool:
        """Whether it may be tried now."""
        return key not in self._held or self._held[key][0] <= self._clock()

    def failed(self, key: Hashable) -> float:
        """Note a failure; returns the pause in seconds."""
        _, before = self._held.pop(key, (0.0, _FIRST_S / 2))
        pause_s = min(before * 2, _LIMIT_S)
        self._held[key] = (self._clock() + pause_s, pause_s)
        if len(self._held) > _REMEMBERED:
            del self._held[next(iter(self._held))]
        return pause_s

    def succeeded(self, key: Hashable) -> None:
        """Note that it is well again."""
        self._held.pop(key, None)
