"""`python -m services.watcher rebuild`: what people read is folded again from the archive alone."""

import asyncio
import os
import sys
from datetime import UTC, datetime

import pytest

from dev.mongo import MongoServer
from services.watcher.record.domain.observations import object_view
from services.watcher.record.rebuilding import Rebuilder
from shared.contracts.facts import ObservationOrder, StepProgressed, StepSucceeded
from shared.contracts.identity import Digest, ObjectKey, StepId
from shared.contracts.phases import Health, RunPhase
from shared.contracts.runs import ObjectForgotten
from shared.store.archive import Archive
from shared.store.database import Database
from shared.store.projections import Projections
from shared.store.reads import APP_STATUS, OBSERVATIONS, RUNS, Reads
from tests.support.recorders import projected, projector, recorded
from tests.unit.services.planner.trace import APP, HERE, UID


def seen(name: str, counter: int, *, done: bool, uid: str = "") -> StepProgressed | StepSucceeded:
    fields = {
        "app": APP,
        "uid": UID,
        "cluster": HERE,
        "step": StepId("raw"),
        "key": ObjectKey(api_version="batch/v1", kind="Job", namespace="shop", name=name),
        "object_uid": uid or name,
        "digest": Digest("d" * 64),
        "generation": 1,
        "order": ObservationOrder(incarnation="k", transitions=1, counter=counter),
        "at": datetime.now(UTC),
    }
    return (StepSucceeded if done else StepProgressed).model_validate(fields)


@pytest.fixture
async def filled(ready_database: Database) -> Database:
    """Everything of one application, as the recorder writes it."""
    events = recorded("deletion")
    (gone, *_) = [e for e in events if isinstance(e, ObjectForgotten) and not e.retained]
    facts = [seen("load", 1, done=False), seen("load", 2, done=True), seen("late", 3, done=True, uid=gone.object_uid)]
    await Archive(ready_database).add_run_events(events)
    await Archive(ready_database).add_facts([(f"fact-{fact.order.counter}", fact) for fact in facts])
    await projector(ready_database).catch_up({UID: None})
    for fact in facts:
        await Projections(ready_database).observe([(fact, object_view(fact))])
    return ready_database


def rebuilder(database: Database) -> Rebuilder:
    return Rebuilder(archive=Archive(database), stored=Projections(database))


async def differences(database: Database) -> list[str]:
    return [name async for comparison in rebuilder(database).compare() for name in comparison.different]


async def test_what_the_recorder_wrote_is_what_the_archive_says(filled: Database) -> None:
    (comparison,) = [comparison async for comparison in rebuilder(filled).compare()]
    assert comparison.different == ()
    assert comparison.documents[APP_STATUS] == 1
    assert comparison.documents[RUNS] > 0
    assert comparison.documents[OBSERVATIONS] == 1


async def test_rebuilding_repairs_what_is_wrong_missing_or_too_much(filled: Database) -> None:
    events = recorded("deletion")
    before = await projected(filled, events)
    stored = Projections(filled)
    first, *others = (await stored.runs_of(UID)).values()
    await stored.replace_run(first.model_copy(update={"phase": RunPhase.RUNNING}))
    if others:
        await filled.delete(RUNS, {"_id": others[0].run})
    await filled.guarded_update(APP_STATUS, UID, {}, {"$set": {"message": "made up"}})
    await filled.delete(OBSERVATIONS, {"uid": UID})
    invented = seen("invented", 9, done=True)
    await stored.observe([(invented, object_view(invented))])
    wrong = await differences(filled)
    assert {name.partition("/")[0] for name in wrong} == {APP_STATUS, RUNS, OBSERVATIONS}
    assert [c.different async for c in rebuilder(filled).rebuild()] == [tuple(wrong)]
    assert await differences(filled) == []
    assert await projected(filled, events) == before
    (view,) = (await Reads(filled).observations([UID], {}))[UID].values()
    assert (view.key.name, view.health) == ("load", Health.HEALTHY)


async def test_command_tells_what_differs_and_stores_it_anew(filled: Database, mongodb: MongoServer) -> None:
    await filled.guarded_update(APP_STATUS, UID, {}, {"$set": {"message": "made up"}})
    environment = {"KUBEMIN_MONGODB_URI": mongodb.uri, "KUBEMIN_MONGODB_DATABASE": filled._database.name}
    told = [await rebuild(environment, *words) for words in (["--check"], [], ["--check"])]
    assert [code for code, _ in told] == [1, 0, 0]
    assert told[0][1].startswith(f"{APP_STATUS}/{UID}\n")
    assert told[2][1].endswith(" 0 different\n")


async def rebuild(environment: dict[str, str], *words: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.watcher", "rebuild", *words),
        env={**os.environ, **environment},
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        output, _ = await process.communicate()
    return process.returncode, output.decode()
