"""The scale subresource (autoscaling/v1 Scale) of workloads."""

from dev.simulator.errors import bad_request
from dev.simulator.objects import Object, dig

_SHOWN = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")


def scale_of(workload: Object) -> Object:
    """Show a workload as a Scale."""
    metadata = workload["metadata"]
    labels = dig(workload, "spec", "selector", "matchLabels") or {}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {field: metadata[field] for field in _SHOWN if field in metadata},
        "spec": {"replicas": workload["spec"].get("replicas", 0)},
        "status": {
            "replicas": dig(workload, "status", "replicas") or 0,
            "selector": ",".join(f"{key}={value}" for key, value in sorted(labels.items())),
        },
    }


def scaled(workload: Object, scale: Object) -> Object:
    """Return the workload as a Scale wants it.

    Raises:
        ApiError: 400, the Scale does not say how many replicas there shall be.
    """
    replicas = dig(scale, "spec", "replicas")
    if not isinstance(replicas, int) or isinstance(replicas, bool):
        raise bad_request("Scale: spec.replicas must be an integer")
    metadata = dict(workload["metadata"])
    if version := dig(scale, "metadata", "resourceVersion"):
        metadata["resourceVersion"] = version
    return {**workload, "metadata": metadata, "spec": {**workload["spec"], "replicas": replicas}}
