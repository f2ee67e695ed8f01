"""Who shares an object, as its annotation says in KubeVela's words: the owner first, then those who have signed."""

from collections.abc import Iterable

from shared.contracts import annotations
from shared.contracts.annotations import ANNOTATION_SHARED_BY
from shared.contracts.identity import AppRef, AppUid
from shared.kube.kinds import Object

_OWN_DOMAIN = "kubemin.dev/"
_OWN_LABELS = (annotations.LABEL_APP, annotations.LABEL_COMPONENT, annotations.LABEL_MANAGED_BY)


def sharer(app: AppRef) -> str:
    """How an application signs."""
    return f"{app.namespace}/{app.name}"


def sharers(live: Object) -> list[str]:
    """Who has signed, in order."""
    text = (live["metadata"].get("annotations") or {}).get(ANNOTATION_SHARED_BY, "")
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def joined(names: Iterable[str]) -> str:
    """The annotation that says so."""
    return ",".join(names)


def signature(live: Object, app: AppRef) -> Object | None:
    """The merge patch by which an application signs; None where it has."""
    signed = sharers(live)
    if sharer(app) in signed:
        return None
    return _guarded(live, {"annotations": {ANNOTATION_SHARED_BY: joined([*signed, sharer(app)])}})


def withdrawal(live: Object, app: AppRef, uid: AppUid) -> Object | None:
    """The merge patch by which an application gives an object up; None where there is nothing of it on the object.

    Whoever else has signed owns it next; with nobody it is nobody's.
    """
    metadata = live["metadata"]
    signed = sharers(live)
    left = [name for name in signed if name != sharer(app)]
    changes: Object = {}
    notes: Object = {}
    if left != signed:
        notes[ANNOTATION_SHARED_BY] = joined(left) or None
    managers = metadata.get("managedFields") or []
    others = [entry for entry in managers if entry.get("manager") != annotations.field_manager(uid)]
    if (metadata.get("annotations") or {}).get(annotations.ANNOTATION_APP_UID) == uid:
        notes |= {key: None for key in metadata["annotations"] if key.startswith(_OWN_DOMAIN)}
        changes["labels"] = {key: None for key in _OWN_LABELS if key in (metadata.get("labels") or {})}
    if len(others) != len(managers):
        # An empty list would leave it as it is.
        changes["managedFields"] = others or [{}]
    if notes:
        changes["annotations"] = notes
    return _guarded(live, changes) if changes else None


def _guarded(live: Object, changes: Object) -> Object:
    seen = {field: live["metadata"][field] for field in ("uid", "resourceVersion")}
    return {"metadata": {**seen, **changes}}
