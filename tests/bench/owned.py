"""Pods that belong to an application without any controller minding them: nothing else changes or counts them."""

from shared.kube.kinds import Object

MANAGER = "kubemin-bench"
_ENV = 12


def pod_of(owner: Object, name: str) -> Object:
    """A pod of usual size whose controller is said to be `owner`, and that no scheduler looks at."""
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
    }
    env = [{"name": f"VARIABLE_{i}", "value": f"the value of variable {i}"} for i in range(_ENV)]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": owner["metadata"]["namespace"],
            "labels": {"app": name, "tier": "bench"},
            "ownerReferences": [reference],
        },
        "spec": {
            "schedulerName": "nobody",
            "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "app", "image": "web:1", "env": env}],
        },
    }
