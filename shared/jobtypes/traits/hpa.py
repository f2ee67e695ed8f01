"""`hpa`: a HorizontalPodAutoscaler by CPU, memory and metrics of the pods."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from shared.jobtypes.base import Parameters, RenderContext, Rendering, Trait
from shared.jobtypes.fields import Positive, Quantity, SegmentName
from shared.jobtypes.objects import new_object
from shared.jobtypes.scaling import autoscaled, target


class ResourceTarget(Parameters):
    """How much of a resource the pods are to use on average."""

    type: Literal["Utilization", "AverageValue"] = "Utilization"
    """`Utilization` in percent of the request, or `AverageValue` for each pod."""
    value: Positive = 50
    """Percent; as AverageValue CPUs or bytes."""


class PodMetric(Parameters):
    """A metric that the pods report."""

    name: SegmentName
    """Name of the metric."""
    value: Quantity
    """Wanted average of a pod."""


class Replicas(Parameters):
    """Bounds of the number of pods, and what is scaled."""

    min: Positive = 1
    """Fewest pods."""
    max: Positive = 10
    """Most pods."""
    targetAPIVersion: str | None = None
    """Version of the workload; unlike in KubeVela (`apps/v1`) it is known if left out, and has to be true."""
    targetKind: str | None = None
    """Kind of the workload; unlike in KubeVela (`Deployment`) it is known if left out, and has to be true."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min > self.max:
            raise PydanticCustomError("range", "min must not be greater than max")
        return self


class HpaParameters(Replicas):
    """Scales a component by what its pods use.

    The number of replicas is then the autoscaler's: unlike in KubeVela no apply-once policy is needed for that.
    """

    cpu: ResourceTarget = Field(default_factory=ResourceTarget)
    """By CPU: always, 50 % if left out."""
    mem: ResourceTarget | None = None
    """By memory."""
    podCustomMetrics: list[PodMetric] | None = None
    """By metrics that the pods report."""


def apply(context: RenderContext, parameters: HpaParameters, rendering: Rendering) -> Rendering:
    """Add a HorizontalPodAutoscaler of the component's name.

    Raises RenderError where the workload cannot be scaled, is another than the parameters say or is autoscaled already.
    """
    metrics = [resource_metric("cpu", parameters.cpu)]
    if parameters.mem is not None:
        metrics.append(resource_metric("memory", parameters.mem))
    for metric in parameters.podCustomMetrics or ():
        average = {"type": "AverageValue", "averageValue": metric.value}
        metrics.append({"type": "Pods", "pods": {"metric": {"name": metric.name}, "target": average}})
    return autoscaled_by(context, parameters, rendering, metrics)


def autoscaled_by(
    context: RenderContext, parameters: Replicas, rendering: Rendering, metrics: list[dict[str, Any]]
) -> Rendering:
    """Add a HorizontalPodAutoscaler by these metrics."""
    autoscaler = new_object(context, "autoscaling/v2", "HorizontalPodAutoscaler")
    autoscaler["spec"] = {
        "scaleTargetRef": target(
            rendering,
            apiVersion=("targetAPIVersion", parameters.targetAPIVersion),
            kind=("targetKind", parameters.targetKind),
        ),
        "minReplicas": parameters.min,
        "maxReplicas": parameters.max,
        "metrics": metrics,
    }
    return autoscaled(context, rendering, autoscaler)


def resource_metric(name: str, wanted: ResourceTarget) -> dict[str, Any]:
    """Render a metric of the pods' CPU or memory."""
    amount: dict[str, Any] = (
        {"averageUtilization": wanted.value} if wanted.type == "Utilization" else {"averageValue": str(wanted.value)}
    )
    return {"type": "Resource", "resource": {"name": name, "target": {"type": wanted.type, **amount}}}


HPA = Trait(
    name="hpa",
    title="Scales a component by CPU, memory and metrics of its pods (HorizontalPodAutoscaler)",
    parameters=HpaParameters,
    apply=apply,
    kinds=frozenset({"autoscaling/v2/HorizontalPodAutoscaler"}),
    examples=(
        {
            "min": 2,
            "max": 10,
            "cpu": {"type": "Utilization", "value": 70},
            "mem": {"type": "Utilization", "value": 80},
        },
    ),
)
