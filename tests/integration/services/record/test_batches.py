"""Applications whose events come together are read and written together, and none holds up another."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from dev.mongo import MongoServer
from shared.contracts.identity import AppUid
from shared.contracts.versions import VERSION
from shared.store import archive
from shared.store.archive import Archive
from shared.store.database import Database
from shared.store.reads import APP_STATUS, RUNS
from shared.store.versions import NewerDocument
from tests.support.recorders import ensure, of, projected, projector, recorded, shown

EVENTS = recorded("delivery")


class Commands(CommandListener):
    """What the driver sends."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def started(self, event: CommandStartedEvent) -> None:
        """Note the command and its collection."""
        self.sent.append(f"{event.command_name} {event.command[event.command_name]}")

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """It was noted before."""

    def failed(self, event: CommandFailedEvent) -> None:
        """It was noted before."""


@asynccontextmanager
async def listening(mongodb: MongoServer) -> AsyncIterator[tuple[Database, Commands]]:
    """A database of one's own, and what is sent to it."""
    commands = Commands()
    client: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(
        mongodb.uri, event_listeners=[commands], tz_aware=True
    )
    database = Database(client, f"test-{uuid4().hex[:12]}")
    await ensure(database)
    try:
        yield database, commands
    finally:
        database.close()


async def archived(database: Database, uids: list[AppUid], first: int, last: int) -> dict[AppUid, int | None]:
    """Archive these of the events, by number, of each application; returns what a recorder is told."""
    for uid in uids:
        await Archive(database).add_run_events(of(uid, EVENTS[first - 1 : last]))
    return dict.fromkeys(uids, last)


@pytest.mark.parametrize("count", [1, 20])
async def test_applications_of_a_batch_take_as_many_commands_as_one(mongodb: MongoServer, count: int) -> None:
    uids = [AppUid(f"app-{i}") for i in range(count)]
    end = max(event.n for event in EVENTS if event.run == EVENTS[0].run)
    async with listening(mongodb) as (database, commands):
        replica = projector(database)
        sent: list[list[str]] = []
        for first, last in ((1, 5), (6, end - 1), (end, end)):
            named = await archived(database, uids, first, last)
            commands.sent.clear()
            assert await replica.catch_up(named) == {}
            assert await replica.catch_up(named) == {}
            sent.append(commands.sent.copy())
        assert [await shown(database, uid) for uid in uids] == [end] * count
    read, insert, update = f"find {archive.RUN_EVENTS}", "insert", "update"
    assert sent == [
        [f"find {APP_STATUS}", read, f"{insert} {RUNS}", f"{insert} {APP_STATUS}"],
        [read, f"{update} {RUNS}"],
        [read, f"{update} {RUNS}", f"{update} {APP_STATUS}"],
    ]


async def test_message_and_sweep_that_find_the_same_store_it_once(mongodb: MongoServer) -> None:
    async with listening(mongodb) as (database, commands):
        replica = projector(database)
        named = await archived(database, [AppUid("one")], 1, 5)
        commands.sent.clear()
        await asyncio.gather(replica.catch_up(named), replica.catch_up(named))
        assert [sent for sent in commands.sent if RUNS in sent] == [f"insert {RUNS}"]


async def test_application_that_cannot_be_projected_does_not_hold_up_the_others_of_its_batch(
    ready_database: Database,
) -> None:
    uids = [AppUid(uid) for uid in ("newer", "broken", "first", "second")]
    named = await archived(ready_database, uids, 1, len(EVENTS))
    for uid, change in (("newer", {"version": VERSION + 1}), ("broken", {"body": b"no event"})):
        await ready_database.guarded_update(archive.RUN_EVENTS, f"{uid}:{3:010d}", {}, {"$set": change})
    failures = await projector(ready_database).catch_up(named)
    assert set(failures) == {"newer", "broken"}
    assert isinstance(failures[AppUid("newer")], NewerDocument)
    assert [await shown(ready_database, uid) for uid in uids] == [0, 0, len(EVENTS), len(EVENTS)]


@pytest.mark.parametrize("views_stored", [True, False])
@pytest.mark.parametrize("last", [5, len(EVENTS)])
async def test_recorder_that_dies_before_all_is_stored_is_followed_by_one_that_ends_with_the_same(
    ready_database: Database, rebuilt: Database, *, views_stored: bool, last: int
) -> None:
    uid = EVENTS[0].uid
    await Archive(ready_database).add_run_events(EVENTS[:last])
    await projector(ready_database).catch_up({uid: None})
    # How far the application is comes after the views.
    await ready_database.delete(APP_STATUS, {"_id": uid})
    if not views_stored:
        await ready_database.delete(RUNS, {"_id": EVENTS[last - 1].run})
    for database in (ready_database, rebuilt):
        await Archive(database).add_run_events(EVENTS)
        assert await projector(database).catch_up({uid: None}) == {}
    assert await projected(ready_database, EVENTS) == await projected(rebuilt, EVENTS)


async def test_more_events_than_one_read_gives_are_folded_for_all(ready_database: Database) -> None:
    uids = [AppUid(f"app-{i}") for i in range(1000 // len(EVENTS) + 5)]
    named = await archived(ready_database, uids, 1, len(EVENTS))
    assert await projector(ready_database).catch_up(named) == {}
    assert [await shown(ready_database, uid) for uid in uids] == [len(EVENTS)] * len(uids)
