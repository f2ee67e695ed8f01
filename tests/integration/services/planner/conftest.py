"""A bus and a database for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shared.store.database import Database
from tests.support.bus import BusStack, bus_stack
from tests.support.planners import ensure
from tests.unit.services.planner.trace import HERE


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[BusStack]:
    async with bus_stack(tmp_path / "nats", HERE) as stack:
        yield stack


@pytest.fixture
async def ready_database(database: Database) -> Database:
    await ensure(database)
    return database
