"""Names of run-to-completion objects: a Job is its own ledger, so its name says what it runs and in which attempt."""

from shared.contracts.canonical import digest
from shared.contracts.identity import Digest, ObjectKey
from shared.contracts.naming import job_name
from shared.contracts.plan import Manifest, PlannedObject


def named(manifest: Manifest, base: str, attempt: int) -> Manifest:
    """The manifest under its name for an attempt, which depends on everything in the manifest but the name itself."""
    name = job_name(base, _template_digest(manifest, base), attempt)
    return {**manifest, "metadata": {**manifest["metadata"], "name": name}}


def with_attempt(obj: PlannedObject, attempt: int) -> PlannedObject:
    """The object under its name for that attempt, with key and digest; one not under our naming stays as it is."""
    if not obj.job_name_base:
        return obj
    manifest = named(obj.manifest, obj.job_name_base, attempt)
    return obj.model_copy(update={"manifest": manifest, "key": ObjectKey.of(manifest), "digest": digest(manifest)})


def _template_digest(manifest: Manifest, base: str) -> Digest:
    return digest({**manifest, "metadata": {**manifest["metadata"], "name": base}})
