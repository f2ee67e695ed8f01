"""The smallest objects that show a behaviour."""

from typing import Any

SIMULATE = "kubemin.dev/simulate"


def pod_template(simulate: str | None = None, **spec: Any) -> dict[str, Any]:
    annotations = {} if simulate is None else {SIMULATE: simulate}
    containers = [{"name": "app", "image": "web:1"}]
    return {
        "metadata": {"labels": {"app": "web"}, "annotations": annotations},
        "spec": {"containers": containers, "terminationGracePeriodSeconds": 1, **spec},
    }


def pod(name: str, simulate: str | None = None, **spec: Any) -> dict[str, Any]:
    template = pod_template(simulate, **spec)
    return {**template, "metadata": {**template["metadata"], "name": name}}


def deployment(name: str, *, replicas: int = 1, simulate: str | None = None) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": pod_template(simulate),
        },
    }


def stateful_set(name: str, *, replicas: int) -> dict[str, Any]:
    claim = volume_claim("data")
    return {
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "serviceName": name,
            "selector": {"matchLabels": {"app": "web"}},
            "template": pod_template(),
            "volumeClaimTemplates": [claim],
        },
    }


def job(
    name: str,
    *,
    simulate: str | None = None,
    restart_policy: str = "Never",
    backoff_limit: int = 0,
) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"backoffLimit": backoff_limit, "template": pod_template(simulate, restartPolicy=restart_policy)},
    }


def volume_claim(name: str, storage_class: str | None = None) -> dict[str, Any]:
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    if storage_class is not None:
        spec["storageClassName"] = storage_class
    return {"metadata": {"name": name}, "spec": spec}
