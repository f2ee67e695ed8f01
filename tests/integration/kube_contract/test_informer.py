"""The list, watch, list loop against clusters whose wire breaks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import pytest

from shared.kube import Changed, GroupVersionKind, Interrupted, KubeApi, Listed, watch_kind
from shared.kube.informer import Pace
from shared.kube.kinds import Object
from tests.support.clusters import ADMIN, RunningCluster, key, manifest
from tests.support.faulty_wire import FaultyWire

Item = Listed[Object] | Changed[Object] | Interrupted

CONFIG_MAP = GroupVersionKind("v1", "ConfigMap")
SELECTOR = "suite=informer"
QUICK = Pace(min_s=0.05, max_s=0.5, settled_s=5.0, watch_s=60.0)


async def make(kube: KubeApi, namespace: str, name: str) -> None:
    wanted = manifest("ConfigMap", name, namespace)
    wanted["metadata"]["labels"] = {"suite": "informer"}
    await kube.create(wanted, field_manager=ADMIN)


def said(item: Item) -> str:
    match item:
        case Listed(objects=objects):
            return "listed " + ",".join(sorted(o["metadata"]["name"] for o in objects))
        case Changed(type=type_, object=obj):
            return f"{type_} {obj['metadata']['name']}"
        case Interrupted():
            return "interrupted"


class Seen:
    """Reads the items one by one."""

    def __init__(self, items: AsyncIterator[Item]) -> None:
        self._items = items

    async def next(self) -> str:
        async with asyncio.timeout(20):
            return said(await anext(self._items))

    async def until(self, wanted: str) -> list[str]:
        """What was seen before it."""
        before = []
        while (item := await self.next()) != wanted:
            before.append(item)
        return before


@asynccontextmanager
async def watching(api: KubeApi, namespace: str, *, pace: Pace = QUICK) -> AsyncIterator[Seen]:
    items = watch_kind(
        api, CONFIG_MAP, stopping=asyncio.Event(), namespace=namespace, label_selector=SELECTOR, pace=pace
    )
    async with aclosing(items):
        yield Seen(items)


@pytest.fixture
async def wire(cluster: RunningCluster) -> AsyncIterator[FaultyWire]:
    async with FaultyWire(*cluster.address) as wire:
        yield wire


@pytest.fixture
async def wired(wire: FaultyWire, cluster: RunningCluster, tmp_path: Path) -> AsyncIterator[KubeApi]:
    """A client behind the wire that breaks."""
    kubeconfig = cluster.through(wire.port, tmp_path / "kubeconfig")
    api = await KubeApi.connect(kubeconfig=str(kubeconfig), call_timeout_s=10.0)
    yield api
    await api.close()


async def test_what_is_there_is_listed_then_every_change_follows(kube: KubeApi, kube_namespace: str) -> None:
    await make(kube, kube_namespace, "a")

    async with watching(kube, kube_namespace) as seen:
        assert await seen.next() == "listed a"
        await make(kube, kube_namespace, "b")
        await kube.patch(key("ConfigMap", "a", kube_namespace), {"data": {"x": "1"}}, field_manager=ADMIN)
        await kube.delete(key("ConfigMap", "b", kube_namespace))
        assert [await seen.next() for _ in range(3)] == ["ADDED b", "MODIFIED a", "DELETED b"]


async def test_object_that_loses_the_label_is_deleted_to_the_watcher(kube: KubeApi, kube_namespace: str) -> None:
    await make(kube, kube_namespace, "a")

    async with watching(kube, kube_namespace) as seen:
        assert await seen.next() == "listed a"
        await kube.patch(key("ConfigMap", "a", kube_namespace), {"metadata": {"labels": None}}, field_manager=ADMIN)
        assert await seen.next() == "DELETED a"


async def test_renewed_watch_misses_and_repeats_nothing(kube: KubeApi, kube_namespace: str) -> None:
    pace = Pace(min_s=0.05, max_s=0.1, settled_s=0.5, watch_s=1.0)
    names = [f"m{number}" for number in range(12)]

    async with watching(kube, kube_namespace, pace=pace) as seen:
        assert await seen.next() == "listed "
        for name in names:
            await make(kube, kube_namespace, name)
            assert await seen.next() == f"ADDED {name}"
            # Spread over several renewals of the watch, one a second.
            await asyncio.sleep(0.3)


async def test_after_a_cut_everything_is_listed_again(
    kube: KubeApi, kube_namespace: str, wired: KubeApi, wire: FaultyWire
) -> None:
    await make(kube, kube_namespace, "a")

    async with watching(wired, kube_namespace) as seen:
        assert await seen.next() == "listed a"
        await make(kube, kube_namespace, "b")
        assert await seen.next() == "ADDED b"
        wire.refuse()
        assert await seen.next() == "interrupted"
        await kube.delete(key("ConfigMap", "a", kube_namespace))
        wire.accept()
        assert set(await seen.until("listed b")) <= {"interrupted"}


async def test_server_that_is_away_is_not_stormed(wired: KubeApi, wire: FaultyWire, kube_namespace: str) -> None:
    pace = Pace(min_s=0.2, max_s=0.4, settled_s=5.0)
    wire.refuse()

    async with watching(wired, kube_namespace, pace=pace) as seen:
        started = asyncio.get_running_loop().time()
        assert [await seen.next() for _ in range(5)] == ["interrupted"] * 5
        elapsed_s = asyncio.get_running_loop().time() - started

    assert elapsed_s >= 4 * pace.min_s
    # One request, which aiohttp may try again on a fresh connection.
    assert wire.accepted <= 2 * 5


async def test_connection_that_died_unnoticed_is_found(
    kube: KubeApi, kube_namespace: str, wired: KubeApi, wire: FaultyWire
) -> None:
    pace = Pace(min_s=0.05, max_s=0.2, settled_s=5.0, watch_s=1.0, grace_s=1.0)

    async with watching(wired, kube_namespace, pace=pace) as seen:
        assert await seen.next() == "listed "
        wire.hold()
        await make(kube, kube_namespace, "a")
        assert await seen.next() == "interrupted"
        wire.release()
        assert set(await seen.until("listed a")) <= {"interrupted"}


async def test_stop_ends_an_idle_watch_at_once(kube: KubeApi, kube_namespace: str) -> None:
    stopping = asyncio.Event()
    items = watch_kind(kube, CONFIG_MAP, stopping=stopping, namespace=kube_namespace, label_selector=SELECTOR)
    seen = [said(await anext(items))]

    # A watch that nobody stops lasts for minutes.
    async with asyncio.timeout(15), asyncio.TaskGroup() as group:
        rest = group.create_task(collect(items))
        await asyncio.sleep(0)
        stopping.set()

    assert seen == ["listed "]
    assert rest.result() == []


async def collect(items: AsyncIterator[Item]) -> list[str]:
    return [said(item) async for item in items]
