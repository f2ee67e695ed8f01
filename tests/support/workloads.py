"""The smallest workloads, as they are applied; `simulate` is how their pods misbehave, simulated or on the plane."""

from typing import Any

Object = dict[str, Any]

SIMULATE = "kubemin.dev/simulate"


def template(simulate: str = "", *, cpu: str = "10m", **spec: Any) -> Object:
    """A pod template that every cluster of the tests accepts."""
    return {
        "metadata": {"labels": {"app": "web"}, "annotations": {SIMULATE: simulate} if simulate else {}},
        "spec": {
            "containers": [{"name": "app", "image": "web:1", "resources": {"requests": {"cpu": cpu}}}],
            "terminationGracePeriodSeconds": 1,
            **spec,
        },
    }


def a_deployment(name: str = "web", *, replicas: int = 1, simulate: str = "", **spec: Any) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": template(simulate, **spec),
        },
    }


def a_job(name: str = "task", *, simulate: str = "", backoff_limit: int = 0) -> Object:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"backoffLimit": backoff_limit, "template": template(simulate, restartPolicy="Never")},
    }


def a_config_map(name: str = "settings", **data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def a_secret(name: str = "password", **values: str) -> Object:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}
