"""What of an object may go elsewhere: not what belongs to its cluster, nor anybody's claim on it."""

import copy
from collections.abc import Mapping
from typing import Any

from shared.contracts import annotations
from shared.contracts.plan import Manifest
from shared.errors import Rejected
from shared.jobtypes.objects import group_kind
from shared.jobtypes.templates import pod_template

_ABOUT_OWNERS = ("kubemin.dev/", "app.oam.dev/", "workload.oam.dev/", "trait.oam.dev/", "meta.helm.sh/")
"""Labels and annotations by which platforms know what is theirs; `app.oam.dev/` also repeats what was applied."""
_ABOUT_OBJECT = (
    annotations.ANNOTATION_LAST_APPLIED,
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


class BelongsToCluster(Rejected):
    """An object that is of no use, or a danger, anywhere else."""

    def __init__(self, name: str) -> None:
        message = f"Secret {name} is the token of a service account of this cluster, and does not leave it"
        super().__init__(message, reason="NotCopied")


def stripped(live: Manifest) -> Manifest:
    """A copy without what belongs to its cluster; one without a namespace says so by an empty one.

    It needs kind and name; anything else may be malformed. Raises BelongsToCluster.
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


def _metadata(live: Manifest) -> Manifest:
    of = live["metadata"]
    labels = {k: v for k, v in _map(of, "labels").items() if not k.startswith(_ABOUT_OWNERS)}
    if labels.get(annotations.LABEL_MANAGED_BY) == annotations.MANAGED_BY:
        del labels[annotations.LABEL_MANAGED_BY]
    noted = {k: v for k, v in _map(of, "annotations").items() if not k.startswith((*_ABOUT_OWNERS, *_ABOUT_OBJECT))}
    kept = {"labels": labels, "annotations": noted}
    scope = {} if of.get("namespace") else {"namespace": ""}
    return {"name": of["name"], **scope, **{field: value for field, value in kept.items() if value}}


def _strip_addresses(spec: Manifest) -> None:
    if spec.get("clusterIP") != _HEADLESS:
        spec.pop("clusterIP", None)
    ports = spec.get("ports")
    for port in ports if isinstance(ports, list) else ():
        if isinstance(port, dict):
            port.pop("nodePort", None)


def _strip_job(job: Manifest) -> None:
    """The Job controller selects pods by a label of its own making, unless somebody chose another."""
    if not _map(job, "spec").get("manualSelector"):
        _remove(job, ("spec", "selector"))
    for owner in (job, pod_template(job) or {}):
        labels = _map(_map(owner, "metadata"), "labels")
        for key in _OF_JOB:
            labels.pop(key, None)


def _remove(owner: Manifest, path: tuple[str, ...]) -> None:
    *parents, last = path
    for field in parents:
        owner = _map(owner, field)
    owner.pop(last, None)


def _map(owner: Manifest, field: str) -> dict[str, Any]:
    found = owner.get(field)
    return found if isinstance(found, dict) else {}
