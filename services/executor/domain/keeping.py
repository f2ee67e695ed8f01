"""What of a live object stays as it is, and what of it has to be made anew."""

import copy
from collections.abc import Iterable

from shared.contracts import annotations, fieldpath
from shared.contracts.commands import ApplyStep, ObjectToApply
from shared.contracts.fieldpath import EVERYTHING, MISSING
from shared.contracts.identity import AppUid
from shared.kube.kinds import Object

_OWN_DOMAIN = "kubemin.dev/"
_OF_OTHERS = ("finalizers", "ownerReferences")


def kept_paths(wanted: ObjectToApply, command: ApplyStep) -> list[str]:
    """The fields that stay: a command that updates the object has introduced its digest, and reverts no drift."""
    update = wanted.generation == command.generation and not command.reverting
    return [kept.path for kept in wanted.treatment.kept if (kept.on_update if update else kept.on_state_keep)]


def is_marked(live: Object, uid: AppUid) -> bool:
    """Whether it bears the application's marks: the observer of the cluster watches it for the application."""
    return _notes(live).get(annotations.ANNOTATION_APP_UID) == uid


def keeps_everything(paths: Iterable[str], live: Object, uid: AppUid) -> bool:
    """Whether nothing but our marks may be written, on an object that has them."""
    return EVERYTHING in paths and is_marked(live, uid)


def keeping(manifest: Object, live: Object, paths: Iterable[str]) -> Object:
    """The manifest with the live values of these fields; what is not there live is not asked for."""
    result = copy.deepcopy(manifest)
    for path in (fieldpath.parse(text) for text in paths if text != EVERYTHING):
        value = fieldpath.read(live, path)
        if value is MISSING:
            fieldpath.remove(result, path)
        else:
            fieldpath.write(result, path, copy.deepcopy(value))
    return result


def marks(manifest: Object, live: Object) -> Object | None:
    """The merge patch that brings our marks up to date and changes nothing else; None where they are."""
    wanted = {key: value for key, value in _notes(manifest).items() if key.startswith(_OWN_DOMAIN)}
    changed = {key: value for key, value in wanted.items() if _notes(live).get(key) != value}
    if not changed:
        return None
    seen = {field: live["metadata"][field] for field in ("uid", "resourceVersion")}
    return {"metadata": {**seen, "annotations": changed}}


def is_outdated(wanted: ObjectToApply, live: Object) -> bool:
    """Whether another manifest was applied last."""
    return _notes(live).get(annotations.ANNOTATION_DIGEST) != wanted.digest


def must_be_made_anew(manifest: Object, live: Object, fields: Iterable[str]) -> bool:
    """Whether a field has another value than is asked for; what the manifest does not have is not asked for."""
    for path in map(fieldpath.parse, fields):
        value = fieldpath.read(manifest, path)
        if value is not MISSING and not fieldpath.covers(fieldpath.read(live, path), value):
            return True
    return False


def replacement(manifest: Object, live: Object) -> Object:
    """The manifest as it replaces the live object: what others rely on for deletion stays."""
    kept = {field: live["metadata"][field] for field in _OF_OTHERS if live["metadata"].get(field)}
    return {**manifest, "metadata": {**manifest["metadata"], **kept}}


def _notes(obj: Object) -> Object:
    return obj["metadata"].get("annotations") or {}
