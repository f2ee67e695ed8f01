"""Up to when the facts that agents stated are folded: later deadlines are not judged yet."""

from collections import deque

from shared.bus.consumer import Backlog

_MARKS = 1000
"""Some minutes of them: verdicts do not wait for longer."""


class Folded:
    """Notes how far the stream of facts was at which moment, and which of these have been reached."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque(maxlen=_MARKS)
        self._until = 0.0

    def until(self, now: float, backlog: Backlog) -> float:
        """Return the latest moment of which it is known that everything stated before it is folded."""
        # A stream that was made anew counts from the beginning: what was stated in the old one is stated again.
        while self._marks and self._marks[-1][1] > backlog.last:
            self._marks.pop()
        self._marks.append((now, backlog.last))
        while self._marks and self._marks[0][1] <= backlog.settled:
            self._until = self._marks.popleft()[0]
        return self._until
