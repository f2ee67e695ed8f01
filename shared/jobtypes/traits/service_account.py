"""`service-account`: the account under which the pods run, and its rights."""

from dataclasses import replace
from typing import Any, Literal

from pydantic import Field

from shared.contracts.plan import Manifest
from shared.jobtypes.access import KINDS, bound_role, check_rule, new_account
from shared.jobtypes.base import Parameters, RenderContext, Rendering, Trait
from shared.jobtypes.fields import ObjectName
from shared.jobtypes.podpatch import PodSpec, patched_pod
from shared.jobtypes.probes import Closed


class Privilege(Closed):
    """What the account may do."""

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
    scope: Literal["namespace", "cluster"] = "namespace"
    """In the application's namespace, or in the whole cluster."""


class ServiceAccountParameters(Parameters):
    """The account under which the pods run.

    Account and rights are applied before the workload, so that pods have them as they start.
    """

    name: ObjectName
    """Name of the ServiceAccount."""
    create: bool = False
    """Create it; otherwise it has to be there."""
    privileges: list[Privilege] | None = None
    """What it may do: a Role of its name, and a ClusterRole `<namespace>:<name>`, each with a binding."""


def apply(context: RenderContext, parameters: ServiceAccountParameters, rendering: Rendering) -> Rendering:
    """Run the pods under the account, instead of any other; raises RenderError for rights that cannot be given."""

    def patch(pod: PodSpec) -> None:
        pod.pop("serviceAccount", None)
        pod["serviceAccountName"] = parameters.name

    patched = patched_pod(rendering, patch)
    made = [new_account(context, parameters.name)] if parameters.create else []
    made += _roles(context, parameters)
    return replace(patched, before=(*patched.before, *made))


def _roles(context: RenderContext, parameters: ServiceAccountParameters) -> list[Manifest]:
    made: list[Manifest] = []
    name = parameters.name
    for scope, role in (("cluster", f"{context.namespace}:{name}"), ("namespace", name)):
        rules = [
            _rule(privilege, f"privileges[{index}]")
            for index, privilege in enumerate(parameters.privileges or ())
            if privilege.scope == scope
        ]
        if rules:
            made += bound_role(context, name, rules, role=role, binding=role, cluster=scope == "cluster")
    return made


def _rule(privilege: Privilege, path: str) -> dict[str, Any]:
    rule = privilege.model_dump(mode="json", exclude_none=True, exclude={"scope"})
    check_rule(rule, path, cluster=privilege.scope == "cluster")
    return rule if privilege.nonResourceURLs is not None else {"apiGroups": [""], **rule}


SERVICE_ACCOUNT = Trait(
    name="service-account",
    title="The account under which the pods run, and its rights",
    parameters=ServiceAccountParameters,
    apply=apply,
    kinds=KINDS,
    examples=(
        {
            "name": "shop-reader",
            "create": True,
            "privileges": [{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}],
        },
    ),
)
