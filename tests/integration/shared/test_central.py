"""What a service of the centre does before it begins."""

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from dev.mongo import MongoServer
from shared.central import connected
from shared.runtime.settings import CentralSettings
from shared.runtime.stopping import Stopping
from shared.store.database import Index, StoreUnavailable
from tests.support.bus import BusStack, bus_stack
from tests.support.conditions import until

INDEXES = (Index("things", (("at", 1),)),)


def settings(bus: BusStack, mongodb: MongoServer, *, deadline_s: float) -> CentralSettings:
    return CentralSettings(
        nats_credentials_file=bus.accounts / "record.json",
        mongodb_uri=SecretStr(mongodb.uri),
        mongodb_connect_deadline_s=deadline_s,
    )


async def test_a_service_waits_for_a_database_that_starts_beside_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mongodb = MongoServer(tmp_path / "mongodb")
    lines: list[str] = []

    def awaited() -> bool:
        lines.extend("".join(capsys.readouterr()).splitlines())
        return any("database_awaited" in line for line in lines)

    async def begin(bus: BusStack) -> None:
        async with connected("test", settings(bus, mongodb, deadline_s=120), Stopping(), INDEXES) as (database, _):
            await database.ping()

    async with bus_stack(tmp_path / "nats") as bus:
        try:
            async with asyncio.timeout(120), asyncio.TaskGroup() as group:
                group.create_task(begin(bus))
                await until(awaited, timeout_s=60)
                await mongodb.start()
        finally:
            await mongodb.stop()


async def test_a_service_without_a_database_says_so_and_ends(tmp_path: Path) -> None:
    mongodb = MongoServer(tmp_path / "mongodb")
    async with bus_stack(tmp_path / "nats") as bus:
        given = settings(bus, mongodb, deadline_s=0.1)
        with pytest.raises(StoreUnavailable):
            async with connected("test", given, Stopping(), INDEXES):
                pytest.fail("it began")
