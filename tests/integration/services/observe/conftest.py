"""A bus, observers and an application for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.kube import KubeApi
from tests.support.bus import BusStack, bus_stack
from tests.support.clusters import RunningCluster
from tests.support.observers import CLUSTER, App, Observers, Told, reading


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[BusStack]:
    async with bus_stack(tmp_path / "nats", CLUSTER) as stack:
        yield stack


@pytest.fixture
async def told(bus: BusStack) -> AsyncIterator[Told]:
    async with reading(bus) as told:
        yield told


@pytest.fixture
async def observers(
    bus: BusStack, cluster: RunningCluster, kube_namespace: str, tmp_path: Path
) -> AsyncIterator[Observers]:
    """Observers that share a Lease of the test's own; none is started yet."""
    running = Observers(bus, cluster, kube_namespace, tmp_path)
    try:
        yield running
    finally:
        await running.stop()


@pytest.fixture
def app(kube: KubeApi, kube_namespace: str, told: Told) -> App:
    return App(kube, kube_namespace, told)
