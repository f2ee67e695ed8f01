"""Looks up job types and traits by the name that a document gives."""

from collections.abc import Mapping
from typing import Any, TypeVar

from shared.contracts.plan import Finding
from shared.jobtypes.base import JobType, Trait
from shared.planning.findings import did_you_mean

E = TypeVar("E", bound=JobType[Any] | Trait[Any])


def find_type(known: Mapping[str, E], name: str) -> E | None:
    """The entry of that name or alias; `web@v1` pins its version, and no other version is known here."""
    _, at, pinned = name.partition("@")
    entry = known.get(bare(name))
    if entry is None or (at and pinned != f"v{entry.version}"):
        return None
    return entry


def bare(name: str) -> str:
    """The name of a type without the version that it may pin."""
    return name.partition("@")[0]


def unknown_type(known: Mapping[str, E], name: str, path: str, *, code: str, what: str) -> Finding:
    """Says that there is no such type, and which was probably meant."""
    meant = bare(name)
    entry = known.get(meant)
    if entry is not None:
        message = f"the {what} {meant!r} has no such version: {name!r}"
        remedy = f"Write {meant!r} or '{meant}@v{entry.version}'."
    else:
        message = f"there is no {what} {name!r}"
        remedy = did_you_mean(meant, known)
    return Finding(path=path, code=code, message=message, remedy=remedy)


def entry_findings(entry: JobType[Any] | Trait[Any], name: str, path: str) -> tuple[list[Finding], list[Finding]]:
    """Errors and warnings about the use of an entry, whatever its parameters are; `path` is that of its type."""
    errors = [Finding(path=path, code="Unsupported", message=entry.refusal)] if entry.refusal else []
    warnings = []
    if entry.successor:
        message = f"{name!r} is deprecated"
        warnings.append(Finding(path=path, code="Deprecated", message=message, remedy=f"Use {entry.successor}."))
    return errors, warnings
