"""Desired records: one document per application, raised by compare-and-set on `generation`.

The gateway writes records, the planner says which generation it has taken up. What the planner has not taken up yet is
`unobserved`: so a record counts although the message about it was lost.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from pydantic import TypeAdapter

from shared.contracts.desired import DesiredRecord, PagePosition, StoredApplication
from shared.contracts.identity import AppUid
from shared.contracts.phases import AppPhase
from shared.store.database import Database, Document, Index
from shared.store.versions import KNOWN, read, stamp

APPLICATIONS = "applications"
INDEXES = (
    # A name is free again once its application is gone.
    Index(APPLICATIONS, (("namespace", 1), ("name", 1)), unique=True, partial={"tombstone": False}),
    Index(APPLICATIONS, (("unobserved", 1),), partial={"unobserved": True}),
    Index(APPLICATIONS, (("tenant", 1), ("namespace", 1), ("name", 1))),
)

_RECORD: TypeAdapter[DesiredRecord] = TypeAdapter(DesiredRecord)
_PHASES: dict[AppPhase, dict[str, bool]] = {
    AppPhase.ACTIVE: {"tombstone": False, "deleted": False},
    AppPhase.DELETING: {"tombstone": False, "deleted": True},
    AppPhase.DELETED: {"tombstone": True},
}


class Applications:
    """The collection of desired records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, record: DesiredRecord, *, request: str = "") -> bool:
        """Insert a new application; False where its name is taken by one that is not gone."""
        return await self._database.insert(
            APPLICATIONS,
            {
                "_id": record.uid,
                "tenant": record.app.tenant,
                "namespace": record.app.namespace,
                "name": record.app.name,
                "created_at": record.created_at,
                "tombstone": False,
                **_changing(record, request),
            },
        )

    async def replace(self, record: DesiredRecord, *, expected_generation: int, request: str = "") -> bool:
        """Write the next generation; False where another one was written meanwhile."""
        guard = {"generation": expected_generation, "tombstone": False}
        changes = {"$set": _changing(record, request)}
        return await self._database.guarded_update(APPLICATIONS, record.uid, guard, changes)

    async def load(self, uid: AppUid) -> StoredApplication | None:
        """Return the application of that uid, also when it is gone; raises NewerDocument."""
        return _read(await self._database.find_one(APPLICATIONS, {"_id": uid}))

    async def by_name(self, namespace: str, name: str) -> StoredApplication | None:
        """Return the application that has the name now; raises NewerDocument."""
        guard = {"namespace": namespace, "name": name, "tombstone": False}
        return _read(await self._database.find_one(APPLICATIONS, guard))

    async def page(
        self,
        tenant: str,
        namespaces: Sequence[str],
        phases: Iterable[AppPhase],
        *,
        after: PagePosition | None,
        limit: int,
    ) -> list[StoredApplication]:
        """Return a tenant's applications in these namespaces and phases, ordered by namespace, name and uid."""
        conditions: list[dict[str, Any]] = [
            {"tenant": tenant, "namespace": {"$in": list(namespaces)}},
            {"$or": [_PHASES[phase] for phase in phases]},
        ]
        if after is not None:
            same = {"namespace": after.namespace, "name": after.name, "_id": {"$gt": after.uid}}
            later = {"namespace": after.namespace, "name": {"$gt": after.name}}
            conditions.append({"$or": [{"namespace": {"$gt": after.namespace}}, later, same]})
        order = (("namespace", 1), ("name", 1), ("_id", 1))
        found = await self._database.find(APPLICATIONS, {"$and": conditions}, sort=order, limit=limit)
        return [_stored(document, lenient=True) for document in found]

    async def unobserved(self, limit: int) -> list[StoredApplication]:
        """Return applications whose newest generation the planner has not taken up, the longest waiting first."""
        found = await self._database.find(
            APPLICATIONS, {"unobserved": True, **KNOWN}, sort=(("updated_at", 1), ("_id", 1)), limit=limit
        )
        return [_stored(document) for document in found]

    async def mark_observed(self, uid: AppUid, generation: int) -> bool:
        """Say that the planner has taken up this generation; False where there is a newer one by now."""
        return await self._database.guarded_update(
            APPLICATIONS, uid, {"generation": generation}, {"$set": {"unobserved": False}}
        )

    async def mark_deleted(self, uid: AppUid, generation: int) -> bool:
        """Make the application a tombstone, its name free; False where this generation is no deletion, or outdated."""
        return await self._database.guarded_update(
            APPLICATIONS,
            uid,
            {"generation": generation, "deleted": True},
            {"$set": {"tombstone": True, "unobserved": False}},
        )


def _changing(record: DesiredRecord, request: str) -> Document:
    return {
        "generation": record.generation,
        "deleted": record.deleted,
        "unobserved": True,
        "record": record.model_dump_json().encode(),
        "updated_at": record.audit.at,
        "request": request,
        **stamp(record),
    }


def _read(document: Document | None) -> StoredApplication | None:
    return None if document is None else _stored(document)


def _stored(document: Document, *, lenient: bool = False) -> StoredApplication:
    return StoredApplication(
        record=read(_RECORD, APPLICATIONS, document, "record", lenient=lenient),
        unobserved=document["unobserved"],
        tombstone=document["tombstone"],
        request=document.get("request", ""),
    )
