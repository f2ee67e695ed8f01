"""Finds the pod templates within a manifest."""

from typing import Any

from shared.contracts.plan import Manifest
from shared.planning.trees import mapping

_TEMPLATE = ("spec", "template")
TEMPLATES: dict[str, tuple[str, ...]] = {
    "Deployment": _TEMPLATE,
    "StatefulSet": _TEMPLATE,
    "DaemonSet": _TEMPLATE,
    "ReplicaSet": _TEMPLATE,
    "ReplicationController": _TEMPLATE,
    "Job": _TEMPLATE,
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Pod": (),
}
"""Kind → where its pod template stands."""


def pod_template(manifest: Manifest) -> dict[str, Any] | None:
    """The part with `metadata` and `spec` of a pod, itself for a Pod; None where there is none."""
    path = TEMPLATES.get(manifest["kind"])
    if path is None:
        return None
    found: Any = manifest
    for name in path:
        found = mapping(found).get(name)
    return found if isinstance(found, dict) else None
