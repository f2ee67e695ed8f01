"""Policies: where an application goes."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictStr

from shared.contracts.identity import DNS_SUBDOMAIN, ClusterName
from shared.contracts.plan import Finding
from shared.planning.document import Application, Policy
from shared.planning.findings import did_you_mean
from shared.planning.parameters import validate
from shared.planning.trees import path_text

TOPOLOGY = "topology"
LOCAL = ClusterName("local")
"""KubeVela's name for the default cluster."""
_LATER = frozenset(
    {
        "override",
        "replication",
        "garbage-collect",
        "apply-once",
        "take-over",
        "shared-resource",
        "read-only",
        "resource-update",
    }
)
"""Policies of OAM documents that a later version carries out."""
_LATER_TOPOLOGY = ("clusterLabelSelector", "allowEmpty", "namespace")


class Topology(BaseModel):
    """Names the clusters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clusters: tuple[Annotated[StrictStr, Field(pattern=DNS_SUBDOMAIN, max_length=253)], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where the document wants to go."""

    clusters: tuple[ClusterName, ...] | None
    """In the document's order; `LOCAL` stands for the default cluster. None: the document does not say."""


def placements(app: Application) -> Placement:
    """The union of the topology policies of a checked application."""
    named: dict[ClusterName, None] = {}
    for policy in app.spec.policies:
        if policy.type == TOPOLOGY:
            clusters = Topology.model_validate(policy.properties).clusters
            named.update(dict.fromkeys(map(ClusterName, clusters or (LOCAL,))))
    return Placement(clusters=tuple(named) or None)


def check_policy(policy: Policy, path: str) -> list[Finding]:
    """What is wrong with a policy."""
    if policy.type == TOPOLOGY:
        return _check_topology(policy.properties, f"{path}.properties")
    at_type = f"{path}.type"
    if policy.type in _LATER:
        message = f"policies of type {policy.type!r} are not supported yet"
        return [Finding(path=at_type, code="Unsupported", message=message, remedy="Remove the policy.")]
    message = f"there is no policy type {policy.type!r}"
    remedy = did_you_mean(policy.type, [TOPOLOGY, *_LATER])
    return [Finding(path=at_type, code="UnknownPolicyType", message=message, remedy=remedy)]


def _check_topology(properties: dict[str, Any], path: str) -> list[Finding]:
    later = [
        Finding(
            path=path_text(path, key),
            code="Unsupported",
            message=f"{key!r} of a topology policy is not supported yet",
            remedy="Name the clusters in `clusters`.",
        )
        for key in _LATER_TOPOLOGY
        if properties.get(key) is not None
    ]
    rest = {key: value for key, value in properties.items() if key not in _LATER_TOPOLOGY and value is not None}
    _, wrong = validate(Topology, rest, path)
    return [*later, *wrong]
