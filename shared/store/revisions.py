"""Earlier generations of desired records, so that an application can be rolled back to one of them.

A record is put here before the next generation takes its place in `applications`. It is never changed, so it does no
harm where that is not written after all.
"""

from pydantic import TypeAdapter

from shared.contracts.desired import DesiredRecord
from shared.contracts.identity import AppUid
from shared.store.database import Database, Index
from shared.store.versions import read, stamp

REVISIONS = "revisions"
INDEXES = (Index(REVISIONS, (("uid", 1), ("generation", 1))),)

_RECORD: TypeAdapter[DesiredRecord] = TypeAdapter(DesiredRecord)


class Revisions:
    """The collection of earlier generations."""

    def __init__(self, database: Database, *, kept: int) -> None:
        """`kept` is how many of each application are kept."""
        self._database = database
        self._kept = kept

    async def keep(self, record: DesiredRecord) -> None:
        """Store a generation; the same again changes nothing."""
        document = {
            "_id": f"{record.uid}/{record.generation}",
            "uid": record.uid,
            "generation": record.generation,
            "record": record.model_dump_json().encode(),
            **stamp(record),
        }
        await self._database.insert(REVISIONS, document)

    async def forget_before(self, uid: AppUid, generation: int) -> None:
        """Delete those that are too many before this generation."""
        oldest = generation - self._kept
        await self._database.delete(REVISIONS, {"uid": uid, "generation": {"$lt": oldest}})

    async def forget_all(self, uid: AppUid) -> None:
        """Delete those of an application that is being deleted."""
        await self._database.delete(REVISIONS, {"uid": uid})

    async def load(self, uid: AppUid, generation: int) -> DesiredRecord | None:
        """Return a generation as it was; None where it is not kept. Raises NewerDocument."""
        found = await self._database.find_one(REVISIONS, {"_id": f"{uid}/{generation}"})
        return None if found is None else read(_RECORD, REVISIONS, found, "record")

    async def of(self, uid: AppUid) -> list[DesiredRecord]:
        """Return the generations that are kept, the newest first."""
        found = await self._database.find(REVISIONS, {"uid": uid}, sort=(("generation", -1),))
        return [read(_RECORD, REVISIONS, document, "record", lenient=True) for document in found]
