"""Plans, written once: one document per run in chunks, manifests by reference to their digest."""

import zlib
from typing import Any

from shared.contracts import canonical
from shared.contracts.identity import RunId
from shared.contracts.plan import Plan
from shared.store.database import Database

PLANS = "plans"
MANIFESTS = "manifests"
INDEXES = ()
_CHUNK_BYTES = 8 * 1024 * 1024
_IDS_PER_QUERY = 500


class PlanMissing(LookupError):
    """A plan, or a manifest of it, is not in the database although a run refers to it."""


class Plans:
    """The collections of plans and manifests; neither is ever changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, plan: Plan) -> None:
        """Store a plan; the same again changes nothing."""
        dumped = plan.model_dump(mode="json")
        manifests: dict[str, Any] = {}
        for step in dumped["steps"]:
            for obj in step["objects"]:
                reference = canonical.digest(obj["manifest"])
                manifests[reference] = obj["manifest"]
                obj["manifest"] = {"$ref": reference}
        await self._database.insert_many_ignoring_duplicates(
            MANIFESTS,
            [{"_id": ref, "body": zlib.compress(canonical.canonical_json(m), 1)} for ref, m in manifests.items()],
        )
        body = zlib.compress(canonical.canonical_json(dumped), 1)
        chunks = [body[i : i + _CHUNK_BYTES] for i in range(0, len(body), _CHUNK_BYTES)]
        await self._database.insert_many_ignoring_duplicates(
            PLANS,
            [{"_id": f"{plan.run}/{i}", "of": len(chunks), "body": chunk} for i, chunk in enumerate(chunks)],
        )

    async def load(self, run: RunId) -> Plan:
        """Return the plan of a run with its manifests; raises PlanMissing."""
        first = await self._database.find_one(PLANS, {"_id": f"{run}/0"})
        if first is None:
            msg = f"no plan of run {run}"
            raise PlanMissing(msg)
        body = first["body"]
        for i in range(1, first["of"]):
            chunk = await self._database.find_one(PLANS, {"_id": f"{run}/{i}"})
            if chunk is None:
                msg = f"chunk {i} of the plan of run {run} is missing"
                raise PlanMissing(msg)
            body += chunk["body"]
        dumped = canonical.parse(zlib.decompress(body))
        objects = [obj for step in dumped["steps"] for obj in step["objects"]]
        manifests = await self._manifests({obj["manifest"]["$ref"] for obj in objects})
        for obj in objects:
            reference = obj["manifest"]["$ref"]
            if reference not in manifests:
                msg = f"manifest {reference} of run {run} is missing"
                raise PlanMissing(msg)
            obj["manifest"] = manifests[reference]
        return Plan.model_validate_json(canonical.canonical_json(dumped))

    async def _manifests(self, references: set[str]) -> dict[str, Any]:
        wanted = sorted(references)
        found: dict[str, Any] = {}
        for i in range(0, len(wanted), _IDS_PER_QUERY):
            documents = await self._database.find(MANIFESTS, {"_id": {"$in": wanted[i : i + _IDS_PER_QUERY]}})
            found.update({d["_id"]: canonical.parse(zlib.decompress(d["body"])) for d in documents})
        return found
