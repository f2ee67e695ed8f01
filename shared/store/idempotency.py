"""Answers to requests that bear a key, kept for a day, so that the same request again gets the same answer.

An entry is taken before the work and answered after it. Whoever died in between holds it until its lease is over; the
next one with the same key takes it over. When a write's outcome is unknown the entry is given back: the desired record
itself tells which request it came from (`shared.store.applications`).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.store.database import Database, Document, Index

COLLECTION = "idempotency"
KEPT = timedelta(hours=24)
LEASE = timedelta(seconds=60)
"""Longer than the gateway works on any request; what begins after it finds its own earlier write."""
INDEXES = (Index(COLLECTION, (("expires_at", 1),), expire_after_s=0),)
_ATTEMPTS = 3


@dataclass(frozen=True, kw_only=True)
class StoredAnswer:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Taken:
    """Ours: work, then `answer` or `give_back`."""


@dataclass(frozen=True)
class Reused:
    """The key was used for another request."""


@dataclass(frozen=True)
class InFlight:
    """Somebody works on the same request now."""


Entry = Taken | Reused | InFlight | StoredAnswer


class Idempotency:
    """The entries; `id_` is of tenant and key, `owner` of one attempt."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, id_: str, *, fingerprint: str, owner: str, now: datetime) -> Entry:
        """Take the entry, or say what is there."""
        fields = {"fingerprint": fingerprint, "owner": owner, "locked_until": now + LEASE, "expires_at": now + KEPT}
        for _ in range(_ATTEMPTS):
            if await self._database.insert(COLLECTION, {"_id": id_, **fields}):
                return Taken()
            present = await self._database.find_one(COLLECTION, {"_id": id_})
            if present is None:
                continue
            if present["expires_at"] <= now:
                # MongoDB sweeps once a minute.
                await self._database.delete(COLLECTION, {"_id": id_, "owner": present["owner"]})
                continue
            return await self._found(present, fingerprint, fields, now)
        return InFlight()

    async def answer(self, id_: str, owner: str, answer: StoredAnswer) -> None:
        """Keep the answer, unless somebody else has taken the entry over."""
        kept = {"status": answer.status, "headers": answer.headers, "body": answer.body}
        await self._database.guarded_update(COLLECTION, id_, {"owner": owner}, {"$set": {"answer": kept}})

    async def give_back(self, id_: str, owner: str) -> None:
        """Forget that it was asked for, so that it can be tried again at once."""
        await self._database.delete(COLLECTION, {"_id": id_, "owner": owner})

    async def _found(self, present: Document, fingerprint: str, fields: Document, now: datetime) -> Entry:
        if present["fingerprint"] != fingerprint:
            return Reused()
        kept = present.get("answer")
        if kept is not None:
            return StoredAnswer(status=kept["status"], headers=kept["headers"], body=kept["body"])
        if present["locked_until"] > now:
            return InFlight()
        guard = {"owner": present["owner"], "answer": {"$exists": False}}
        taken = await self._database.guarded_update(COLLECTION, present["_id"], guard, {"$set": fields})
        return Taken() if taken else InFlight()
