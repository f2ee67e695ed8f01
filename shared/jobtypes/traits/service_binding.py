"""`service-binding`, in KubeVela's older notation: environment variables from Secrets."""

from shared.jobtypes.base import Parameters, RenderContext, Rendering, Trait
from shared.jobtypes.fields import DataKey, ObjectName, VariableName
from shared.jobtypes.podpatch import PodSpec, container_named, patched_pod, set_variable
from shared.jobtypes.probes import Closed


class KeySecret(Closed):
    """A key of a Secret; unknown keys are an error, as in KubeVela."""

    secret: ObjectName
    """Name of the Secret."""
    key: DataKey | None = None
    """Key in its data; the variable's name if left out."""


class ServiceBindingParameters(Parameters):
    """Environment variables of the component's container from Secrets.

    A variable that is there already is replaced whole: in KubeVela it would get a `value` and a `valueFrom`.
    """

    envMappings: dict[VariableName, KeySecret]
    """Secrets by name of the variable."""


def apply(context: RenderContext, parameters: ServiceBindingParameters, rendering: Rendering) -> Rendering:
    """Set the variables; raises RenderError where no container bears the component's name."""

    def patch(pod: PodSpec) -> None:
        container = container_named(pod, context.component, "")
        for name, source in parameters.envMappings.items():
            reference = {"name": source.secret, "key": source.key or name}
            set_variable(container, {"name": name, "valueFrom": {"secretKeyRef": reference}})

    return patched_pod(rendering, patch)


SERVICE_BINDING = Trait(
    name="service-binding",
    title="Environment variables from Secrets",
    parameters=ServiceBindingParameters,
    apply=apply,
    successor="storage (`secret` with `mountToEnv`)",
    examples=({"envMappings": {"DB_PASSWORD": {"secret": "shop-db", "key": "password"}}},),
)
