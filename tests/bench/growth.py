"""What an application costs each service, with few and with many applications stored."""

import asyncio
import statistics
import time
from dataclasses import dataclass

from shared.bus import Bus, topology
from shared.contracts import subjects
from tests.bench.chain import Line, line_of
from tests.bench.figures import Figure
from tests.bench.processes import Cost, calibrate, costs, ours, servers
from tests.bench.running import bus_of, running
from tests.bench.settings import Settings

_AT_ONCE_STORED = 250
"""Posted before their ends are awaited."""
_FILLING_S = 660.0
"""What is not stored by then is left: a slow machine measures at fewer than 10,000, and the figures say at how many."""
_IDLE_S = 10.0
_SETTLE_WITHIN_S = 120.0
_LOOK_EVERY_S = 0.25


@dataclass(frozen=True)
class _Level:
    """What was measured with so many applications stored."""

    stored: int
    cpu_s: dict[str, float]
    """For 1,000 applications more, by process."""
    idle_cpu_s: dict[str, float]
    """In a minute without any work."""
    rss_bytes: dict[str, int]
    rate: float
    calibration_s: float


async def growth(settings: Settings) -> list[Figure]:
    """Processor time and memory for 1,000 applications, at several numbers of applications stored."""
    levels, window = ((4, 8), 4) if settings.quick else ((100, 1_000, 10_000), 250)
    measured: list[_Level] = []
    async with running("growth", settings, cluster="sim") as system, line_of(system) as line, bus_of(system) as bus:
        until = time.monotonic() + _FILLING_S
        for level in levels:
            while line.count < level and time.monotonic() < until:
                await line.deliver(line.names(min(_AT_ONCE_STORED, level - line.count)), 1)
            await _settled(bus)
            measured.append(await _measure(line, bus, window, idle_s=2.0 if settings.quick else _IDLE_S))
            settings.say(f"{level:,} stored: {measured[-1].rate:.1f} applications/s")
    return _figures(measured)


async def _measure(line: Line, bus: Bus, window: int, *, idle_s: float) -> _Level:
    stored = line.count
    pids = ours(line.system) | servers(line.system)
    calibrations = [calibrate() for _ in range(5)]
    at_rest = costs(pids)
    await asyncio.sleep(idle_s)
    before = costs(pids)
    started = time.perf_counter()
    seconds = await line.deliver(line.names(window), 1)
    await _settled(bus)
    after = costs(pids)
    # The sweeps go on beside the work; what they cost was measured before it.
    idle = {name: _spent(at_rest[name], before[name]) / idle_s for name in pids}
    busy_s = time.perf_counter() - started
    calibrations += [calibrate() for _ in range(5)]
    return _Level(
        stored=stored,
        cpu_s={n: max(0.0, _spent(before[n], after[n]) - idle[n] * busy_s) / window * 1000 for n in pids},
        idle_cpu_s={name: idle[name] * 60 for name in pids},
        rss_bytes={name: cost.rss_bytes for name, cost in after.items()},
        rate=window / seconds,
        calibration_s=statistics.median(calibrations),
    )


def _spent(before: Cost, after: Cost) -> float:
    return after.cpu_s - before.cpu_s


async def _settled(bus: Bus) -> None:
    """Wait until planner and recorder have taken everything that was said."""
    consumers = [
        bus.consumer(subjects.STREAM_STATUS, topology.DURABLE_PLANNER_FACTS),
        bus.consumer(subjects.STREAM_STATUS, topology.DURABLE_RECORD_FACTS),
        bus.consumer(subjects.STREAM_RUNS, topology.DURABLE_RECORD_RUNS),
    ]
    async with asyncio.timeout(_SETTLE_WITHIN_S):
        while [await consumer.pending() for consumer in consumers] != [0, 0, 0]:  # noqa: ASYNC110  # the server's count
            await asyncio.sleep(_LOOK_EVERY_S)


def _figures(levels: list[_Level]) -> list[Figure]:
    first, last = levels[0], levels[-1]
    found: list[Figure] = []

    def figure(name: str, unit: str, values: list[float], note: str = "") -> None:
        found.append(
            Figure(
                name=f"growth: {name} at {last.stored:,} stored",
                unit=unit,
                measured=[values[-1]],
                baseline=[values[0]],
                of_baseline=f"the same at {first.stored:,} stored",
                note=note,
                details={f"{level.stored}": value for level, value in zip(levels, values, strict=True)},
            )
        )

    for process in first.cpu_s:
        figure(f"{process}", "CPU s per 1,000", [level.cpu_s[process] for level in levels])
    services = [name for name in first.cpu_s if name not in ("nats", "mongodb")]
    figure(
        "all our services",
        "CPU s per 1,000",
        [sum(level.cpu_s[name] for name in services) for level in levels],
        "what idling costs is taken off, and stands below",
    )
    for process in services:
        figure(f"{process} memory", "MiB", [level.rss_bytes[process] / 2**20 for level in levels])
    idle = [sum(level.idle_cpu_s[name] for name in services) for level in levels]
    figure("all our services idling", "CPU s per min", idle)
    figure("mongodb idling", "CPU s per min", [level.idle_cpu_s["mongodb"] for level in levels])
    figure("applications", "apps/s", [level.rate for level in levels])
    calibration = [level.calibration_s * 1000 for level in levels]
    figure("a fixed piece of Python", "CPU ms", calibration, "how much slower the machine itself was")
    return found
