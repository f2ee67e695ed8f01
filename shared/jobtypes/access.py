"""Accounts and rights: ServiceAccounts, Roles and their bindings."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.contracts.plan import Manifest
from shared.jobtypes.base import RenderContext, RenderError
from shared.jobtypes.objects import new_object

_GROUP = "rbac.authorization.k8s.io"
_VERSION = f"{_GROUP}/v1"

KINDS = frozenset(
    {
        "v1/ServiceAccount",
        f"{_VERSION}/Role",
        f"{_VERSION}/RoleBinding",
        f"{_VERSION}/ClusterRole",
        f"{_VERSION}/ClusterRoleBinding",
    }
)


def new_account(context: RenderContext, name: str) -> Manifest:
    """Render a ServiceAccount."""
    return new_object(context, "v1", "ServiceAccount", name)


def check_rule(rule: Mapping[str, Any], path: str, *, cluster: bool) -> None:
    """Raises RenderError for a rule that is about neither resources nor paths, or about both."""
    if rule.get("nonResourceURLs") is not None:
        if not cluster:
            message = "paths that are no resources belong to no namespace"
            raise RenderError(f"{path}.nonResourceURLs", "ScopeConflict", message, "Give it in the whole cluster")
        if any(rule.get(field) is not None for field in ("resources", "apiGroups", "resourceNames")):
            message = "one privilege is either about resources or about nonResourceURLs"
            raise RenderError(path, "PrivilegeConflict", message, "Make two of it")
    elif not rule.get("resources"):
        message = "a privilege needs resources or nonResourceURLs"
        raise RenderError(path, "PrivilegeIncomplete", message, "Add resources")


def bound_role(
    context: RenderContext,
    account: str,
    rules: Sequence[dict[str, Any]],
    *,
    role: str,
    binding: str,
    cluster: bool,
) -> tuple[Manifest, Manifest]:
    """Render a role of these rules and its binding to the account: of the namespace, or of the whole cluster."""
    prefix = "Cluster" if cluster else ""
    objects = (
        new_object(context, _VERSION, f"{prefix}Role", role),
        new_object(context, _VERSION, f"{prefix}RoleBinding", binding),
    )
    if cluster:
        for manifest in objects:
            del manifest["metadata"]["namespace"]
    objects[0]["rules"] = list(rules)
    objects[1]["roleRef"] = {"apiGroup": _GROUP, "kind": f"{prefix}Role", "name": role}
    objects[1]["subjects"] = [{"kind": "ServiceAccount", "name": account, "namespace": context.namespace}]
    return objects
