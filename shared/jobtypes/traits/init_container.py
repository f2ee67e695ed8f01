"""`init-container`: a container that runs before the component's, with a directory that both share."""

from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from shared.jobtypes.base import Parameters, RenderContext, Rendering, Trait
from shared.jobtypes.fields import ContainerName, NonEmpty, PullPolicy, VolumeName
from shared.jobtypes.objects import present
from shared.jobtypes.podpatch import (
    Container,
    PodSpec,
    add_container,
    add_mount,
    add_volume,
    container_named,
    patched_pod,
)
from shared.jobtypes.pods import EnvVar, rendered_env


class ExtraMount(Parameters):
    """A volume of the pod to mount."""

    name: VolumeName
    """Name of the volume; another trait or the component brings it."""
    mountPath: NonEmpty
    """Path within the init container."""


class InitContainerParameters(Parameters):
    """A container that runs to completion before the component's own starts.

    Unlike in KubeVela, which needs both mount paths, there is no shared volume where both are left out.
    """

    name: ContainerName
    """Name of the container."""
    image: NonEmpty
    """Image of the container."""
    imagePullPolicy: PullPolicy = "IfNotPresent"
    """When the image is pulled."""
    cmd: list[str] | None = None
    """Command to run instead of the image's entrypoint."""
    args: list[str] | None = None
    """Arguments of the command."""
    env: list[EnvVar] | None = None
    """Environment variables; of two with one name the later counts."""
    mountName: VolumeName = "workdir"
    """Name of the shared volume, an empty directory."""
    appMountPath: NonEmpty | None = None
    """Where the component's container has the shared volume."""
    initMountPath: NonEmpty | None = None
    """Where the init container has the shared volume."""
    extraVolumeMounts: list[ExtraMount] | None = None
    """Further volumes of the pod to mount in the init container."""

    @model_validator(mode="after")
    def _both_paths(self) -> Self:
        if (self.appMountPath is None) != (self.initMountPath is None):
            raise PydanticCustomError("missing", "the shared volume needs both appMountPath and initMountPath")
        return self


def apply(context: RenderContext, parameters: InitContainerParameters, rendering: Rendering) -> Rendering:
    """Add container, volume and mounts; raises RenderError where one of them clashes with what is there."""
    container: Container = present(
        name=parameters.name,
        image=parameters.image,
        imagePullPolicy=parameters.imagePullPolicy,
        command=parameters.cmd,
        args=parameters.args,
        env=rendered_env(parameters.env),
    )
    shares = parameters.initMountPath is not None
    if shares:
        add_mount(container, {"name": parameters.mountName, "mountPath": parameters.initMountPath}, "initMountPath")
    for index, extra in enumerate(parameters.extraVolumeMounts or ()):
        mount = {"name": extra.name, "mountPath": extra.mountPath}
        add_mount(container, mount, f"extraVolumeMounts[{index}].mountPath")

    def patch(pod: PodSpec) -> None:
        if shares:
            add_volume(pod, {"name": parameters.mountName, "emptyDir": {}}, "mountName")
        add_container(pod, container, field="initContainers", path="name")
        if not shares:
            return
        shared = {"name": parameters.mountName, "mountPath": parameters.appMountPath}
        add_mount(container_named(pod, context.component, ""), shared, "appMountPath")

    return patched_pod(rendering, patch)


INIT_CONTAINER = Trait(
    name="init-container",
    title="A container that runs first, with a directory that both share",
    parameters=InitContainerParameters,
    apply=apply,
    examples=(
        {
            "name": "fetch",
            "image": "registry.example/fetch:2",
            "args": ["--into", "/work"],
            "appMountPath": "/srv/pages",
            "initMountPath": "/work",
        },
    ),
)
