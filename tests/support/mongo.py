"""A MongoDB-wire server per session, and a database of its own for each test."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from pydantic import SecretStr

from dev.mongo import MongoServer
from shared.runtime.settings import StoreSettings
from shared.store.database import Database


@pytest.fixture(scope="session")
async def mongodb(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[MongoServer]:
    async with MongoServer(tmp_path_factory.mktemp("mongodb")) as server:
        yield server


@pytest.fixture
async def database(mongodb: MongoServer) -> AsyncIterator[Database]:
    settings = StoreSettings(mongodb_uri=SecretStr(mongodb.uri), mongodb_database=f"test-{uuid4().hex[:12]}")
    connected = Database.connect(settings)
    yield connected
    connected.close()
