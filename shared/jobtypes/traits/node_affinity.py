"""`node-affinity`, in KubeVela's older notation: on which nodes the component's pods run."""

from typing import Annotated

from pydantic import Field

from shared.jobtypes.base import Parameters, RenderContext, Rendering, Trait
from shared.jobtypes.fields import LabelKey, Labels
from shared.jobtypes.objects import present
from shared.jobtypes.podpatch import merged_pod


class NodeAffinityParameters(Parameters):
    """On which nodes the component's pods run."""

    affinity: dict[LabelKey, Annotated[list[str], Field(min_length=1)]] | None = None
    """Labels of the nodes with the values that are allowed; all of them have to hold."""
    tolerations: Labels | None = None
    """Taints of nodes that do not keep the pods away, with their values; of effect `NoSchedule`."""


def apply(_context: RenderContext, parameters: NodeAffinityParameters, rendering: Rendering) -> Rendering:
    """Merge affinity and tolerations into the pods; raises RenderError where they contradict what is there."""
    expressions = [
        {"key": key, "operator": "In", "values": values} for key, values in (parameters.affinity or {}).items()
    ]
    required = {"nodeSelectorTerms": [{"matchExpressions": expressions}]}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    tolerations = [
        {"key": key, "operator": "Equal", "value": value, "effect": "NoSchedule"}
        for key, value in (parameters.tolerations or {}).items()
    ]
    return merged_pod(rendering, present(affinity=affinity if expressions else None, tolerations=tolerations or None))


NODE_AFFINITY = Trait(
    name="node-affinity",
    title="On which nodes the component's pods run (older spelling of affinity)",
    parameters=NodeAffinityParameters,
    apply=apply,
    successor="affinity",
    examples=({"affinity": {"topology.kubernetes.io/zone": ["a", "b"]}, "tolerations": {"dedicated": "web"}},),
)
