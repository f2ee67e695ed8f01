"""What every service of the centre begins with: the database and the bus, opened together and closed together."""

import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from shared.bus.connection import Bus
from shared.bus.errors import BusClosed
from shared.runtime.settings import CentralSettings
from shared.runtime.stopping import Stopping
from shared.store.database import Database, Index


@asynccontextmanager
async def connected(
    name: str, settings: CentralSettings, stopping: Stopping, indexes: Iterable[Index]
) -> AsyncIterator[tuple[Database, Bus]]:
    """Open both and create the indexes; a bus that closes for good fails the service."""
    database = Database.connect(settings)
    source = f"kubemin/{name}/{uuid.uuid4().hex[:8]}"
    try:
        bus = await Bus.connect(settings, source=source, on_closed=lambda: stopping.fail(BusClosed()))
        try:
            await database.ensure(indexes)
            yield database, bus
        finally:
            await bus.close()
    finally:
        database.close()
