"""`env-from`, an extension of ours: all keys of ConfigMaps and Secrets as environment variables."""

from typing import ClassVar, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from shared.jobtypes.base import Parameters, RenderContext, Rendering, Trait
from shared.jobtypes.fields import NonEmpty, ObjectName, VariablePrefix
from shared.jobtypes.objects import entries
from shared.jobtypes.per_container import OfContainer, OneOrSeveral, patched_containers
from shared.jobtypes.podpatch import Container


class SourceReference(Parameters):
    """A ConfigMap or Secret."""

    name: ObjectName
    """Name of the object."""
    optional: bool | None = None
    """Whether it may be missing."""


class EnvFromSource(Parameters):
    """Either a ConfigMap or a Secret."""

    prefix: VariablePrefix | None = None
    """Put before each key."""
    configMapRef: SourceReference | None = None
    """The ConfigMap."""
    secretRef: SourceReference | None = None
    """The Secret."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.configMapRef is None) == (self.secretRef is None):
            raise PydanticCustomError("two_forms", "a source is either configMapRef or secretRef")
        return self


class EnvFromFields(OfContainer):
    """Sources of one container, which may be an init container."""

    envFrom: list[EnvFromSource] = Field(default_factory=list)
    """The sources, in Kubernetes' form; of two with one key the later counts."""


class ContainerEnvFrom(EnvFromFields):
    """Sources of one container."""

    containerName: NonEmpty
    """Name of the container."""


class EnvFromParameters(EnvFromFields, OneOrSeveral):
    """All keys of ConfigMaps and Secrets as variables of one container, or of several in `containers`."""

    needed: ClassVar[tuple[str, ...]] = ("envFrom",)

    containers: list[ContainerEnvFrom] | None = None
    """The same for several containers, instead of the other fields."""


def apply(context: RenderContext, parameters: EnvFromParameters, rendering: Rendering) -> Rendering:
    """Add the sources; raises RenderError for an unknown container."""
    return patched_containers(context, rendering, parameters, parameters.containers, _add, init=True)


def _add(container: Container, wanted: EnvFromFields, _prefix: str) -> None:
    known = entries(container, "envFrom")
    added = [source.model_dump(mode="json", exclude_none=True) for source in wanted.envFrom]
    container["envFrom"] = [*known, *(source for source in added if source not in known)]


ENV_FROM = Trait(
    name="env-from",
    title="All keys of ConfigMaps and Secrets as environment variables",
    parameters=EnvFromParameters,
    apply=apply,
    examples=(
        {
            "envFrom": [
                {"configMapRef": {"name": "shop-settings"}},
                {"prefix": "DB_", "secretRef": {"name": "shop-db", "optional": True}},
            ]
        },
    ),
)
