"""When to ask again for what met an outage: soon, and one after the other instead of all at once."""


class Comeback:
    """Hands out times at which the planner may send commands again."""

    def __init__(self, *, least_s: float = 2.0, most_s: float = 60.0, per_second: float = 20.0) -> None:
        """`least_s` is what one command waits; many come back at `per_second`, none later than `most_s`."""
        self._least_s = least_s
        self._most_s = most_s
        self._gap_s = 1 / per_second
        self._last_s = 0.0

    def after_s(self, now_s: float, asked_s: float | None = None) -> float:
        """How long the next one waits, by a monotonic clock; `asked_s` is the least that the cluster asked for."""
        earliest_s = now_s + max(self._least_s, asked_s or 0.0)
        self._last_s = max(earliest_s, self._last_s + self._gap_s)
        return min(self._last_s - now_s, max(self._most_s, asked_s or 0.0))
