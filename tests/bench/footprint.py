"""The observer's memory with many pods."""

import asyncio
import json
import re

import aiohttp

from dev.administration import run as run_module
from shared.contracts.identity import ObjectKey
from shared.kube.kinds import Object
from tests.bench.chain import Line, line_of, side_by_side
from tests.bench.figures import Aim, Figure
from tests.bench.owned import MANAGER, pod_of
from tests.bench.processes import costs, ours
from tests.bench.running import running
from tests.bench.settings import Settings

_AT_ONCE = 64
_SEEN_WITHIN_S = 120.0
_LOOK_EVERY_S = 0.5
_COUNT = re.compile(r"^(?:kubemin_)?observe_pods(?:\{[^}]*\})? ([0-9.e+]+)$", re.MULTILINE)


async def footprint(settings: Settings) -> list[Figure]:
    """Resident memory while pods come, and after a restart that finds them all."""
    pods = 50 if settings.quick else 10_000
    async with running("footprint", settings, cluster="plane") as system, line_of(system) as line:
        [name] = line.names(1)
        await line.deliver([name], 1)
        key = ObjectKey(api_version="v1", kind="ConfigMap", namespace=line.namespace, name=f"{name}-0")
        owner = await line.kube.get(key)
        await _seen(line, 0)
        empty = _rss_mib(line)
        await side_by_side([f"{name}-{i}" for i in range(pods)], lambda pod: _create(line, owner, pod), _AT_ONCE)
        await _seen(line, pods)
        watched = _rss_mib(line)
        [service] = [s for n, s in system.stack.services.items() if n.startswith("observe")]
        await service.process.stop()
        await service.start()
        await service.ready()
        await _seen(line, pods)
        return _figures(pods, empty, watched, _rss_mib(line), await _held_mib(line))


async def _create(line: Line, owner: Object, name: str) -> None:
    await line.kube.create(pod_of(owner, name), field_manager=MANAGER)


async def _seen(line: Line, pods: int) -> None:
    """Wait until the observer says that it keeps so many."""
    [service] = [s for n, s in line.system.stack.services.items() if n.startswith("observe")]
    async with asyncio.timeout(_SEEN_WITHIN_S), aiohttp.ClientSession() as session:
        while True:
            async with session.get(f"{service.url}/metrics") as response:
                found = _COUNT.search(await response.text())
            if found is not None and float(found[1]) >= pods:
                return
            await asyncio.sleep(_LOOK_EVERY_S)


def _rss_mib(line: Line) -> float:
    return costs(ours(line.system))["observe"].rss_bytes / 2**20


async def _held_mib(line: Line) -> float:
    cluster = line.system.stack.clusters[0]
    arguments = ["-m", "tests.bench.holding", str(cluster.kubeconfig), cluster.context, line.namespace]
    told = json.loads(await run_module(arguments, {}))
    return float(told["after"]) / 2**20


def _figures(pods: int, empty: float, watched: float, listed: float, held: float) -> list[Figure]:
    of_baseline = "a bare process that lists the same pods by the same client and keeps them as they came"
    note = f"pods created as objects on the real control plane, all of one step; {empty:.0f} MiB without any"
    return [
        Figure(
            name=f"footprint: observe with {pods:,} pods, {how}",
            unit="MiB",
            measured=[value],
            baseline=[held],
            of_baseline=of_baseline,
            aim=Aim("measured", "≤", 200),
            note=note,
            details={"empty_mib": empty, "kib_per_pod": (value - empty) * 1024 / pods},
        )
        for how, value in (("that came one by one", watched), ("found by a list at the start", listed))
    ]
