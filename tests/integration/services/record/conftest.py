"""A database for each test, another one to compare with, and a bus."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest
from pydantic import SecretStr

from dev.mongo import MongoServer
from shared.runtime.settings import StoreSettings
from shared.store.database import Database
from tests.support.bus import BusStack, bus_stack
from tests.support.recorders import ensure
from tests.unit.services.planner.trace import HERE


@pytest.fixture
async def ready_database(database: Database) -> Database:
    await ensure(database)
    return database


@pytest.fixture
async def rebuilt(mongodb: MongoServer) -> AsyncIterator[Database]:
    """Where the same is projected from scratch."""
    settings = StoreSettings(mongodb_uri=SecretStr(mongodb.uri), mongodb_database=f"test-{uuid4().hex[:12]}")
    connected = Database.connect(settings)
    await ensure(connected)
    yield connected
    connected.close()


@pytest.fixture
async def bus(tmp_path: Path) -> AsyncIterator[BusStack]:
    async with bus_stack(tmp_path / "nats", HERE) as stack:
        yield stack
