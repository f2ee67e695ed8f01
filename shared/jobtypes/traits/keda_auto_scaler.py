"""`keda-auto-scaler`: a ScaledObject of KEDA, which scales by events.

Source: https://keda.sh/docs/latest/reference/scaledobject-spec/
"""

from typing import Any, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from shared.jobtypes.base import Parameters, RenderContext, Rendering, Trait
from shared.jobtypes.fields import NonEmpty
from shared.jobtypes.objects import new_object, present
from shared.jobtypes.scaling import autoscaled, target


class Trigger(Parameters):
    """What the component is scaled by; keys that are not listed here are passed on to KEDA as they are."""

    model_config = ConfigDict(extra="allow")

    type: NonEmpty
    """Kind of the trigger, such as `cron`, `cpu`, `prometheus`."""
    metadata: dict[str, Any]
    """What that kind needs; KEDA takes texts only."""


class ScaleTarget(Parameters):
    """What is scaled."""

    apiVersion: str | None = None
    """Version of the workload; unlike in KubeVela (`apps/v1`) it is known if left out, and has to be true."""
    kind: str | None = None
    """Kind of the workload; unlike in KubeVela (`Deployment`) it is known if left out, and has to be true."""
    envSourceContainerName: str = ""
    """Container whose variables triggers may name; the first if left out."""
    name: str | None = None
    """Name of the workload; known if left out, and has to be true."""


class Fallback(Parameters):
    """What happens while a trigger cannot be asked."""

    failureThreshold: int = Field(default=3, ge=0)
    """Failures in a row until then."""
    replicas: int | None = Field(default=None, ge=0)
    """Number of pods; `minReplicaCount` if left out."""


class KedaParameters(Parameters):
    """Scales a component by events, down to no pod at all; the cluster needs KEDA.

    The number of replicas is then the autoscaler's. KubeVela always writes `idleReplicaCount: 0`, `fallback` and empty
    keys; KEDA refuses a fallback for CPU and memory triggers, so both are written here only where they are given.
    """

    triggers: list[Trigger] = Field(min_length=1)
    """What the component is scaled by."""
    scaleTargetRef: ScaleTarget = Field(default_factory=ScaleTarget)
    """What is scaled; all of it is known if left out."""
    pollingInterval: int = Field(default=30, ge=1)
    """Seconds from one look at the triggers to the next."""
    cooldownPeriod: int = Field(default=60, ge=0)
    """Seconds after the last active trigger until the component is scaled to `idleReplicaCount` or to none."""
    idleReplicaCount: int | None = Field(default=None, ge=0)
    """Number of pods while no trigger is active; less than `minReplicaCount`."""
    minReplicaCount: int = Field(default=1, ge=0)
    """Fewest pods."""
    maxReplicaCount: int = Field(default=100, ge=1)
    """Most pods."""
    fallback: Fallback | None = None
    """What happens while a trigger cannot be asked."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.minReplicaCount > self.maxReplicaCount:
            raise PydanticCustomError("range", "minReplicaCount must not be greater than maxReplicaCount")
        if self.idleReplicaCount is not None and self.idleReplicaCount >= self.minReplicaCount:
            raise PydanticCustomError("range", "idleReplicaCount must be less than minReplicaCount")
        return self


def apply(context: RenderContext, parameters: KedaParameters, rendering: Rendering) -> Rendering:
    """Add a ScaledObject of the component's name.

    Raises RenderError where the workload cannot be scaled, is another than the parameters say or is autoscaled already.
    """
    wanted = parameters.scaleTargetRef
    reference = target(
        rendering,
        apiVersion=("scaleTargetRef.apiVersion", wanted.apiVersion),
        kind=("scaleTargetRef.kind", wanted.kind),
        name=("scaleTargetRef.name", wanted.name),
    )
    fallback = parameters.fallback and {
        "failureThreshold": parameters.fallback.failureThreshold,
        "replicas": parameters.minReplicaCount
        if parameters.fallback.replicas is None
        else parameters.fallback.replicas,
    }
    scaled_object = new_object(context, "keda.sh/v1alpha1", "ScaledObject")
    scaled_object["spec"] = present(
        scaleTargetRef=present(**reference, envSourceContainerName=wanted.envSourceContainerName or None),
        pollingInterval=parameters.pollingInterval,
        cooldownPeriod=parameters.cooldownPeriod,
        idleReplicaCount=parameters.idleReplicaCount,
        minReplicaCount=parameters.minReplicaCount,
        maxReplicaCount=parameters.maxReplicaCount,
        fallback=fallback,
        triggers=[trigger.model_dump(mode="json") for trigger in parameters.triggers],
    )
    return autoscaled(context, rendering, scaled_object)


KEDA_AUTO_SCALER = Trait(
    name="keda-auto-scaler",
    title="Scales a component by events (ScaledObject of KEDA)",
    parameters=KedaParameters,
    apply=apply,
    kinds=frozenset({"keda.sh/v1alpha1/ScaledObject"}),
    examples=(
        {
            "minReplicaCount": 1,
            "maxReplicaCount": 20,
            "triggers": [
                {
                    "type": "cron",
                    "metadata": {
                        "timezone": "Europe/Berlin",
                        "start": "0 8 * * *",
                        "end": "0 18 * * *",
                        "desiredReplicas": "10",
                    },
                }
            ],
        },
    ),
)
