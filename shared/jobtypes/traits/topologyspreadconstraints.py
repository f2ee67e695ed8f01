"""`topologyspreadconstraints`: how evenly pods spread over the cluster."""

from typing import Literal

from shared.jobtypes.base import Parameters, RenderContext, Rendering, Trait
from shared.jobtypes.fields import LabelKey, Positive
from shared.jobtypes.podpatch import merged_pod
from shared.jobtypes.selectors import LabelSelector


class Constraint(Parameters):
    """How unevenly pods may spread over the values of a label of nodes."""

    maxSkew: Positive
    """By how many pods two values may differ."""
    topologyKey: LabelKey
    """Label of the nodes, such as `topology.kubernetes.io/zone`."""
    whenUnsatisfiable: Literal["DoNotSchedule", "ScheduleAnyway"] = "DoNotSchedule"
    """What becomes of a pod for which no node fits."""
    labelSelector: LabelSelector
    """The pods that count."""
    minDomains: Positive | None = None
    """How many values there have to be; only with `DoNotSchedule`."""
    matchLabelKeys: list[LabelKey] | None = None
    """Labels in which the pods that count are like the pod to place."""
    nodeAffinityPolicy: Literal["Honor", "Ignore"] | None = None
    """Whether nodes count that the pod's affinity excludes; they do not if left out."""
    nodeTaintsPolicy: Literal["Honor", "Ignore"] | None = None
    """Whether nodes count that the pod does not tolerate; they do if left out."""


class TopologySpreadParameters(Parameters):
    """How evenly the component's pods spread over the cluster."""

    constraints: list[Constraint]
    """All of these have to hold."""


def apply(_context: RenderContext, parameters: TopologySpreadParameters, rendering: Rendering) -> Rendering:
    """Add the constraints; raises RenderError where one contradicts what is there for the same label and way."""
    constraints = [constraint.model_dump(mode="json", exclude_none=True) for constraint in parameters.constraints]
    return merged_pod(rendering, {"topologySpreadConstraints": constraints}, "constraints")


TOPOLOGY_SPREAD_CONSTRAINTS = Trait(
    name="topologyspreadconstraints",
    title="How evenly pods spread over the cluster",
    parameters=TopologySpreadParameters,
    apply=apply,
    examples=(
        {
            "constraints": [
                {
                    "maxSkew": 1,
                    "topologyKey": "topology.kubernetes.io/zone",
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": {"matchLabels": {"app.oam.dev/component": "web"}},
                }
            ]
        },
    ),
)
