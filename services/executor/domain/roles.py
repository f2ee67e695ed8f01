"""Bindings of roles: an API server looks for the role before it takes the binding."""

from shared.contracts.identity import ObjectKey
from shared.kube.kinds import Object

_CLUSTER_ROLE = "ClusterRole"


def role_of(manifest: Object) -> ObjectKey | None:
    """The role that a binding is to; None for anything else."""
    reference = manifest.get("roleRef")
    if not isinstance(reference, dict):
        return None
    kind, name = str(reference.get("kind")), str(reference.get("name"))
    namespace = "" if kind == _CLUSTER_ROLE else manifest["metadata"].get("namespace", "")
    return ObjectKey(api_version=manifest["apiVersion"], kind=kind, namespace=namespace, name=name)
