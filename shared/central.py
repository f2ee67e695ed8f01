"""What every service of the centre begins with: the database and the bus, opened together and closed together."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from shared.bus.connection import Bus
from shared.bus.errors import BusClosed
from shared.logging import get_logger
from shared.runtime.settings import CentralSettings
from shared.runtime.stopping import Stopping
from shared.store.database import Database, Index, StoreUnavailable

logger = get_logger(__name__)

_AGAIN_S = 1.0


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
            await _prepare(database, tuple(indexes), within_s=settings.mongodb_connect_deadline_s)
            yield database, bus
        finally:
            await bus.close()
    finally:
        database.close()


async def _prepare(database: Database, indexes: tuple[Index, ...], *, within_s: float) -> None:
    end_s = time.monotonic() + within_s
    while True:
        try:
            return await database.ensure(indexes)
        except StoreUnavailable as error:
            if time.monotonic() >= end_s:
                raise
            logger.warning("database_awaited", error=str(error))
        await asyncio.sleep(_AGAIN_S)
