"""Whose an object is. Proof is a uid that we recorded or our field manager; never a label, which anybody can write.

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from services.executor.domain.sharing import sharer, sharers
from shared.contracts import annotations, managed
from shared.contracts.identity import AppRef, AppUid, ObjectKey
from shared.contracts.plan import Treatment
from shared.kube.kinds import Object

_FIELDS_SHOWN = 4
_MANAGERS_SHOWN = 3
_BOOKKEEPING = ("metadata.", "status", "apiVersion", "kind")


def proven_ours(live: Object, uid: AppUid, known_uid: str | None) -> bool:
    """Whether the object is the application's: applied by its field manager, or recorded under this uid.

    One that another application applies is that one's: what we recorded then is that we have signed it.
    """
    if applied_by(live, uid):
        return True
    return known_uid is not None and live["metadata"].get("uid") == known_uid and not of_other_application(live, uid)


def applied_by(live: Object, uid: AppUid) -> bool:
    """Whether the application's field manager has applied it."""
    return annotations.field_manager(uid) in _appliers(live)


def bears_marks_of(live: Object, uid: AppUid) -> bool:
    """Whether the application's field manager or, with no other application's, its annotation is on the object."""
    if applied_by(live, uid):
        return True
    noted = (live["metadata"].get("annotations") or {}).get(annotations.ANNOTATION_APP_UID)
    return bool(noted == uid) and not of_other_application(live, uid)


def left_to(live: Object, app: AppRef, uid: AppUid) -> bool:
    """Whether those who applied it have given it up, and this application is the only one that still shares it."""
    return sharers(live) == [sharer(app)] and not of_other_application(live, uid)


def of_other_application(live: Object, uid: AppUid) -> bool:
    """Whether another application applies it."""
    others = _appliers(live) - {annotations.field_manager(uid)}
    return any(manager.startswith(annotations.FIELD_MANAGERS) for manager in others)


def _appliers(live: Object) -> set[str]:
    return {str(entry.get("manager")) for entry in managed.entries(live) if entry.get("operation") == "Apply"}


class Standing(StrEnum):
    """What an application may do with an object that is there already."""

    WRITE = "write"
    SIGN = "sign"
    NOTHING = "nothing"


def standing(live: Object, app: AppRef, uid: AppUid, known_uid: str | None, treatment: Treatment) -> Standing:
    """Whether it is the application's, may be adopted, or is shared with it."""
    if proven_ours(live, uid, known_uid) and not (treatment.shared and not applied_by(live, uid)):
        return Standing.WRITE
    signed = sharers(live)
    others = of_other_application(live, uid)
    if not others and (treatment.take_over or (treatment.shared and signed[:1] == [sharer(app)])):
        return Standing.WRITE
    return Standing.SIGN if treatment.shared and signed else Standing.NOTHING


def taken_from(before: Object, after: Object, uid: AppUid) -> tuple[str, ...]:
    """The other field managers that own less than before, each with the fields that it has lost."""
    left = {_identity(entry): entry.get("fieldsV1") or {} for entry in managed.entries(after)}
    lost: dict[str, dict[str, Any]] = {}
    for entry in managed.entries(before):
        less = managed.less(entry.get("fieldsV1") or {}, left.get(_identity(entry), {}))
        if less and entry.get("manager") != annotations.field_manager(uid):
            lost[str(entry.get("manager"))] = less
    return tuple(_with_fields(manager, {"fieldsV1": fields}) for manager, fields in sorted(lost.items()))


def _identity(entry: Mapping[str, Any]) -> tuple[object, ...]:
    return tuple(entry.get(part) for part in ("manager", "operation", "subresource", "apiVersion"))


def generation_of(live: Object) -> int:
    """The application generation that the object bears; 0 where it bears none."""
    value = (live["metadata"].get("annotations") or {}).get(annotations.ANNOTATION_GENERATION, "")
    return int(value) if value.isdecimal() else 0


def owned_by_other(key: ObjectKey, live: Object) -> str:
    """The sentence that tells whose the object is, and what to do."""
    shared = any(manager.startswith(annotations.FIELD_MANAGERS) for manager in _appliers(live))
    policy = "share it by a shared-resource policy in both" if shared else "adopt it by a take-over policy"
    remedy = f"choose another name, remove that object first, or {policy}"
    return f"{key} exists already and belongs to {_owner(live)}; {remedy}"


def _owner(live: Object) -> str:
    managers = {entry["manager"]: entry for entry in managed.entries(live) if entry.get("manager")}
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
