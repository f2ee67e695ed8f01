"""The planner's state: one document per application, changed by compare-and-set on `revision`.

The body is opaque bytes (10,000 steps as nested fields took 70 times as long to write); what is searched for stands
outside it. A state belongs to the newest build that has written it: an older replica would drop what it does not know,
so it neither loads nor finds it any more.
The outbox holds what a decision has to say until it is archived and published.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.contracts.identity import AppUid
from shared.contracts.versions import VERSION
from shared.store.database import Database, Index, Update
from shared.store.versions import KNOWN, check

STATES = "planner_state"
INDEXES = (
    Index(STATES, (("next_deadline", 1),)),
    Index(STATES, (("unsent", 1), ("updated_at", 1)), partial={"unsent": True}),
)


@dataclass(frozen=True, kw_only=True)
class StoredState:
    """A state as it is stored."""

    uid: AppUid
    revision: int
    body: bytes
    outbox: bytes
    """Empty when everything was archived and published."""


@dataclass(frozen=True, kw_only=True)
class StateHead:
    """What stands outside the body."""

    revision: int
    outbox: bytes


class PlannerStates:
    """The collection of the planner's states."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load(self, uid: AppUid) -> StoredState | None:
        """Return the state of an application, or None where there is none yet; raises NewerDocument."""
        fields = ("revision", "body", "outbox", "version")
        found = await self._database.find_one(STATES, {"_id": uid}, projection=fields)
        if found is None:
            return None
        check(STATES, found)
        return StoredState(uid=uid, revision=found["revision"], body=found["body"], outbox=found["outbox"])

    async def head(self, uid: AppUid) -> StateHead | None:
        """Return what stands outside the body, for a reader that may know the body already."""
        found = await self._database.find_one(STATES, {"_id": uid}, projection=("revision", "outbox"))
        return None if found is None else StateHead(revision=found["revision"], outbox=found["outbox"])

    async def save(self, state: StoredState, *, next_deadline: float) -> bool:
        """Store the state as the successor of revision - 1; False where another decision came before."""
        fields = {
            "revision": state.revision,
            "body": state.body,
            "outbox": state.outbox,
            "unsent": bool(state.outbox),
            "next_deadline": next_deadline,
            "version": VERSION,
            "updated_at": datetime.now(UTC),
        }
        if state.revision == 1:
            return await self._database.insert(STATES, {"_id": state.uid, **fields})
        return await self._database.guarded_update(
            STATES, state.uid, {"revision": state.revision - 1}, {"$set": fields}
        )

    async def clear_outboxes(self, said: Mapping[AppUid, int]) -> None:
        """Everything was archived and published as of these revisions; a later decision stays as it is."""
        cleared = {"$set": {"outbox": b"", "unsent": False}}
        await self._database.bulk_update(
            STATES,
            [Update(id=uid, guard={"revision": revision}, update=cleared) for uid, revision in said.items()],
        )

    async def due(self, now: float, limit: int) -> list[AppUid]:
        """Applications whose next deadline has passed, the longest overdue first."""
        found = await self._database.find(
            STATES,
            {"next_deadline": {"$lte": now}, **KNOWN},
            sort=(("next_deadline", 1),),
            limit=limit,
            projection=("_id",),
        )
        return [AppUid(document["_id"]) for document in found]

    async def unsent(self, before: datetime, limit: int) -> list[AppUid]:
        """Applications whose outbox was left behind before that moment (by a process that died)."""
        found = await self._database.find(
            STATES, {"unsent": True, "updated_at": {"$lt": before}, **KNOWN}, limit=limit, projection=("_id",)
        )
        return [AppUid(document["_id"]) for document in found]
