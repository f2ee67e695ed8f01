"""Deletion: preconditions, propagation, and what has to happen before an object is gone."""

from datetime import timedelta

from dev.simulator import kinds
from dev.simulator.cluster import Cluster
from dev.simulator.errors import failed_precondition, forbidden
from dev.simulator.kinds import Kind
from dev.simulator.lifecycle import FOREGROUND, ORPHAN, mark_deleted
from dev.simulator.objects import Object, dig, is_deleting, name_of, timestamp, uid_of
from dev.simulator.options import Deleted, DeleteOptions
from dev.simulator.store import Key

_UID_PRECONDITION = (
    "the UID in the precondition ({}) does not match the UID in record ({}). "
    "The object might have been deleted and then recreated"
)
_VERSION_PRECONDITION = (
    "the ResourceVersion in the precondition ({}) does not match the ResourceVersion in record ({}). "
    "The object might have been modified"
)
_LASTING = frozenset(("default", "kube-system", "kube-public"))
JOB_WARNING = (
    "child pods are preserved by default when jobs are deleted; set propagationPolicy=Background to remove them or set "
    "propagationPolicy=Orphan to suppress this warning"
)


def delete(cluster: Cluster, key: Key, options: DeleteOptions) -> Deleted:
    """Delete an object, or request its deletion where something has to happen first.

    Raises:
        ApiError: 403, 404, 409.
    """
    kind, namespace, name = key
    obj = cluster.get(kind, namespace, name)
    _check_preconditions(kind, obj, options)
    if kind is kinds.NAMESPACE and name in _LASTING:
        raise forbidden(kind, name, "this namespace may not be deleted")
    policy, warning = options.propagation, ""
    if policy is None and kind is kinds.JOB:
        policy, warning = "Orphan", JOB_WARNING
    finalizers = list(obj["metadata"].get("finalizers") or ())
    # The garbage collector takes these off when it is done with the dependents.
    wanted = {"Foreground": FOREGROUND, "Orphan": ORPHAN}.get(policy or "")
    if wanted and wanted not in finalizers:
        finalizers.append(wanted)
    grace_s = _grace_s(kind, obj, options)
    graceful = bool(finalizers) or grace_s > 0 or (kind is kinds.NAMESPACE and dig(obj, "spec", "finalizers"))
    if options.dry_run:
        return Deleted(obj, removed=not graceful, warning=warning)
    if graceful and is_deleting(obj) and (grace_s > 0 or kind is not kinds.POD):
        return Deleted(obj, removed=False, warning=warning)
    if not graceful:
        return Deleted(cluster.store.remove(kind, obj), removed=True, warning=warning)
    at = timestamp(cluster.now() + timedelta(seconds=grace_s))
    marked = mark_deleted(kind, obj, at=at, grace_s=grace_s, finalizers=finalizers)
    return Deleted(cluster.store.put(kind, marked), removed=False, warning=warning)


def _check_preconditions(kind: Kind, obj: Object, options: DeleteOptions) -> None:
    uid, version = uid_of(obj), obj["metadata"]["resourceVersion"]
    if options.uid is not None and options.uid != uid:
        raise failed_precondition(kind, name_of(obj), _UID_PRECONDITION.format(options.uid, uid))
    if options.resource_version is not None and options.resource_version != version:
        why = _VERSION_PRECONDITION.format(options.resource_version, version)
        raise failed_precondition(kind, name_of(obj), why)


def _grace_s(kind: Kind, obj: Object, options: DeleteOptions) -> int:
    """Only pods that a kubelet knows end gracefully."""
    if kind is not kinds.POD or not obj["spec"].get("nodeName"):
        return 0
    if dig(obj, "status", "phase") in {"Succeeded", "Failed"}:
        return 0
    return int(obj["spec"]["terminationGracePeriodSeconds"] if options.grace_s is None else options.grace_s)
