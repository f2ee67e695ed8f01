"""What of an object may leave its cluster: not what belongs to the cluster itself, nor anybody's claim on it."""

import base64
import copy
from collections.abc import Callable, Mapping
from typing import Any

from shared.contracts import annotations
from shared.errors import Rejected
from shared.jobtypes.objects import group_kind
from shared.jobtypes.templates import pod_template
from shared.kube.kinds import Object

_ABOUT_OWNERS = ("kubemin.dev/", "app.oam.dev/", "workload.oam.dev/", "trait.oam.dev/", "meta.helm.sh/")
"""Labels and annotations by which platforms know what is theirs; `app.oam.dev/` also repeats what was applied."""
_ABOUT_OBJECT = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/",
    "deprecated.daemonset.template.generation",
    "control-plane.alpha.kubernetes.io/",
    "pv.kubernetes.io/",
    "volume.kubernetes.io/",
    "volume.beta.kubernetes.io/",
)
"""Annotations that controllers and kubectl keep about the object as it is in this cluster."""
_OF_JOB = ("controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name")
_OF_CLUSTER: Mapping[tuple[str, str], tuple[tuple[str, ...], ...]] = {
    ("", "PersistentVolumeClaim"): (("spec", "volumeName"),),
    ("", "Pod"): (("spec", "nodeName"),),
    ("", "Service"): (("spec", "clusterIPs"), ("spec", "ipFamilies"), ("spec", "healthCheckNodePort")),
    ("", "ServiceAccount"): (("secrets",),),
}
"""Fields that the cluster fills in, by group and kind."""
_HEADLESS = "None"
_ACCOUNT_TOKEN = "kubernetes.io/service-account-token"  # noqa: S105  # the type of such Secrets

SealValue = Callable[[str, bytes], str]
"""Seals the value of a Secret's key."""


class BelongsToCluster(Rejected):
    """An object that is of no use, or a danger, anywhere else."""

    def __init__(self, name: str) -> None:
        message = f"Secret {name} is the token of a service account of this cluster, and does not leave it"
        super().__init__(message, reason="NotCopied")


def stripped(live: Object) -> Object:
    """A copy without what belongs to its cluster; one without a namespace says so by an empty one.

    Raises BelongsToCluster.
    """
    result = {field: copy.deepcopy(value) for field, value in live.items() if field not in ("metadata", "status")}
    result["metadata"] = _metadata(live)
    for path in _OF_CLUSTER.get(group_kind(live), ()):
        _remove(result, path)
    match group_kind(live):
        case ("", "Service"):
            _strip_addresses(_map(result, "spec"))
        case ("batch", "Job"):
            _strip_job(result)
        case ("", "Secret") if live.get("type") == _ACCOUNT_TOKEN:
            raise BelongsToCluster(live["metadata"]["name"])
    return result


def sealed_secret(secret: Object, seal: SealValue) -> Object:
    """A stripped Secret with its values sealed, and without annotations, in which tools repeat values."""
    values = {key: seal(key, base64.b64decode(value)) for key, value in _map(secret, "data").items()}
    metadata = {field: value for field, value in secret["metadata"].items() if field != "annotations"}
    return {**secret, "metadata": metadata, **({"data": values} if values else {})}


def _metadata(live: Object) -> Object:
    of = live["metadata"]
    labels = {k: v for k, v in (of.get("labels") or {}).items() if not k.startswith(_ABOUT_OWNERS)}
    if labels.get(annotations.LABEL_MANAGED_BY) == annotations.MANAGED_BY:
        del labels[annotations.LABEL_MANAGED_BY]
    noted = {
        k: v for k, v in (of.get("annotations") or {}).items() if not k.startswith((*_ABOUT_OWNERS, *_ABOUT_OBJECT))
    }
    kept = {"labels": labels, "annotations": noted}
    scope = {} if of.get("namespace") else {"namespace": ""}
    return {"name": of["name"], **scope, **{field: value for field, value in kept.items() if value}}


def _strip_addresses(spec: Object) -> None:
    if spec.get("clusterIP") != _HEADLESS:
        spec.pop("clusterIP", None)
    for port in spec.get("ports") or ():
        port.pop("nodePort", None)


def _strip_job(job: Object) -> None:
    """The Job controller selects pods by a label of its own making, unless somebody chose another."""
    if not _map(job, "spec").get("manualSelector"):
        _remove(job, ("spec", "selector"))
    for owner in (job, pod_template(job) or {}):
        labels = _map(_map(owner, "metadata"), "labels")
        for key in _OF_JOB:
            labels.pop(key, None)


def _remove(owner: Object, path: tuple[str, ...]) -> None:
    *parents, last = path
    for field in parents:
        owner = _map(owner, field)
    owner.pop(last, None)


def _map(owner: Object, field: str) -> dict[str, Any]:
    found = owner.get(field)
    return found if isinstance(found, dict) else {}
