"""Projections follow from the archive alone: whoever folds it, in whatever pieces it came."""

import asyncio
import random
from datetime import UTC, datetime, timedelta

import pytest

from services.watcher.record.domain.observations import object_view
from services.watcher.record.sweeping import Sweeper
from shared.contracts.facts import ObjectVanished, ObservationOrder, Observed, StepSucceeded
from shared.contracts.identity import AppUid, Digest, ObjectKey, StepId, run_id
from shared.contracts.phases import Health, RunPhase
from shared.contracts.runs import ObjectForgotten
from shared.store import archive
from shared.store.archive import Archive
from shared.store.database import Database
from shared.store.projections import Projections
from shared.store.reads import Reads
from tests.support.recorders import of, projected, projector, recorded, shown
from tests.unit.services.planner.trace import APP, HERE, UID

KEY = ObjectKey(api_version="batch/v1", kind="Job", namespace="shop", name="load")


@pytest.mark.parametrize("name", ["delivery", "retries", "deletion"])
async def test_projection_is_what_a_rebuild_from_the_archive_gives(
    ready_database: Database, rebuilt: Database, name: str
) -> None:
    events = recorded(name)
    shuffled = random.Random(name)
    pieces = [events[i : i + 7] for i in range(0, len(events), 7)]
    shuffled.shuffle(pieces)
    replicas = [projector(ready_database) for _ in range(2)]
    for piece in pieces:
        await Archive(ready_database).add_run_events(piece)
        await asyncio.gather(*(replica.catch_up({UID: None}) for replica in replicas))
    await Archive(rebuilt).add_run_events(events)
    assert await projector(rebuilt).catch_up({UID: None}) == {}
    assert await projected(ready_database, events) == await projected(rebuilt, events)
    _, runs = await projected(rebuilt, events)
    assert await shown(rebuilt, UID) == len(events)
    assert all(run is not None and run.phase.terminal for run in runs)


async def test_event_that_is_archived_after_its_successor_is_not_lost(ready_database: Database) -> None:
    events = recorded("delivery")
    history, replica = Archive(ready_database), projector(ready_database)
    await history.add_run_events([e for e in events if e.n != 4])
    assert await replica.catch_up({UID: None}) == {}
    assert await shown(ready_database, UID) == 3
    await history.add_run_events([e for e in events if e.n == 4])
    assert await replica.catch_up({UID: None}) == {}
    assert await shown(ready_database, UID) == len(events)


async def test_sweep_finds_what_the_bus_never_told(ready_database: Database) -> None:
    events = recorded("retries")
    history = Archive(ready_database)
    sweeper = Sweeper(history=history, projector=projector(ready_database))
    await history.add_run_events(events[:5])
    await sweeper.once()
    assert await shown(ready_database, UID) == 5
    await history.add_run_events(events[6:])
    await sweeper.once()
    assert await shown(ready_database, UID) == 5
    await history.add_run_events(events[5:6])
    await sweeper.once()
    assert await shown(ready_database, UID) == len(events)


async def test_sweep_looks_once_more_for_what_was_archived_by_a_slow_clock(ready_database: Database) -> None:
    now = 0.0
    sweeper = Sweeper(history=Archive(ready_database), projector=projector(ready_database), monotonic=lambda: now)
    await sweeper.once()
    events = recorded("retries")
    await Archive(ready_database).add_run_events(events)
    late = datetime.now(UTC) - timedelta(seconds=10)
    await ready_database.update_many(archive.RUN_EVENTS, {}, {"$set": {"archived_at": late}})
    await sweeper.once()
    assert await shown(ready_database, UID) == 0
    now += 15.0
    await sweeper.once()
    assert await shown(ready_database, UID) == len(events)


async def test_sweep_finds_what_was_decided_long_before_it_was_archived(ready_database: Database) -> None:
    # The events of the history are of 2023: an outbox that was left behind is archived late.
    sweeper = Sweeper(history=Archive(ready_database), projector=projector(ready_database))
    await sweeper.once()
    events = recorded("retries")
    await Archive(ready_database).add_run_events(events)
    await sweeper.once()
    assert await shown(ready_database, UID) == len(events)


async def test_application_that_cannot_be_projected_does_not_hold_up_others(ready_database: Database) -> None:
    events = recorded("delivery")
    history = Archive(ready_database)
    for uid in ("bad", "good"):
        await history.add_run_events(of(uid, events))
    await ready_database.guarded_update(archive.RUN_EVENTS, f"bad:{1:010d}", {}, {"$set": {"body": b"no event"}})
    sweeper = Sweeper(history=history, projector=projector(ready_database))
    for _ in range(2):
        await sweeper.once()
    assert await shown(ready_database, AppUid("good")) == len(events)
    assert await shown(ready_database, AppUid("bad")) == 0


def seen(counter: int, *, uid: str = "one", gone: bool = False) -> Observed:
    fields = {
        "app": APP,
        "uid": UID,
        "cluster": HERE,
        "step": StepId("raw"),
        "key": KEY,
        "object_uid": uid,
        "digest": Digest("d" * 64),
        "generation": 1,
        "order": ObservationOrder(incarnation="k", transitions=1, counter=counter),
        "at": datetime.now(UTC),
    }
    return ObjectVanished.model_validate(fields) if gone else StepSucceeded.model_validate(fields)


def forgotten(uid: str) -> ObjectForgotten:
    return ObjectForgotten(
        app=APP,
        uid=UID,
        n=1,
        run=run_id(UID, 1),
        generation=1,
        at=datetime.now(UTC),
        cluster=HERE,
        key=KEY,
        object_uid=uid,
    )


async def test_object_that_was_deleted_on_purpose_is_never_shown_as_missing(ready_database: Database) -> None:
    stored = Projections(ready_database)
    alive, gone = seen(1), seen(2, gone=True)
    await stored.observe([(alive, object_view(alive))])
    await stored.forget_objects([forgotten("one")])
    await stored.observe([(gone, object_view(gone))])
    assert await Reads(ready_database).observations([UID], {}) == {UID: {}}


async def test_object_that_vanished_by_itself_is_shown_as_missing(ready_database: Database) -> None:
    stored = Projections(ready_database)
    for fact in (seen(1), seen(2, gone=True)):
        await stored.observe([(fact, object_view(fact))])
    found = await Reads(ready_database).observations([UID], {})
    assert found[UID][HERE, KEY].health is Health.MISSING


async def test_forgetting_an_object_leaves_the_one_that_took_its_name(ready_database: Database) -> None:
    stored = Projections(ready_database)
    for fact in (seen(1), seen(2, uid="two")):
        await stored.observe([(fact, object_view(fact))])
    await stored.forget_objects([forgotten("one")])
    found = await Reads(ready_database).observations([UID], {})
    assert found[UID][HERE, KEY].object_uid == "two"


async def test_latest_of_observations_that_arrive_at_the_same_moment_stays(ready_database: Database) -> None:
    stored = Projections(ready_database)
    for round_ in range(5):
        facts = [seen(counter, uid=f"{round_}-{counter}") for counter in range(round_ * 10, round_ * 10 + 10)]
        await asyncio.gather(*(stored.observe([(fact, object_view(fact))]) for fact in facts))
        found = await Reads(ready_database).observations([UID], {})
        assert found[UID][HERE, KEY].object_uid == f"{round_}-{round_ * 10 + 9}"
        await stored.forget_objects([forgotten(f"{round_}-{round_ * 10 + 9}")])


async def test_deleted_application_ends_as_deleted(ready_database: Database) -> None:
    events = recorded("deletion")
    await Archive(ready_database).add_run_events(events)
    await projector(ready_database).catch_up({UID: None})
    app, runs = await projected(ready_database, events)
    assert app.phase == "Deleted"
    assert runs[-1] is not None
    assert runs[-1].phase is RunPhase.SUCCEEDED
