"""From a change of a pod to the stored status and to the live stream of the gateway."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from shared.contracts.facts import PROGRESS_FACT
from shared.contracts.identity import AppUid, ObjectKey
from shared.kube.kinds import GroupVersionKind, Object, Selection
from shared.store.reads import PODS
from tests.bench.chain import Line, line_of, side_by_side
from tests.bench.figures import Aim, Figure, quantile
from tests.bench.owned import MANAGER, pod_of
from tests.bench.running import running
from tests.bench.settings import Settings
from tests.e2e.system import application, component, simulate

POD = GroupVersionKind("v1", "Pod")
_AT_ONCE = 64
_DRAIN_S = 10.0
"""How long is waited for what was not told when the last change was made."""
_BETWEEN_READS_S = 0.005
_STORED_OUT_OF_ORDER = 100
"""Observations that may be stored after a later one."""
_SETTLE_S = 3.0
_STARTED_WITHIN_S = 120.0


@dataclass
class _Told:
    """When one way of telling told of changes; a later change of a pod tells of those before it."""

    open: dict[str, list[tuple[int, float]]] = field(default_factory=lambda: defaultdict(list))
    latencies_s: list[float] = field(default_factory=list)

    def expect(self, pod: str, number: int, at: float) -> None:
        self.open[pod].append((number, at))

    def tell(self, pod: str, number: int) -> None:
        now = time.perf_counter()
        waiting = self.open.get(pod)
        while waiting and waiting[0][0] <= number:
            self.latencies_s.append(now - waiting.pop(0)[1])

    @property
    def missing(self) -> int:
        """Changes of which nothing was told yet."""
        return sum(map(len, self.open.values()))


@dataclass
class _Ways:
    """All ways that are compared."""

    watch: _Told = field(default_factory=_Told)
    stored: _Told = field(default_factory=_Told)
    live: _Told = field(default_factory=_Told)

    def expect(self, pod: str, number: int) -> None:
        at = time.perf_counter()
        for way in (self.watch, self.stored, self.live):
            way.expect(pod, number, at)


@dataclass(frozen=True)
class _Target:
    """Applications whose runs go on, with pods that change."""

    runs: dict[str, AppUid]
    pods: list[ObjectKey]


async def live(settings: Settings) -> list[Figure]:
    """Latencies at several rates of changes."""
    applications, steps = (2, 5) if settings.quick else (20, 25)
    rates = (20,) if settings.quick else (50, 500)
    seconds = 3.0 if settings.quick else 20.0
    async with running("live", settings, cluster="plane") as system, line_of(system) as line:
        target = await _start(line, applications, steps)
        settings.say(f"{len(target.pods)} pods of {applications} runs are followed")
        return [figure for rate in rates for figure in await _measure(line, target, rate, seconds)]


async def _start(line: Line, applications: int, steps: int) -> _Target:
    """Deliver applications of which one component never starts, and give every other a pod."""
    runs: dict[str, AppUid] = {}
    for name in line.names(applications):
        objects = [
            {"name": f"{name}-{i}", "type": "k8s-objects", "properties": {"objects": [_config(f"{name}-{i}")]}}
            for i in range(steps)
        ]
        hanging = component(f"{name}-waits", "webservice", **simulate("image-pull-backoff"))
        run = await line.system.apply(application(line.namespace, *objects, hanging, name=name))
        runs[run] = AppUid(run.rpartition("-")[0])
    names = [f"a{n}-{i}" for n in range(line.count - applications, line.count) for i in range(steps)]
    await line.seen.wait(names)
    pods = await side_by_side(names, lambda name: _give_pod(line, name), _AT_ONCE)
    return _Target(runs, pods)


def _config(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"key": name}}


async def _give_pod(line: Line, name: str) -> ObjectKey:
    owner = await line.kube.get(ObjectKey(api_version="v1", kind="ConfigMap", namespace=line.namespace, name=name))
    pod = pod_of(owner, name)
    await line.kube.create(pod, field_manager=MANAGER)
    return ObjectKey.of(pod)


async def _measure(line: Line, target: _Target, rate: int, seconds: float) -> list[Figure]:
    ways = _Ways()
    listening = asyncio.Barrier(len(target.runs) + 2)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_read_watch(line, ways.watch, listening)),
            *(group.create_task(_read_stream(line, run, ways.live, listening)) for run in target.runs),
            group.create_task(_read_stored(line, ways.stored)),
        ]
        async with asyncio.timeout(_STARTED_WITHIN_S):
            await listening.wait()
        # What the readers were told first is not of these changes.
        await asyncio.sleep(_SETTLE_S)
        took_s = await _change(line, target.pods, ways, rate, seconds)
        await _drained(ways)
        for task in tasks:
            task.cancel()
    return _figures(ways, rate, round(rate * seconds) / took_s, len(target.pods))


async def _change(line: Line, pods: Sequence[ObjectKey], ways: _Ways, rate: int, seconds: float) -> float:
    """Patch the status of one pod after the other, at the rate or as fast as the server takes it; returns seconds."""
    started = time.perf_counter()
    base = int(time.time()) % 1_000_000
    places = asyncio.Semaphore(_AT_ONCE)

    async def patch(pod: ObjectKey, number: int) -> None:
        try:
            ways.expect(pod.name, number)
            await line.kube.patch(pod, {"status": _status(number)}, field_manager=MANAGER, subresource="status")
        finally:
            places.release()

    async with asyncio.TaskGroup() as group:
        for i in range(round(rate * seconds)):
            await places.acquire()
            await asyncio.sleep(max(0.0, started + i / rate - time.perf_counter()))
            group.create_task(patch(pods[i % len(pods)], base + i // len(pods)))
    return time.perf_counter() - started


def _status(number: int) -> Object:
    """Running and ready, restarted so many times: a number that readers see."""
    container = {"name": "app", "image": "web:1", "imageID": "", "ready": True, "restartCount": number}
    return {"phase": "Running", "containerStatuses": [container]}


async def _drained(ways: _Ways) -> None:
    try:
        async with asyncio.timeout(_DRAIN_S):
            while ways.stored.missing or ways.live.missing or ways.watch.missing:  # noqa: ASYNC110  # three readers
                await asyncio.sleep(_BETWEEN_READS_S)
    except TimeoutError:
        return


async def _read_watch(line: Line, told: _Told, listening: asyncio.Barrier) -> None:
    version = (await line.kube.list_objects(POD, namespace=line.namespace)).resource_version
    events = line.kube.watch(POD, Selection(namespace=line.namespace), resource_version=version)
    await listening.wait()
    async with aclosing(events):
        async for event in events:
            if event.type == "MODIFIED":
                statuses = event.object.get("status", {}).get("containerStatuses") or [{}]
                told.tell(event.object["metadata"]["name"], int(statuses[0].get("restartCount", 0)))


async def _read_stream(line: Line, run: str, told: _Told, listening: asyncio.Barrier) -> None:
    timeout = aiohttp.ClientTimeout(total=None, sock_read=60)
    async with line.system.http.get(f"/api/v1/runs/{run}/events", timeout=timeout) as response:
        assert response.status == 200, await response.text()
        await listening.wait()
        event = ""
        async for raw in response.content:
            name, _, value = raw.decode().rstrip("\n").partition(": ")
            if name == "event":
                event = value
            elif name == "data" and event == "progress":
                for pod in json.loads(value)["pods"]:
                    told.tell(pod["name"], int(pod["restarts"]))


async def _read_stored(line: Line, told: _Told) -> None:
    """Look again and again for what is newer: to read all each time would take half a second, and add as much."""
    newest = 0
    while True:
        unseen = {"counter": {"$gt": newest - _STORED_OUT_OF_ORDER}}
        for document in await line.system.database.find(PODS, unseen):
            newest = max(newest, document["counter"])
            for pod in PROGRESS_FACT.validate_json(document["pods"]).pods:
                told.tell(pod.name, pod.restarts)
        await asyncio.sleep(_BETWEEN_READS_S)


def _figures(ways: _Ways, rate: int, achieved: float, pods: int) -> list[Figure]:
    note = f"{achieved:.0f} changes/s made, over {pods} steps with a pod each; real control plane"
    found: list[Figure] = []
    for name, way in (("stored", ways.stored), ("live", ways.live)):
        for q, wanted_ms in ((0.5, 50), (0.99, 250)):
            details: dict[str, Any] = {"told": len(way.latencies_s), "never_told": way.missing, "made_per_s": achieved}
            found.append(
                Figure(
                    name=f"live: pod change to {name} at {rate}/s, p{q * 100:.0f}",
                    unit="ms",
                    measured=[quantile(way.latencies_s, q) * 1000],
                    baseline=[quantile(ways.watch.latencies_s, q) * 1000],
                    of_baseline="the same changes as a bare watch tells them, from the same moment",
                    aim=Aim("difference", "≤", wanted_ms),
                    note=note + (f"; {way.missing} never told" if way.missing else ""),
                    details=details,
                )
            )
    return found
