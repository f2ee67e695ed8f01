"""`scaler`: how many pods."""

from shared.jobtypes.base import Parameters, RenderContext, Rendering, Trait
from shared.jobtypes.fields import Count
from shared.jobtypes.scaling import scaled


class ScalerParameters(Parameters):
    """How many pods a component has.

    Unlike in KubeVela it does not fight with an autoscaler of the component: the number is then left to that one, with
    a warning.
    """

    replicas: Count = 1
    """Number of pods."""


def apply(context: RenderContext, parameters: ScalerParameters, rendering: Rendering) -> Rendering:
    """Set `spec.replicas`; raises RenderError where the workload has no such field."""
    return scaled(context, rendering, parameters.replicas)


SCALER = Trait(
    name="scaler",
    title="How many pods a component has",
    parameters=ScalerParameters,
    apply=apply,
    examples=({"replicas": 3},),
)
