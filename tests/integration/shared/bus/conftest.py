from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.bus import BusStack, bus_stack


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[BusStack]:
    async with bus_stack(tmp_path, "east", "we.st") as running:
        yield running


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BusStack]:
    async with bus_stack(tmp_path_factory.mktemp("nats"), "east", "we.st") as running:
        yield running
