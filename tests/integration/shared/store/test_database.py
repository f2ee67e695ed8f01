"""The door to MongoDB, on a real server."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from dev.mongo import MongoServer
from shared.runtime.settings import SettingsInvalid, StoreSettings
from shared.store.database import (
    Database,
    DocumentTooLarge,
    Index,
    SchemaTooNew,
    StoreRefused,
    StoreUnavailable,
    Update,
)
from tests.support.conditions import until

UNIQUE = Index("things", (("namespace", 1), ("name", 1)), unique=True, partial={"gone": False})


def a_thing(id_: str, name: str = "x", *, gone: bool = False) -> dict[str, Any]:
    return {"_id": id_, "namespace": "n", "name": name, "gone": gone}


async def test_ensuring_is_idempotent_also_at_once(database: Database) -> None:
    await asyncio.gather(*(database.ensure([UNIQUE]) for _ in range(4)))
    await database.ensure([UNIQUE])
    assert await database.find_one("meta", {"_id": "schema"}) == {"_id": "schema", "version": 1}


async def test_a_newer_schema_stops_an_older_build_and_an_older_one_is_raised(database: Database) -> None:
    await database.ensure([], schema_version=2)
    with pytest.raises(SchemaTooNew, match="has schema version 2, this build knows 1"):
        await database.ensure([], schema_version=1)
    await database.ensure([], schema_version=3)
    with pytest.raises(SchemaTooNew, match="has schema version 3"):
        await database.ensure([], schema_version=2)


async def test_a_partial_unique_index_holds_where_it_applies(database: Database) -> None:
    await database.ensure([UNIQUE])
    assert await database.insert("things", a_thing("a"))
    assert not await database.insert("things", a_thing("b"))
    assert await database.insert("things", a_thing("c", gone=True))
    assert await database.guarded_update("things", "a", {}, {"$set": {"gone": True}})
    assert await database.insert("things", a_thing("b"))


async def test_of_many_racers_one_guarded_update_wins(database: Database) -> None:
    await database.insert("things", {"_id": "a", "n": 1})
    won = await asyncio.gather(
        *(database.guarded_update("things", "a", {"n": 1}, {"$set": {"n": 2, "by": i}}) for i in range(20))
    )
    assert won.count(True) == 1
    stored = await database.find_one("things", {"_id": "a"})
    assert stored is not None
    assert stored["by"] == won.index(True)


async def test_a_guarded_upsert_inserts_or_leaves_alone(database: Database) -> None:
    older = {"n": {"$lt": 5}}
    assert await database.guarded_update("things", "a", older, {"$set": {"n": 5}}, upsert=True)
    assert not await database.guarded_update("things", "a", older, {"$set": {"n": 4}}, upsert=True)
    assert not await database.guarded_update("things", "b", {}, {"$set": {"n": 1}})
    updates = [Update("a", {"$set": {"n": 1}}, older, upsert=True), Update("b", {"$set": {"n": 2}}, older, upsert=True)]
    await database.bulk_update("things", updates)
    assert await database.find("things", {}, sort=(("_id", 1),)) == [{"_id": "a", "n": 5}, {"_id": "b", "n": 2}]


async def test_inserting_again_keeps_what_is_there(database: Database) -> None:
    documents = [{"_id": i, "v": "first"} for i in range(3)]
    assert await database.insert_many_ignoring_duplicates("things", documents) == 3
    again = [{"_id": i, "v": "second"} for i in range(5)]
    assert await database.insert_many_ignoring_duplicates("things", again) == 2
    assert await database.insert_many_ignoring_duplicates("things", []) == 0
    assert await database.count("things", {"v": "first"}) == 3


async def test_reading_sorts_limits_and_projects(database: Database) -> None:
    await database.insert_many_ignoring_duplicates("things", [{"_id": i, "v": -i, "w": b"x"} for i in range(5)])
    found = await database.find("things", {"_id": {"$gte": 1}}, sort=(("v", 1),), limit=2, projection=("v",))
    assert found == [{"_id": 4, "v": -4}, {"_id": 3, "v": -3}]
    assert await database.find_one("things", {"_id": 9}) is None
    assert await database.update_many("things", {"_id": {"$lt": 2}}, {"$set": {"w": b"y"}}) == 2
    assert await database.delete("things", {"w": b"y"}) == 2


async def test_what_can_never_work_is_told_from_what_may_later(database: Database) -> None:
    with pytest.raises(StoreRefused):
        await database.update_many("things", {}, {"$nonsense": {}})
    with pytest.raises(DocumentTooLarge):
        await database.insert("things", {"_id": "big", "body": b"x" * (17 * 1024 * 1024)})


@pytest.mark.parametrize(
    ("uri", "problem"),
    [
        ("", "Empty host"),
        ("nonsense://", "Invalid URI scheme"),
        ("mongodb://ann:pa/CANARY@host/", "Bad database name"),
        ("mongodb://host:CANARY/", "Port contains non-digit characters"),
        ("mongodb://host/?tls=true&tlsCAFile=/absent/ca.pem", "cannot read /absent/ca.pem: No such file or directory"),
    ],
)
def test_a_malformed_uri_is_a_wrong_setting_told_without_its_parts(uri: str, problem: str) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        Database.connect(StoreSettings(mongodb_uri=SecretStr(uri)))
    assert str(refused.value).startswith(f"KUBEMIN_MONGODB_URI (or KUBEMIN_MONGODB_URI_FILE): {problem}")
    assert "CANARY" not in str(refused.value)
    assert "\n" not in str(refused.value)


async def test_a_server_that_is_away_is_noticed_in_seconds_and_acknowledged_writes_survive(tmp_path: Path) -> None:
    server = MongoServer(tmp_path)
    await server.start()
    database = Database.connect(StoreSettings(mongodb_uri=SecretStr(server.uri)))
    try:
        acknowledged: list[int] = []

        async def write() -> None:
            for i in range(10_000):
                await database.insert("things", {"_id": i})
                acknowledged.append(i)

        async with asyncio.TaskGroup() as group:
            writing = group.create_task(_until_unavailable(write()))
            await until(lambda: len(acknowledged) >= 50)
            await server.kill()
            await writing
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await database.ping()
        assert time.monotonic() - began < 20, "the driver's own default is 30 s"
        await server.start()
        found = {document["_id"] for document in await database.find("things", {})}
        assert found >= set(acknowledged)
        assert found - set(acknowledged) <= {len(acknowledged)}, "at most the one whose answer was lost"
    finally:
        database.close()
        await server.stop()


async def _until_unavailable(work: Any) -> None:
    with pytest.raises(StoreUnavailable):
        await work
