"""`topology`: the clusters and the namespace that components go to."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import ConfigDict, Field

from shared.contracts.identity import DNS_LABEL, DNS_SUBDOMAIN
from shared.contracts.plan import Finding
from shared.jobtypes.base import Parameters
from shared.planning.policies.base import Destination, PolicyType

ClusterNameText = Annotated[str, Field(pattern=DNS_SUBDOMAIN, max_length=253)]


class TopologyParameters(Parameters):
    """Clusters by name, or by label; neither means the default cluster."""

    model_config = ConfigDict(extra="forbid")

    clusters: list[ClusterNameText] = Field(default_factory=list)
    """Names of clusters; `local` is the default one."""
    clusterLabelSelector: dict[str, str] | None = None
    """Every registered cluster that has all these labels; only where no cluster is named."""
    allowEmpty: bool = False
    """No cluster may have the labels; otherwise that is an error."""
    namespace: Annotated[str, Field(pattern=DNS_LABEL)] | None = None
    """Where every object goes, also one that names a namespace itself. It has to be the tenant's and enrolled."""


def _place(parameters: TopologyParameters, path: str) -> Destination:
    return Destination(
        clusters=tuple(parameters.clusters),
        labels=None if parameters.clusters else parameters.clusterLabelSelector,
        allow_empty=parameters.allowEmpty,
        namespace=parameters.namespace or "",
        path=path,
    )


def _warn(parameters: TopologyParameters, path: str, _merged: TopologyParameters) -> Iterable[Finding]:
    if parameters.clusters and parameters.clusterLabelSelector is not None:
        message = "clusters are named, so their labels are not looked at"
        yield Finding(path=f"{path}.clusterLabelSelector", code="NoEffect", message=message)


TOPOLOGY = PolicyType(
    name="topology",
    title="Where components go: clusters by name or label, and a namespace",
    parameters=TopologyParameters,
    place=_place,
    warn=_warn,
    examples=({"clusters": ["berlin", "lisbon"], "namespace": "shop-prod"},),
)
