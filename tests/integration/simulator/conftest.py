"""A simulated cluster for each test, and a client of it."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from dev.simulator.server import Simulator, SimulatorOptions, simulated_cluster
from dev.simulator.timing import Timing
from tests.integration.simulator.client import Client


@pytest.fixture
async def cluster() -> AsyncIterator[Simulator]:
    options = SimulatorOptions(name="test", timing=Timing().scaled(0.3), bookmark_interval_s=0.1)
    async with simulated_cluster(options) as simulator:
        yield simulator
    assert simulator.failures == []


@pytest.fixture
async def client(cluster: Simulator) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {cluster.token}", "User-Agent": "tests/1"}
    timeout = aiohttp.ClientTimeout(total=30)
    async with aiohttp.ClientSession(cluster.url, headers=headers, timeout=timeout) as session:
        yield Client(session)
