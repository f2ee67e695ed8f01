"""The history that outlives the bus: run events and commands as decided, facts as stated. Append-only."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.contracts.facts import FACT, Fact
from shared.contracts.identity import AppUid, ClusterName, RunId, StepId
from shared.contracts.runs import RUN_EVENT, RunEvent
from shared.store.database import Database, Document, Index
from shared.store.versions import read, stamp

RUN_EVENTS = "run_events"
COMMANDS = "commands"
FACTS = "facts"
INDEXES = (
    Index(RUN_EVENTS, (("uid", 1), ("n", 1)), unique=True),
    Index(RUN_EVENTS, (("archived_at", 1),)),
    # The first event of each application: a list of all of them.
    Index(RUN_EVENTS, (("n", 1),), partial={"n": 1}),
    Index(COMMANDS, (("uid", 1), ("run", 1))),
    Index(FACTS, (("uid", 1), ("at", 1))),
)
_PER_INSERT = 500
"""Documents at a time: an insert of ten thousand would outlast its time-out."""


@dataclass(frozen=True, kw_only=True)
class ArchivedCommand:
    """That a command was sent; its manifests are in the plan."""

    id: str
    type: str
    uid: AppUid
    run: RunId
    cluster: ClusterName
    step: StepId
    attempt: int
    nonce: int
    not_after: datetime


class Archive:
    """The append-only collections; writing the same entry again changes nothing."""

    def __init__(self, database: Database, *, lenient: bool = False) -> None:
        """Leniently: what is read is only shown, so what a newer build says more may be left out."""
        self._database = database
        self._lenient = lenient

    async def add_run_events(self, events: Sequence[RunEvent]) -> None:
        """Keep run events for ever."""
        now = datetime.now(UTC)
        await self._insert(
            RUN_EVENTS,
            [
                {
                    "_id": f"{e.uid}:{e.n:010d}",
                    "uid": e.uid,
                    "n": e.n,
                    "run": e.run,
                    "archived_at": now,
                    "body": RUN_EVENT.dump_json(e),
                    **stamp(e),
                }
                for e in events
            ],
        )

    async def add_commands(self, commands: Iterable[ArchivedCommand]) -> None:
        """Keep that commands were sent."""
        await self._insert(
            COMMANDS,
            [
                {
                    "_id": c.id,
                    "type": c.type,
                    "uid": c.uid,
                    "run": c.run,
                    "cluster": c.cluster,
                    "step": c.step,
                    "attempt": c.attempt,
                    "nonce": c.nonce,
                    "not_after": c.not_after,
                }
                for c in commands
            ],
        )

    async def add_facts(self, facts: Sequence[tuple[str, Fact]]) -> None:
        """Keep facts under the ids of their envelopes."""
        await self._insert(
            FACTS,
            [
                {"_id": id_, "uid": f.uid, "type": f.type, "at": f.at, "body": FACT.dump_json(f), **stamp(f)}
                for id_, f in facts
            ],
        )

    async def run_events(self, uid: AppUid, *, after: int, limit: int, run: RunId | None = None) -> list[RunEvent]:
        """Run events of an application with a number greater than `after`, in order; raises NewerDocument."""
        guard: Document = {"uid": uid, "n": {"$gt": after}}
        if run is not None:
            guard["run"] = run
        return await self._numbered(guard, limit)

    async def run_events_of(self, uids: Collection[AppUid], *, after: int, limit: int) -> list[RunEvent]:
        """Run events of applications with a number greater than `after`, in its order; raises NewerDocument."""
        return await self._numbered({"uid": {"$in": list(uids)}, "n": {"$gt": after}}, limit)

    async def _numbered(self, guard: Document, limit: int) -> list[RunEvent]:
        found = await self._database.find(RUN_EVENTS, guard, sort=(("n", 1),), limit=limit)
        return [read(RUN_EVENT, RUN_EVENTS, document, "body", lenient=self._lenient) for document in found]

    async def facts(self, uid: AppUid) -> list[Fact]:
        """Every fact about an application, oldest first by the agents' clocks."""
        found = await self._database.find(FACTS, {"uid": uid}, sort=(("at", 1), ("_id", 1)))
        return [read(FACT, FACTS, document, "body", lenient=self._lenient) for document in found]

    async def archived_since(self, moment: datetime) -> dict[AppUid, int]:
        """Applications of which run events were archived at or after that moment, and the highest number of each.

        The moment is compared with the writers' clocks, and writes take their time: ask for a little more.
        """
        found = await self._database.find(RUN_EVENTS, {"archived_at": {"$gte": moment}}, projection=("uid", "n"))
        latest: dict[AppUid, int] = {}
        for document in found:
            latest[document["uid"]] = max(document["n"], latest.get(document["uid"], 0))
        return latest

    async def applications(self) -> list[AppUid]:
        """Every application that has run events."""
        found = await self._database.find(RUN_EVENTS, {"n": 1}, projection=("uid",))
        return [AppUid(document["uid"]) for document in found]

    async def _insert(self, collection: str, documents: Sequence[Document]) -> None:
        for start in range(0, len(documents), _PER_INSERT):
            await self._database.insert_many_ignoring_duplicates(collection, documents[start : start + _PER_INSERT])
