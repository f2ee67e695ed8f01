"""`env`: environment variables of one container or several."""

from typing import ClassVar

from shared.jobtypes.base import RenderContext, Rendering, Trait
from shared.jobtypes.fields import NonEmpty, VariableName
from shared.jobtypes.objects import entries
from shared.jobtypes.per_container import OfContainer, OneOrSeveral, patched_containers
from shared.jobtypes.podpatch import Container, set_variable


class EnvFields(OfContainer):
    """Variables of one container."""

    env: dict[VariableName, str] | None = None
    """Variables by name; one that is there already gets the new value and loses its `valueFrom`."""
    replace: bool = False
    """Drop all variables that are not listed here."""
    unset: list[str] | None = None
    """Names of variables to remove, also from `env`."""


class ContainerEnv(EnvFields):
    """Variables of one container."""

    containerName: NonEmpty
    """Name of the container."""
    env: dict[VariableName, str]
    """Variables by name; one that is there already gets the new value and loses its `valueFrom`."""


class EnvParameters(EnvFields, OneOrSeveral):
    """Variables of one container, or of several in `containers`."""

    needed: ClassVar[tuple[str, ...]] = ("env",)

    containers: list[ContainerEnv] | None = None
    """The same for several containers, instead of the other fields."""


def apply(context: RenderContext, parameters: EnvParameters, rendering: Rendering) -> Rendering:
    """Set and remove variables; raises RenderError for an unknown container."""
    return patched_containers(context, rendering, parameters, parameters.containers, _set)


def _set(container: Container, wanted: EnvFields, _prefix: str) -> None:
    unset = wanted.unset or []
    kept = [] if wanted.replace else [v for v in entries(container, "env") if v.get("name") not in unset]
    container["env"] = kept
    for name, value in (wanted.env or {}).items():
        if name not in unset:
            set_variable(container, {"name": name, "value": value})


ENV = Trait(
    name="env",
    title="Environment variables",
    parameters=EnvParameters,
    apply=apply,
    examples=({"env": {"LOG_LEVEL": "debug"}, "unset": ["LEGACY_MODE"]},),
)
