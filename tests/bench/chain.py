"""Applications through the whole chain, beside a bare loop that applies the same objects."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from shared.kube import KubeApi
from shared.kube.kinds import GroupVersionKind, Object
from tests.bench.arrivals import Arrivals, read_ends, read_objects
from tests.bench.figures import Aim, Figure, quantile
from tests.bench.running import bus_of, running
from tests.bench.settings import Settings
from tests.e2e.system import System

CONFIG_MAP = GroupVersionKind("v1", "ConfigMap")
AT_ONCE = 32
"""As many commands as an executor works on at once."""
_MANAGER = "kubemin-bench"
_WARM_UP = 10
_ROUNDS_S = 90.0
"""No round of a figure begins later: a slow machine measures less often."""


async def chain(settings: Settings) -> list[Figure]:
    """Rates with 1 and 5 objects, and the latency of a single application on an idle system."""
    applications, rounds, single = (4, 2, 4) if settings.quick else (200, 5, 200)
    async with running("chain", settings, cluster="plane") as system, line_of(system) as line:
        await line.deliver(line.names(_WARM_UP), 5)
        figures = [await _rate(line, objects, applications, rounds) for objects in (1, 5)]
        return [*figures, *await _latency(line, single)]


@dataclass
class Line:
    """One system with a namespace, and what is heard of both."""

    system: System
    kube: KubeApi
    namespace: str
    ends: Arrivals = field(default_factory=Arrivals)
    """Runs, by id."""
    seen: Arrivals = field(default_factory=Arrivals)
    """ConfigMaps, by name."""
    failures: dict[str, str] = field(default_factory=dict)
    count: int = 0

    def names(self, count: int) -> list[str]:
        """New names of applications."""
        self.count += count
        return [f"a{i}" for i in range(self.count - count, self.count)]

    async def post(self, name: str, objects: int) -> str:
        """Post one application; returns its run."""
        document = {
            "apiVersion": "core.oam.dev/v1beta1",
            "kind": "Application",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {"components": [_component(name, objects)]},
        }
        async with self.system.http.post("/api/v1/applications", json=document) as response:
            answer = await response.json(content_type=None)
        assert response.status == 202, answer
        return str(answer["run"])

    async def deliver(self, names: Sequence[str], objects: int) -> float:
        """Post applications, so many at a time; returns the seconds from the first request to the last run's end."""
        started = time.perf_counter()
        runs = await side_by_side(names, lambda name: self.post(name, objects))
        ended = await self.ends.wait(runs)
        assert not self.failures, self.failures
        return ended - started

    async def apply(self, names: Sequence[str], objects: int) -> float:
        """Apply the same objects with nothing in between; returns seconds."""

        async def one(name: str) -> None:
            for manifest in _manifests(name, objects):
                await self.kube.apply(_finished(manifest, self.namespace), field_manager=_MANAGER, force=False)

        started = time.perf_counter()
        await side_by_side(names, one)
        return time.perf_counter() - started


@asynccontextmanager
async def line_of(system: System) -> AsyncIterator[Line]:
    """Listen to the ends of runs and to ConfigMaps for the scope."""
    line = Line(system, system.kube[system.clusters[0]], await system.enrolled_namespace())
    listening = asyncio.Event()
    async with bus_of(system) as bus, asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(read_ends(bus, line.ends, line.failures)),
            group.create_task(read_objects(line.kube, CONFIG_MAP, line.namespace, line.seen, listening)),
        ]
        await listening.wait()
        yield line
        for task in tasks:
            task.cancel()


async def side_by_side(
    names: Sequence[str], action: Callable[[str], Awaitable[Any]], at_once: int = AT_ONCE
) -> list[Any]:
    """Act on all, so many at a time; the results in their order."""
    places = asyncio.Semaphore(at_once)

    async def one(name: str) -> Any:
        async with places:
            return await action(name)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(name)) for name in names]
    return [task.result() for task in tasks]


async def _rate(line: Line, objects: int, applications: int, rounds: int) -> Figure:
    measured: list[float] = []
    baseline: list[float] = []
    until = time.monotonic() + _ROUNDS_S
    for done in range(rounds):
        if done and time.monotonic() > until:
            break
        baseline.append(applications / await line.apply(line.names(applications), objects))
        measured.append(applications / await line.deliver(line.names(applications), objects))
    return Figure(
        name=f"chain: applications of {objects} object{'s' if objects > 1 else ''}",
        unit="apps/s",
        measured=measured,
        baseline=baseline,
        of_baseline=f"server-side apply of the same objects by one admin, {AT_ONCE} applications at a time",
        aim=Aim("ratio", "≥", 0.8) if objects == 5 else None,
        note=f"One k8s-objects component of ConfigMaps; {applications} posted {AT_ONCE} at a time,"
        " until the last run has Succeeded; real control plane",
    )


async def _latency(line: Line, count: int) -> list[Figure]:
    bare: list[float] = []
    applied: list[float] = []
    ended: list[float] = []
    until = time.monotonic() + _ROUNDS_S
    for done in range(count):
        if done and time.monotonic() > until:
            break
        [name] = line.names(1)
        started = time.perf_counter()
        await line.apply([name], 1)
        bare.append(await line.seen.wait([f"{name}-0"]) - started)
        [name] = line.names(1)
        started = time.perf_counter()
        run = await line.post(name, 1)
        applied.append(await line.seen.wait([f"{name}-0"]) - started)
        ended.append(await line.ends.wait([run]) - started)
    assert not line.failures, line.failures
    of_baseline = "one bare apply, until a watch shows the object; the two take turns"
    note = f"{len(bare)} single applications of 1 object on an idle system"

    def at(q: float, name: str, values: Sequence[float], aim: Aim | None) -> Figure:
        return Figure(
            name=f"chain: {name}, p{q * 100:.0f}",
            unit="ms",
            measured=[quantile(values, q) * 1000],
            baseline=[quantile(bare, q) * 1000],
            of_baseline=of_baseline,
            aim=aim,
            note=note,
        )

    return [
        at(0.5, "submit to applied", applied, Aim("difference", "≤", 15)),
        at(0.99, "submit to applied", applied, Aim("difference", "≤", 60)),
        at(0.5, "submit to Succeeded", ended, None),
        at(0.99, "submit to Succeeded", ended, None),
    ]


def _component(name: str, objects: int) -> dict[str, Any]:
    return {"name": name, "type": "k8s-objects", "properties": {"objects": _manifests(name, objects)}}


def _manifests(name: str, objects: int) -> list[Object]:
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{name}-{k}"}, "data": {"key": f"{name} {k}"}}
        for k in range(objects)
    ]


def _finished(manifest: Object, namespace: str) -> Object:
    """With labels and annotations as many and as long as those that the chain adds."""
    stamps = {f"bench.kubemin.dev/{i}": "0123456789abcdef0123456789abcdef" for i in range(8)}
    labels = {f"bench.kubemin.dev/{i}": manifest["metadata"]["name"] for i in range(4)}
    metadata = {**manifest["metadata"], "namespace": namespace, "annotations": stamps, "labels": labels}
    return {**manifest, "metadata": metadata}
