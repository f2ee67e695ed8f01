"""What processes cost: processor time and memory, as the kernel counts them."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.system import System

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_CALIBRATION_LOOPS = 200_000


@dataclass(frozen=True)
class Cost:
    """Of one process so far."""

    cpu_s: float
    """In user and system mode, of all its threads."""
    rss_bytes: int
    """Resident memory."""


def ours(system: System) -> dict[str, int]:
    """Process ids of our services by name, without the cluster's."""
    named = {name.partition("-")[0]: service.process.pid for name, service in system.stack.services.items()}
    return {name: pid for name, pid in named.items() if pid is not None}


def servers(system: System) -> dict[str, int]:
    """Process ids of the bus and the database."""
    named = {"nats": system.stack.nats.process.pid, "mongodb": system.stack.mongodb.process.pid}
    return {name: pid for name, pid in named.items() if pid is not None}


def costs(pids: Mapping[str, int]) -> dict[str, Cost]:
    """What each of them has cost until now."""
    return {name: _cost(pid) for name, pid in pids.items()}


def calibrate() -> float:
    """Seconds of processor time that a fixed piece of Python takes now: a busy neighbour slows the same work down."""
    started = time.thread_time()
    total = 0
    for i in range(_CALIBRATION_LOOPS):
        total += i % 7
    return time.thread_time() - started


def _cost(pid: int) -> Cost:
    # https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html; the name in parentheses may hold blanks.
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    user, system, rss_pages = int(fields[11]), int(fields[12]), int(fields[21])
    return Cost(cpu_s=(user + system) / _TICKS_PER_S, rss_bytes=rss_pages * os.sysconf("SC_PAGE_SIZE"))
