"""`rbac`, an extension of ours: an account of the component with a role, each by its name."""

from dataclasses import replace
from typing import Any

from pydantic import Field

from shared.contracts.cloning import clone
from shared.contracts.naming import joined
from shared.contracts.plan import Manifest
from shared.jobtypes.access import KINDS, bound_role, check_rule, new_account
from shared.jobtypes.base import Parameters, RenderContext, RenderError, Rendering, Trait
from shared.jobtypes.fields import Annotations, Labels, ObjectName, SegmentName
from shared.jobtypes.objects import group_kind
from shared.jobtypes.podpatch import PodSpec, patched_pod, set_metadata


class PolicyRule(Parameters):
    """What the account may do, in Kubernetes' form."""

    verbs: list[str] = Field(min_length=1)
    """Such as `get`, `list`, `watch`; `*` for all."""
    apiGroups: list[str] | None = None
    """Groups of the resources; the empty text is the core group."""
    resources: list[str] | None = None
    """Resources in the plural, such as `pods`."""
    resourceNames: list[str] | None = None
    """Names of the objects; all if left out."""
    nonResourceURLs: list[str] | None = None
    """Paths of the API server that are no resources; in the whole cluster only."""


class RbacParameters(Parameters):
    """An account with a role and the binding between them, applied before the workload."""

    serviceAccountName: ObjectName | None = None
    """Name of the account; `<component>-sa` if left out."""
    roleName: SegmentName | None = None
    """Name of the role; `<account>-role` if left out."""
    bindingName: SegmentName | None = None
    """Name of the binding; `<account>-binding` if left out."""
    clusterScope: bool = False
    """The role and its binding are of the whole cluster."""
    rules: list[PolicyRule] = Field(min_length=1)
    """What the account may do."""
    serviceAccountLabels: Labels = Field(default_factory=dict)
    """Labels of the account."""
    serviceAccountAnnotations: Annotations = Field(default_factory=dict)
    """Annotations of the account."""
    roleLabels: Labels = Field(default_factory=dict)
    """Labels of the role."""
    bindingLabels: Labels = Field(default_factory=dict)
    """Labels of the binding."""
    automountServiceAccountToken: bool | None = None
    """Whether pods get its token."""


def apply(context: RenderContext, parameters: RbacParameters, rendering: Rendering) -> Rendering:
    """Add account, role and binding; the pods run under it unless they have an account already."""

    def patch(pod: PodSpec) -> None:
        pod.setdefault("serviceAccountName", name)

    name = parameters.serviceAccountName or joined(context.component, "sa")
    account, before = _account(context, rendering, name)
    set_metadata(account, "labels", parameters.serviceAccountLabels)
    set_metadata(account, "annotations", parameters.serviceAccountAnnotations)
    if parameters.automountServiceAccountToken is not None:
        account["automountServiceAccountToken"] = parameters.automountServiceAccountToken
    rules: list[dict[str, Any]] = [rule.model_dump(mode="json", exclude_none=True) for rule in parameters.rules]
    for index, rule in enumerate(rules):
        check_rule(rule, f"rules[{index}]", cluster=parameters.clusterScope)
        if "resources" in rule and not rule.get("apiGroups"):
            message = "resources are of a group"
            raise RenderError(f"rules[{index}].apiGroups", "PrivilegeIncomplete", message, 'The core group is "".')
    role, binding = bound_role(
        context,
        name,
        rules,
        role=parameters.roleName or joined(name, "role"),
        binding=parameters.bindingName or joined(name, "binding"),
        cluster=parameters.clusterScope,
    )
    set_metadata(role, "labels", parameters.roleLabels)
    set_metadata(binding, "labels", parameters.bindingLabels)
    return replace(patched_pod(rendering, patch), before=(*before, account, role, binding))


def _account(context: RenderContext, rendering: Rendering, name: str) -> tuple[Manifest, tuple[Manifest, ...]]:
    """Take the account of that name out of what is there, or begin one: several roles may share it."""
    for index, other in enumerate(rendering.before):
        if group_kind(other) == ("", "ServiceAccount") and other["metadata"]["name"] == name:
            return clone(other), (*rendering.before[:index], *rendering.before[index + 1 :])
    return new_account(context, name), rendering.before


RBAC = Trait(
    name="rbac",
    title="An account of the component with a role",
    parameters=RbacParameters,
    apply=apply,
    kinds=KINDS,
    examples=({"rules": [{"verbs": ["get", "list", "watch"], "apiGroups": [""], "resources": ["configmaps"]}]},),
)
