"""`volumes`, in KubeVela's older notation: volumes of the pods, without mounts."""

from pydantic import Field

from shared.jobtypes.base import Parameters, RenderContext, Rendering, Trait
from shared.jobtypes.podpatch import PodSpec, add_volume, patched_pod
from shared.jobtypes.volumes import PodVolume, volume_source


class VolumesParameters(Parameters):
    """Volumes of the pods; something else mounts them."""

    volumes: list[PodVolume] = Field(default_factory=list)
    """The volumes. Unlike in KubeVela two that differ cannot have one name."""


def apply(_context: RenderContext, parameters: VolumesParameters, rendering: Rendering) -> Rendering:
    """Add the volumes; raises RenderError where another one has the name."""

    def patch(pod: PodSpec) -> None:
        for index, volume in enumerate(parameters.volumes):
            add_volume(pod, volume_source(volume), f"volumes[{index}].name")

    return patched_pod(rendering, patch)


VOLUMES = Trait(
    name="volumes",
    title="Volumes of the pods, without mounts",
    parameters=VolumesParameters,
    apply=apply,
    successor="storage",
    examples=({"volumes": [{"name": "scratch", "type": "emptyDir"}]},),
)
