"""`env`: environment variables of one container or several."""

from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from shared.jobtypes.base import RenderContext, Rendering, Trait
from shared.jobtypes.fields import NonEmpty
from shared.jobtypes.objects import entries
from shared.jobtypes.podpatch import Container, PodSpec, container_named, patched_pod, set_variable
from shared.jobtypes.probes import Closed


class ContainerEnv(Closed):
    """Variables of one container."""

    containerName: NonEmpty
    """Name of the container."""
    env: dict[str, str]
    """Variables by name; one that is there already gets the new value and loses its `valueFrom`."""
    replace: bool = False
    """Drop all variables that are not listed here."""
    unset: list[str] | None = None
    """Names of variables to remove, also from `env`."""


class EnvParameters(Closed):
    """Variables of one container, or of several in `containers`."""

    containerName: NonEmpty | None = None
    """Name of the container; the component's name if left out."""
    env: dict[str, str] | None = None
    """Variables by name; one that is there already gets the new value and loses its `valueFrom`."""
    replace: bool = False
    """Drop all variables that are not listed here."""
    unset: list[str] | None = None
    """Names of variables to remove, also from `env`."""
    containers: list[ContainerEnv] | None = None
    """The same for several containers, instead of the fields above."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        flat = self.model_fields_set - {"containers"}
        if self.containers is None and self.env is None:
            raise PydanticCustomError("missing", "env or containers is needed")
        if self.containers is not None and flat:
            raise PydanticCustomError(
                "two_forms", "beside containers there can be no {fields}", {"fields": ", ".join(sorted(flat))}
            )
        return self


def apply(context: RenderContext, parameters: EnvParameters, rendering: Rendering) -> Rendering:
    """Set and remove variables; raises RenderError for an unknown container."""

    def patch(pod: PodSpec) -> None:
        if parameters.containers is None:
            name = parameters.containerName or context.component
            container = container_named(pod, name, "containerName")
            _set(container, parameters.env or {}, parameters.unset or [], replace=parameters.replace)
        for index, each in enumerate(parameters.containers or ()):
            container = container_named(pod, each.containerName, f"containers[{index}].containerName")
            _set(container, each.env, each.unset or [], replace=each.replace)

    return patched_pod(rendering, patch)


def _set(container: Container, env: dict[str, str], unset: list[str], *, replace: bool) -> None:
    kept = [] if replace else [v for v in entries(container, "env") if v.get("name") not in unset]
    container["env"] = kept
    for name, value in env.items():
        if name not in unset:
            set_variable(container, {"name": name, "value": value})


ENV = Trait(name="env", title="Environment variables", parameters=EnvParameters, apply=apply)
