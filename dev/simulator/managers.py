"""Field managers: who owns which fields, as `metadata.managedFields` records it.

Server-side apply and the tracking of other writes, after k8s.io/apimachinery/pkg/util/managedfields and
sigs.k8s.io/structured-merge-diff/v6/merge. Pure: time arrives as data.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from dev.simulator.errors import ApiError
from dev.simulator.fieldsets import FieldSet, from_fields_v1, leaves, show_path, to_fields_v1
from dev.simulator.merge import merge, remove
from dev.simulator.objects import Object
from dev.simulator.schema import Path

# These exist whatever anyone applies, so pruning never reaches them.
_ALWAYS_OWNED = frozenset((("f:apiVersion",), ("f:kind",), ("f:metadata",)))


@dataclass(frozen=True, slots=True, order=True)
class Manager:
    """The identity of a field manager: the same name by another operation is another manager."""

    name: str
    operation: Literal["Apply", "Update"]
    subresource: str = ""

    def described(self, api_version: str) -> str:
        """Name the manager as conflict messages do."""
        shown = f'"{self.name}"' + (f' with subresource "{self.subresource}"' if self.subresource else "")
        return f"{shown} using {api_version}" if self.operation == "Update" else shown


@dataclass(frozen=True, slots=True)
class Ownership:
    """What one manager owns."""

    fields: FieldSet
    time: str
    api_version: str


Ownerships = Mapping[Manager, Ownership]


@dataclass(frozen=True, slots=True)
class Write:
    """Who writes, when and in which version."""

    manager: Manager
    time: str
    api_version: str


def decode(entries: Sequence[Object]) -> Ownerships:
    """Read metadata.managedFields."""
    return {
        Manager(entry.get("manager", ""), entry["operation"], entry.get("subresource", "")): Ownership(
            from_fields_v1(entry.get("fieldsV1") or {}), entry.get("time", ""), entry.get("apiVersion", "")
        )
        for entry in entries
        if entry.get("operation") in {"Apply", "Update"}
    }


def encode(owners: Ownerships) -> list[Object]:
    """Write metadata.managedFields, appliers first, then by age."""
    entries = []
    for manager, owned in sorted(owners.items(), key=lambda item: (item[0].operation, item[1].time, item[0])):
        entry: Object = {
            "manager": manager.name,
            "operation": manager.operation,
            "apiVersion": owned.api_version,
            "time": owned.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": to_fields_v1(owned.fields),
        }
        entries.append(entry | ({"subresource": manager.subresource} if manager.subresource else {}))
    return entries


def apply(
    live: Object, configuration: Object, owners: Ownerships, write: Write, *, force: bool
) -> tuple[Object, Ownerships]:
    """Apply a configuration: merge it, prune what its manager no longer applies, settle who owns what.

    Raises:
        ApiError: 409, fields of other managers would change and `force` is not set.
    """
    applied = frozenset(leaves(configuration))
    previous = owners.get(write.manager)
    others = {manager: owned for manager, owned in owners.items() if manager != write.manager}
    merged = merge(live, configuration)
    if previous is not None:
        kept = applied.union(*(owned.fields for owned in others.values()))
        gone = _with_parents(previous.fields) - _with_parents(kept) - _ALWAYS_OWNED
        merged = remove(merged, gone)
    changed, removed = _difference(live, merged)
    conflicts = {manager: lost for manager, owned in others.items() if (lost := owned.fields & changed)}
    if conflicts and not force:
        raise _conflict_error(conflicts, owners)
    settled = _without(others, changed | removed)
    if applied:
        same = previous is not None and previous.fields == applied
        time = previous.time if same and previous is not None else write.time
        settled[write.manager] = Ownership(applied, time, write.api_version)
    return merged, settled


def track_update(old: Object, new: Object, owners: Ownerships, write: Write) -> Ownerships:
    """Settle who owns what after a create, update or merge patch."""
    changed, removed = _difference(old, new)
    before = owners.get(write.manager)
    settled = _without(
        {manager: owned for manager, owned in owners.items() if manager != write.manager}, changed | removed
    )
    fields = ((before.fields if before else frozenset()) - removed) | changed
    if fields:
        time = before.time if before and before.fields == fields and not changed else write.time
        settled[write.manager] = Ownership(fields, time, write.api_version)
    return settled


def _with_parents(fields: FieldSet) -> FieldSet:
    return frozenset(path[:length] for path in fields for length in range(1, len(path) + 1))


def _difference(old: Object, new: Object) -> tuple[FieldSet, FieldSet]:
    """Return the fields that were added or modified, and those that were removed."""
    before, after = leaves(old), leaves(new)
    changed = {path for path, value in after.items() if path not in before or before[path] != value}
    removed = {path for path in before if path not in after}
    # An empty map that is filled, or a map that is emptied, is the same map as before.
    changed -= {path for path in changed if after[path] == {} and _is_parent(path, before)}
    removed -= {path for path in removed if before[path] == {} and _is_parent(path, after)}
    return frozenset(changed), frozenset(removed)


def _is_parent(path: Path, fields: Iterable[Path]) -> bool:
    return any(field[: len(path)] == path for field in fields)


def _without(owners: Ownerships, lost: FieldSet) -> dict[Manager, Ownership]:
    remaining = {manager: replace(owned, fields=owned.fields - lost) for manager, owned in owners.items()}
    return {manager: owned for manager, owned in remaining.items() if owned.fields}


def _conflict_error(conflicts: Mapping[Manager, FieldSet], owners: Ownerships) -> ApiError:
    found: list[tuple[str, Path]] = [
        (manager.described(owners[manager].api_version), path)
        for manager, fields in sorted(conflicts.items())
        for path in sorted(fields)
    ]
    causes = [
        {"reason": "FieldManagerConflict", "message": f"conflict with {manager}", "field": show_path(path)}
        for manager, path in found
    ]
    return ApiError(409, "Conflict", _conflict_message(found), {"causes": causes})


def _conflict_message(found: Sequence[tuple[str, Path]]) -> str:
    if len(found) == 1:
        manager, path = found[0]
        return f"Apply failed with 1 conflict: conflict with {manager}: {show_path(path)}"
    lines: dict[str, list[str]] = {}
    for manager, path in found:
        lines.setdefault(manager, []).append(f"- {show_path(path)}")
    listed = "\n".join(f"conflicts with {manager}:\n" + "\n".join(paths) for manager, paths in lines.items())
    return f"Apply failed with {len(found)} conflicts: {listed}"
