"""`container-resources`, an extension of ours: any resources of any container, such as GPUs."""

from pydantic import Field

from shared.jobtypes.base import RenderContext, Rendering, Trait
from shared.jobtypes.fields import NonEmpty, Quantity, ResourceName
from shared.jobtypes.objects import mapping
from shared.jobtypes.per_container import OfContainer, OneOrSeveral, patched_containers
from shared.jobtypes.podpatch import Container


class ResourcesFields(OfContainer):
    """Resources of one container, which may be an init container."""

    requests: dict[ResourceName, Quantity] = Field(default_factory=dict)
    """What is reserved, by name of the resource; other resources stay."""
    limits: dict[ResourceName, Quantity] = Field(default_factory=dict)
    """What may be used, by name of the resource, such as `nvidia.com/gpu`; other resources stay."""


class ContainerResources(ResourcesFields):
    """Resources of one container."""

    containerName: NonEmpty
    """Name of the container."""


class ContainerResourcesParameters(ResourcesFields, OneOrSeveral):
    """Resources of one container, or of several in `containers`, instead of present amounts."""

    containers: list[ContainerResources] | None = None
    """The same for several containers, instead of the other fields."""


def apply(context: RenderContext, parameters: ContainerResourcesParameters, rendering: Rendering) -> Rendering:
    """Set the amounts; raises RenderError for an unknown container."""
    return patched_containers(context, rendering, parameters, parameters.containers, _set, init=True)


def _set(container: Container, wanted: ResourcesFields, _prefix: str) -> None:
    resources = dict(mapping(container, "resources"))
    for field, amounts in (("requests", wanted.requests), ("limits", wanted.limits)):
        if amounts:
            resources[field] = {**mapping(resources, field), **amounts}
    if resources:
        container["resources"] = resources


CONTAINER_RESOURCES = Trait(
    name="container-resources",
    title="Any resources of any container, such as GPUs",
    parameters=ContainerResourcesParameters,
    apply=apply,
    examples=({"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"memory": "512Mi", "nvidia.com/gpu": "1"}},),
)
