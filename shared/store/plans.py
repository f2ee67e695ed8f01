"""Plans, written once: one document per run, further chunks beside it.

Manifests that are large together stand apart, by their digests: what a later generation leaves as it is, is not stored
again. Small ones stand in the plan, which is one write less before its run can begin.
"""

import asyncio
import hashlib
import zlib
from dataclasses import dataclass
from typing import Any

from shared.contracts import canonical
from shared.contracts.identity import RunId
from shared.contracts.plan import Plan
from shared.store.database import Database, Document
from shared.store.versions import check, stamp

PLANS = "plans"
MANIFESTS = "manifests"
INDEXES = ()
_CHUNK_BYTES = 8 * 1024 * 1024
_IDS_PER_QUERY = 500
_MANIFESTS_PER_INSERT = 500
_APART_ABOVE_BYTES = 32 * 1024
"""Of a plan's manifests together, as JSON."""
_REFERENCE = "$ref"


class PlanMissing(LookupError):
    """A plan, or a manifest of it, is not in the database although a run refers to it."""


class Plans:
    """The collections of plans and manifests; neither is ever changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, plan: Plan) -> bool:
        """Store a plan; False where the run has one already, which stays.

        The document of the run is written last: whoever finds it finds all of the plan, and of two that plan the same
        generation (perhaps in different builds) one wins as a whole.
        """
        encoded = await asyncio.to_thread(_encode, plan)
        for start in range(0, len(encoded.manifests), _MANIFESTS_PER_INSERT):
            batch = encoded.manifests[start : start + _MANIFESTS_PER_INSERT]
            await self._database.insert_many_ignoring_duplicates(MANIFESTS, batch)
        first, *others = encoded.chunks
        for number, chunk in enumerate(others, start=1):
            await self._database.insert(PLANS, {"_id": f"{plan.run}/{encoded.digest}/{number}", "body": chunk})
        document = {"_id": plan.run, "of": len(encoded.chunks), "digest": encoded.digest, "body": first, **stamp(plan)}
        return await self._database.insert(PLANS, document)

    async def load(self, run: RunId) -> Plan:
        """Return the plan of a run with its manifests; raises PlanMissing and NewerDocument."""
        first = await self._database.find_one(PLANS, {"_id": run})
        if first is None:
            msg = f"no plan of run {run}"
            raise PlanMissing(msg)
        check(PLANS, first)
        body = first["body"]
        for number in range(1, first["of"]):
            chunk = await self._database.find_one(PLANS, {"_id": f"{run}/{first['digest']}/{number}"})
            if chunk is None:
                msg = f"chunk {number} of the plan of run {run} is missing"
                raise PlanMissing(msg)
            body += chunk["body"]
        dumped = await asyncio.to_thread(lambda: canonical.parse(zlib.decompress(body)))
        referring = [obj for obj in _objects(dumped) if obj["manifest"].keys() == {_REFERENCE}]
        manifests = await self._manifests({obj["manifest"][_REFERENCE] for obj in referring})
        for obj in referring:
            reference = obj["manifest"][_REFERENCE]
            if reference not in manifests:
                msg = f"manifest {reference} of run {run} is missing"
                raise PlanMissing(msg)
            obj["manifest"] = manifests[reference]
        return await asyncio.to_thread(lambda: Plan.model_validate_json(canonical.canonical_json(dumped)))

    async def _manifests(self, references: set[str]) -> dict[str, Any]:
        wanted = sorted(references)
        found: dict[str, Any] = {}
        for i in range(0, len(wanted), _IDS_PER_QUERY):
            documents = await self._database.find(MANIFESTS, {"_id": {"$in": wanted[i : i + _IDS_PER_QUERY]}})
            found.update({d["_id"]: canonical.parse(zlib.decompress(d["body"])) for d in documents})
        return found


@dataclass(frozen=True)
class _Encoded:
    digest: str
    chunks: list[bytes]
    manifests: list[Document]


def _encode(plan: Plan) -> _Encoded:
    dumped = plan.model_dump(mode="json")
    written = [(obj, canonical.canonical_json(obj["manifest"])) for obj in _objects(dumped)]
    apart: dict[str, bytes] = {}
    if sum(len(manifest) for _, manifest in written) > _APART_ABOVE_BYTES:
        for obj, manifest in written:
            reference = hashlib.sha256(manifest).hexdigest()
            apart[reference] = manifest
            obj["manifest"] = {_REFERENCE: reference}
    body = zlib.compress(canonical.canonical_json(dumped), 1)
    return _Encoded(
        digest=hashlib.sha256(body).hexdigest(),
        chunks=[body[i : i + _CHUNK_BYTES] for i in range(0, len(body), _CHUNK_BYTES)],
        manifests=[{"_id": ref, "body": zlib.compress(manifest, 1)} for ref, manifest in apart.items()],
    )


def _objects(dumped: Document) -> list[Document]:
    return [obj for step in dumped["steps"] for obj in step["objects"]]
