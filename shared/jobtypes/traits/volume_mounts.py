"""`volume-mounts`, an extension of ours: volumes in any container, by name."""

from typing import Any

from pydantic import Field

from shared.jobtypes.base import Parameters, RenderContext, Rendering, Trait
from shared.jobtypes.fields import NonEmpty, SubPath, VolumeName
from shared.jobtypes.objects import present
from shared.jobtypes.podpatch import PodSpec, add_mount, add_volume, container_named, patched_pod
from shared.jobtypes.volumes import PodVolume, volume_source


class NamedMount(Parameters):
    """Where a volume appears."""

    containerName: str = ""
    """Name of the container, which may be an init container; the component's name if left out."""
    name: VolumeName
    """Name of the volume: one of `volumes`, or one that the component or another trait brings."""
    mountPath: NonEmpty
    """Path within the container."""
    subPath: SubPath | None = None
    """Path within the volume; its root if left out."""
    readOnly: bool = False
    """Mount it read-only."""


class VolumeMountsParameters(Parameters):
    """Volumes of the pods and where they appear: one volume may be in several containers and at several places.

    Nothing is created, what is named has to be there.
    """

    volumes: list[PodVolume] = Field(default_factory=list)
    """The volumes."""
    mounts: list[NamedMount] = Field(default_factory=list)
    """Where they appear."""


def apply(context: RenderContext, parameters: VolumeMountsParameters, rendering: Rendering) -> Rendering:
    """Add volumes and mounts; raises RenderError where names or paths clash."""

    def patch(pod: PodSpec) -> None:
        for index, volume in enumerate(parameters.volumes):
            add_volume(pod, volume_source(volume), f"volumes[{index}].name")
        for index, mount in enumerate(parameters.mounts):
            path = f"mounts[{index}]"
            name = mount.containerName or context.component
            container = container_named(pod, name, f"{path}.containerName", init=True)
            add_mount(container, mount_of(mount), f"{path}.mountPath")

    return patched_pod(rendering, patch)


def mount_of(mount: NamedMount) -> dict[str, Any]:
    """Render a mount."""
    return present(name=mount.name, mountPath=mount.mountPath, subPath=mount.subPath, readOnly=mount.readOnly or None)


VOLUME_MOUNTS = Trait(
    name="volume-mounts",
    title="Volumes in any container, by name",
    parameters=VolumeMountsParameters,
    apply=apply,
    examples=(
        {
            "volumes": [{"name": "uploads", "type": "pvc", "claimName": "uploads"}],
            "mounts": [{"name": "uploads", "mountPath": "/srv/uploads", "readOnly": True}],
        },
    ),
)
