"""Earlier generations, on a real server."""

from shared.store import revisions
from shared.store.database import Database
from shared.store.revisions import Revisions
from tests.support.records import UID, a_record


async def test_a_generation_comes_back_as_it_was(database: Database) -> None:
    await database.ensure(revisions.INDEXES)
    kept = Revisions(database, kept=3)
    first, second = a_record(generation=1, document={"a.b": ["ü", None]}), a_record(generation=2)
    await kept.keep(first)
    await kept.keep(second)
    # It is never changed.
    await kept.keep(a_record(generation=1, document={"another": True}))
    assert await kept.load(UID, 1) == first
    assert await kept.load(UID, 3) is None
    assert await kept.of(UID) == [second, first]


async def test_the_oldest_make_room_and_all_go_with_the_application(database: Database) -> None:
    kept = Revisions(database, kept=3)
    for generation in range(1, 8):
        await kept.keep(a_record(generation=generation))
    await kept.keep(a_record(uid="other", generation=1))
    await kept.forget_before(UID, 8)
    assert [record.generation for record in await kept.of(UID)] == [7, 6, 5]
    await kept.forget_all(UID)
    assert await kept.of(UID) == []
    assert await kept.load(a_record(uid="other").uid, 1) is not None
