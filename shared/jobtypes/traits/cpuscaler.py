"""`cpuscaler`: a HorizontalPodAutoscaler by CPU alone."""

from shared.jobtypes.base import RenderContext, Rendering, Trait
from shared.jobtypes.fields import Positive
from shared.jobtypes.traits.hpa import Replicas, ResourceTarget, autoscaled_by, resource_metric


class CpuScalerParameters(Replicas):
    """Scales a component by the CPU that its pods use.

    KubeVela writes version v1 of the autoscaler, we write the same in version v2, as `hpa` does: a component that
    changes from one trait to the other keeps its autoscaler, and v1 has no conditions that tell how it is. As with
    `hpa`, the number of replicas is the autoscaler's.
    """

    cpuUtil: Positive = 50
    """Wanted average in percent of the request."""


def apply(context: RenderContext, parameters: CpuScalerParameters, rendering: Rendering) -> Rendering:
    """Add a HorizontalPodAutoscaler of the component's name; raises RenderError as `hpa` does."""
    cpu = resource_metric("cpu", ResourceTarget(value=parameters.cpuUtil))
    return autoscaled_by(context, parameters, rendering, [cpu])


CPUSCALER = Trait(
    name="cpuscaler",
    title="Scales a component by the CPU that its pods use (HorizontalPodAutoscaler)",
    parameters=CpuScalerParameters,
    apply=apply,
    kinds=frozenset({"autoscaling/v2/HorizontalPodAutoscaler"}),
    examples=({"min": 2, "max": 8, "cpuUtil": 60},),
)
