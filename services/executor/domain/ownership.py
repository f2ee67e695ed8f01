"""Whose an object is. Proof is a uid that we recorded or our field manager; never a label, which anybody can write.

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

from collections.abc import Iterator, Mapping
from typing import Any

from shared.contracts import annotations
from shared.contracts.identity import AppUid, ObjectKey
from shared.kube.kinds import Object

_FIELDS_SHOWN = 4
_MANAGERS_SHOWN = 3
_BOOKKEEPING = ("metadata.", "status", "apiVersion", "kind")


def proven_ours(live: Object, uid: AppUid, known_uid: str | None) -> bool:
    """Whether the object is the application's: recorded under this uid, or applied by its field manager."""
    if known_uid is not None and live["metadata"].get("uid") == known_uid:
        return True
    ours = annotations.field_manager(uid)
    return any(entry.get("manager") == ours and entry.get("operation") == "Apply" for entry in _entries(live))


def generation_of(live: Object) -> int:
    """The application generation that the object bears; 0 where it bears none."""
    value = (live["metadata"].get("annotations") or {}).get(annotations.ANNOTATION_GENERATION, "")
    return int(value) if value.isdecimal() else 0


def owned_by_other(key: ObjectKey, live: Object) -> str:
    """The sentence that tells whose the object is, and what to do."""
    remedy = "choose another name, or remove that object first"
    return f"{key} exists already and belongs to {_owner(live)}; {remedy}"


def _owner(live: Object) -> str:
    managers = {entry["manager"]: entry for entry in _entries(live) if entry.get("manager")}
    noted: Mapping[str, str] = live["metadata"].get("annotations") or {}
    other = noted.get(annotations.ANNOTATION_APP_UID)
    # The annotation is anybody's word; the field manager is not.
    if other and annotations.field_manager(AppUid(other)) in managers:
        namespace, name = noted.get(annotations.ANNOTATION_NAMESPACE, ""), noted.get(annotations.ANNOTATION_APP, "")
        return f"the application {namespace}/{name}"
    if not managers:
        return "somebody else (it has no field managers)"
    shown = [_with_fields(name, entry) for name, entry in sorted(managers.items())[:_MANAGERS_SHOWN]]
    more = len(managers) - len(shown)
    return "the field managers " + ", ".join(shown) + (f" and {more} more" if more else "")


def _with_fields(manager: str, entry: Mapping[str, Any]) -> str:
    fields = [path for path in _paths(entry.get("fieldsV1") or {}) if not path.startswith(_BOOKKEEPING)]
    if not fields:
        return manager
    more = ", …" if len(fields) > _FIELDS_SHOWN else ""
    return f"{manager} ({', '.join(fields[:_FIELDS_SHOWN])}{more})"


def _paths(fields: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[str]:
    """The paths in a FieldsV1 tree, two levels deep: enough to know what is meant."""
    for token, below in fields.items():
        if not token.startswith("f:"):
            continue
        path = f"{prefix}.{token[2:]}" if prefix else token[2:]
        deeper = depth < 1 and any(name.startswith("f:") for name in below)
        yield from _paths(below, path, depth + 1) if deeper else (path,)


def _entries(live: Object) -> list[Mapping[str, Any]]:
    return live["metadata"].get("managedFields") or []
