"""What the API server does to an object between a request and the store, beside defaults and validation.

After k8s.io/apiserver/pkg/registry/rest (BeforeCreate, BeforeUpdate) and the strategies of each kind. The functions
change the new object in place and nothing else; time and identity arrive as data.
"""

from collections.abc import Mapping

from dev.simulator import kinds
from dev.simulator.kinds import Kind, Subresource
from dev.simulator.objects import Object, dig
from dev.simulator.pod_defaults import qos_class
from shared.contracts.cloning import clone

FOREGROUND = "foregroundDeletion"
ORPHAN = "orphan"
DEFAULT_CLASS_ANNOTATION = "storageclass.kubernetes.io/is-default-class"

_MAX_GENERATED_BASE = 58
_SERVER_FIELDS = (
    "resourceVersion",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "generation",
    "managedFields",
)
_KEPT_ON_UPDATE = (
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "generation",
    "generateName",
    "resourceVersion",
)
_PROTECTION = {kinds.CLAIM: "kubernetes.io/pvc-protection", kinds.VOLUME: "kubernetes.io/pv-protection"}
TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"
_FIRST_STATUS: Mapping[Kind, Object] = {
    kinds.REPLICA_SET: {"replicas": 0},
    kinds.STATEFUL_SET: {"replicas": 0, "availableReplicas": 0},
    kinds.DAEMON_SET: {
        "currentNumberScheduled": 0,
        "desiredNumberScheduled": 0,
        "numberMisscheduled": 0,
        "numberReady": 0,
    },
    kinds.INGRESS: {"loadBalancer": {}},
    kinds.AUTOSCALER: {"desiredReplicas": 0, "currentMetrics": None},
}
_JOB_UID_LABEL = "batch.kubernetes.io/controller-uid"
_JOB_NAME_LABEL = "batch.kubernetes.io/job-name"


def prepare_create(kind: Kind, obj: Object, *, uid: str, now: str, suffix: str) -> None:
    """Give a new object its identity, and take away what clients may not set."""
    metadata = obj["metadata"]
    if not metadata.get("name") and metadata.get("generateName"):
        metadata["name"] = metadata["generateName"][:_MAX_GENERATED_BASE] + suffix
    for field in _SERVER_FIELDS:
        metadata.pop(field, None)
    metadata["uid"] = uid
    metadata["creationTimestamp"] = now
    if kind.generation:
        metadata["generation"] = 1
    if kind.status and kind is not kinds.NODE:
        obj["status"] = clone(_FIRST_STATUS.get(kind, {}))
    if kind is kinds.POD:
        obj["status"]["qosClass"] = qos_class(obj)
    if kind in _PROTECTION:
        metadata["finalizers"] = [*(metadata.get("finalizers") or ()), _PROTECTION[kind]]
    if kind is kinds.JOB:
        _select_own_pods(obj)
    if kind is kinds.DAEMON_SET:
        _annotate(obj, TEMPLATE_GENERATION, "1")


def _select_own_pods(job: Object) -> None:
    """Generate the selector of a Job, and the labels of its pods."""
    uid, name = job["metadata"]["uid"], job["metadata"].get("name", "")
    spec = job.get("spec") or {}
    spec["selector"] = {"matchLabels": {_JOB_UID_LABEL: uid}}
    template = spec.get("template")
    if isinstance(template, dict):
        metadata = template.setdefault("metadata", {})
        own = {_JOB_UID_LABEL: uid, _JOB_NAME_LABEL: name, "controller-uid": uid, "job-name": name}
        given = metadata.get("labels") or {}
        metadata["labels"] = {**given, **own}
        # A Job without labels has been given those of its pods.
        if job["metadata"].get("labels", {}) == given:
            job["metadata"]["labels"] = dict(metadata["labels"])


def _annotate(obj: Object, key: str, value: str) -> None:
    obj["metadata"]["annotations"] = {**(obj["metadata"].get("annotations") or {}), key: value}


def _count_template(new: Object, old: Object) -> None:
    """Count the templates of a DaemonSet, as its conversion to apps/v1 shows them."""
    present = int(old["metadata"].get("annotations", {}).get(TEMPLATE_GENERATION, "0"))
    changed = dig(new, "spec", "template") != dig(old, "spec", "template")
    _annotate(new, TEMPLATE_GENERATION, str(present + changed))


def prepare_update(kind: Kind, new: Object, old: Object, subresource: Subresource | None) -> None:
    """Keep what an update may not change, and count the generation."""
    before, metadata = old["metadata"], new["metadata"]
    if subresource is Subresource.STATUS:
        _keep_all_but_status(new, old)
        return
    metadata.setdefault("uid", before["uid"])
    metadata.pop("selfLink", None)
    for field in _KEPT_ON_UPDATE:
        if field in before:
            metadata[field] = before[field]
        else:
            metadata.pop(field, None)
    if kind.status:
        if "status" in old:
            new["status"] = clone(old["status"])
        else:
            new.pop("status", None)
    if kind is kinds.SERVICE:
        _keep_addresses(new, old)
    if kind is kinds.DAEMON_SET:
        _count_template(new, old)
    if kind.generation and _desires_something_else(kind, new, old):
        metadata["generation"] = before["generation"] + 1


def _keep_all_but_status(new: Object, old: Object) -> None:
    status = new.get("status", {})
    new.clear()
    new.update({**clone(old), "status": status})


def _keep_addresses(new: Object, old: Object) -> None:
    """Carry over what was allocated and a PUT has left out (the Service strategy's patchAllocatedValues)."""
    spec, before = new.get("spec") or {}, old["spec"]
    if spec.get("type") != "ExternalName":
        for field in ("clusterIP", "clusterIPs"):
            if not spec.get(field) and before.get(field):
                spec[field] = clone(before[field])
    allocated = {port.get("port"): port["nodePort"] for port in before.get("ports") or () if "nodePort" in port}
    if spec.get("type") in {"NodePort", "LoadBalancer"}:
        for port in spec.get("ports") or ():
            if port.get("port") in allocated:
                port.setdefault("nodePort", allocated[port["port"]])


def _desires_something_else(kind: Kind, new: Object, old: Object) -> bool:
    if new.get("spec") != old.get("spec"):
        return True
    # A Deployment hands its annotations down to its ReplicaSets.
    return kind is kinds.DEPLOYMENT and (
        (new["metadata"].get("annotations") or {}) != (old["metadata"].get("annotations") or {})
    )


def is_finished(kind: Kind, obj: Object) -> bool:
    """Tell whether nothing stands any more between a deleted object and its removal."""
    metadata = obj["metadata"]
    if "deletionTimestamp" not in metadata or metadata.get("finalizers"):
        return False
    if kind is kinds.POD:
        return bool(metadata.get("deletionGracePeriodSeconds") == 0)
    return kind is not kinds.NAMESPACE or not dig(obj, "spec", "finalizers")


def mark_deleted(kind: Kind, old: Object, *, at: str, grace_s: int, finalizers: list[str]) -> Object:
    """Return the object with its deletion requested."""
    metadata = {**old["metadata"], "deletionTimestamp": at}
    if kind is not kinds.NAMESPACE:
        metadata["deletionGracePeriodSeconds"] = grace_s
    if finalizers:
        metadata["finalizers"] = finalizers
    if kind.generation:
        metadata["generation"] = old["metadata"]["generation"] + 1
    marked = {**old, "metadata": metadata}
    if kind is kinds.NAMESPACE:
        marked["status"] = {**(old.get("status") or {}), "phase": "Terminating"}
    return marked
