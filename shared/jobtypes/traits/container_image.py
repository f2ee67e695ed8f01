"""`container-image`: the images of containers."""

from typing import ClassVar, Literal

from shared.jobtypes.base import RenderContext, Rendering, Trait
from shared.jobtypes.fields import NonEmpty
from shared.jobtypes.per_container import OfContainer, OneOrSeveral, patched_containers
from shared.jobtypes.podpatch import Container


class ImageFields(OfContainer):
    """Image of one container."""

    image: NonEmpty | None = None
    """Image of the container, instead of the present one."""
    imagePullPolicy: Literal["", "IfNotPresent", "Always", "Never"] = ""
    """When the image is pulled; what is there stays if left out."""


class ContainerImage(ImageFields):
    """Image of one container."""

    containerName: NonEmpty
    """Name of the container."""
    image: NonEmpty
    """Image of the container, instead of the present one."""


class ContainerImageParameters(ImageFields, OneOrSeveral):
    """Image of one container, or of several in `containers`."""

    needed: ClassVar[tuple[str, ...]] = ("image",)

    containers: list[ContainerImage] | None = None
    """The same for several containers, instead of the other fields."""


def apply(context: RenderContext, parameters: ContainerImageParameters, rendering: Rendering) -> Rendering:
    """Replace images; raises RenderError for an unknown container."""
    return patched_containers(context, rendering, parameters, parameters.containers, _set)


def _set(container: Container, wanted: ImageFields, _prefix: str) -> None:
    container["image"] = wanted.image
    if wanted.imagePullPolicy:
        container["imagePullPolicy"] = wanted.imagePullPolicy


CONTAINER_IMAGE = Trait(
    name="container-image",
    title="The images of containers",
    parameters=ContainerImageParameters,
    apply=apply,
    examples=({"image": "registry.example/shop:1.5", "imagePullPolicy": "IfNotPresent"},),
)
