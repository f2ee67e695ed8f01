"""`python -m tests.bench.profiled FILE MODULE [ARGUMENT…]`: runs a service and writes what its threads spent time on.

The times are processor time, so that waiting counts for nothing. SIGUSR1 forgets what was counted until then: imports
and the start. Threads that the service starts are measured as well:
the MongoDB driver does its work in some.
"""

import cProfile
import pstats
import runpy
import signal
import sys
import threading
import time
from pathlib import Path
from types import FrameType
from typing import Any

_TOP = 40


def main() -> None:
    """Run the module until it exits, then write its statistics beside a text of the largest."""
    path = Path(sys.argv[1])
    sys.argv = sys.argv[2:]
    profiles = [cProfile.Profile(time.thread_time)]

    def begin(_frame: FrameType, _event: str, _argument: Any) -> None:
        # Called once in every new thread: the profiler takes its place.
        profile = cProfile.Profile(time.thread_time)
        profiles.append(profile)
        profile.enable()

    if sys.version_info < (3, 12):
        # From 3.12 on there is one profiler for all threads.
        threading.setprofile(begin)
    signal.signal(signal.SIGUSR1, lambda _number, _frame: _forget(profiles))
    profiles[0].enable()
    try:
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    finally:
        profiles[0].disable()
        _write(path, profiles)


def _forget(profiles: list[cProfile.Profile]) -> None:
    for profile in profiles:
        profile.clear()


def _write(path: Path, profiles: list[cProfile.Profile]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    statistics = pstats.Stats(profiles[0])
    for profile in profiles[1:]:
        profile.create_stats()
        if profile.stats:
            statistics.add(profile)
    statistics.dump_stats(path)
    with path.with_suffix(".txt").open("w", encoding="utf-8") as file:
        for order in ("tottime", "cumtime"):
            pstats.Stats(str(path), stream=file).sort_stats(order).print_stats(_TOP)


if __name__ == "__main__":
    main()
