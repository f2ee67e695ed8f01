"""Finds calls that block the event loop: an autouse fixture of a conftest wraps every test in `watched_loop`.

A callback is blamed for the time that it ran or slept, not for the time that the kernel gave to other processes.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

_SCHEDSTAT = Path("/proc/thread-self/schedstat")
_SAMPLE_EVERY_S = 0.05


class BlockedLoop(AssertionError):
    """The event loop stood still."""

    def __init__(self, offences: list[str]) -> None:
        super().__init__("the event loop was blocked:\n" + "\n".join(offences))


@contextmanager
def watched_loop(limit_s: float = 0.2) -> Iterator[None]:
    """Raise at the end of the scope if a callback held its event loop for longer than the limit.

    Raises:
        BlockedLoop: with what blocked it and for how long.

    """
    watch = _Watch(limit_s)
    run: Any = asyncio.Handle._run

    def timed_run(handle: asyncio.Handle) -> None:
        started = watch.begin()
        try:
            run(handle)
        finally:
            watch.end(handle, started)

    # The loop's own code, not ours: there is no other place where a callback can be timed without asyncio's debug mode.
    with patch.object(asyncio.Handle, "_run", timed_run):
        yield
    if watch.offences:
        raise BlockedLoop(watch.offences)


class _Watch:
    def __init__(self, limit_s: float) -> None:
        self.offences: list[str] = []
        self._limit_s = limit_s
        self._sampled_at = 0.0
        self._waited_s = 0.0

    def begin(self) -> float:
        now = time.perf_counter()
        if now - self._sampled_at > _SAMPLE_EVERY_S:
            # Not for every callback: reading takes longer than most of them.
            self._sampled_at, self._waited_s = now, _run_queue_wait_s()
        return now

    def end(self, handle: Any, started: float) -> None:
        took_s = time.perf_counter() - started
        if took_s <= self._limit_s:
            return
        blocked_s = took_s - (_run_queue_wait_s() - self._waited_s)
        if blocked_s > self._limit_s:
            # The step of a task knows its task; that one names its coroutine.
            blamed = getattr(handle._callback, "__self__", None) or handle
            self.offences.append(f"{blocked_s:.3f} s: {blamed!r}")


def _run_queue_wait_s() -> float:
    """Return how long this thread was ready to run and did not get a processor; 0 where the kernel does not say."""
    try:
        return int(_SCHEDSTAT.read_text(encoding="ascii").split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0
