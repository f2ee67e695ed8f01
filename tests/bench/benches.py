"""All benches by name."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.bench.chain import chain
from tests.bench.core import core
from tests.bench.figures import Figure
from tests.bench.footprint import footprint
from tests.bench.growth import growth
from tests.bench.live import live
from tests.bench.plans import plans
from tests.bench.settings import Settings

__all__ = ["BENCHES", "Bench", "Settings"]


@dataclass(frozen=True)
class Bench:
    """One of them."""

    title: str
    run: Callable[[Settings], Awaitable[list[Figure]]]
    limit_s: float
    """Given up after that, so that all together end within about half an hour whatever the machine does."""


async def _core(settings: Settings) -> list[Figure]:
    return core(quick=settings.quick)


BENCHES: dict[str, Bench] = {
    "chain": Bench("applications through the whole chain, on the real control plane", chain, 360),
    "live": Bench(
        "from a change of a pod to the stored status and the live stream, on the real control plane", live, 240
    ),
    "footprint": Bench("the observer's memory with many pods, on the real control plane", footprint, 240),
    "growth": Bench("the cost of an application with few and with many stored, on the simulator", growth, 900),
    "core": Bench("the planner's pure core, on one core", _core, 120),
    "plans": Bench("dry runs without the clusters' part, on one core", plans, 180),
}
