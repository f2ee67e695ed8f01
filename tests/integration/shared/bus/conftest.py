from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.bus import BusStack, bus_stack


@pytest.fixture
async def stack(tmp_path: Path) -> AsyncIterator[BusStack]:
    async with bus_stack(tmp_path, "east", "we.st") as running:
        yield running
