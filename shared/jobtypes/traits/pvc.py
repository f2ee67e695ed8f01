"""`pvc`, in KubeVela's older notation: one PersistentVolumeClaim, at several places of the pod."""

from dataclasses import replace
from typing import Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from shared.contracts.plan import ApplyMode
from shared.jobtypes.base import DeclaredObject, Parameters, RenderContext, Rendering, Trait
from shared.jobtypes.claims import ClaimFields, ClaimResources, new_claim
from shared.jobtypes.declared import declared_once
from shared.jobtypes.fields import AccessModes, NodePath, NonEmpty, ObjectName, VolumeName
from shared.jobtypes.podpatch import PodSpec, add_device, add_mount, add_volume, patched_pod


class VolumePlace(Parameters):
    """Where the claim appears."""

    name: VolumeName
    """Name of the volume within the pod."""
    mountPath: NonEmpty | None = None
    """Path within the first container; a file system needs it."""
    devicePath: NodePath | None = None
    """Path of the device within the first container; a block device needs it."""


class PvcParameters(ClaimFields):
    """A volume that outlives the application.

    It is created if it is not there; one that is there is never touched.
    """

    claimName: ObjectName
    """Name of the PersistentVolumeClaim."""
    accessModes: AccessModes
    """How many nodes and pods may use it."""
    resources: ClaimResources
    """Size."""
    volumesToMount: list[VolumePlace]
    """Where the claim appears."""

    @model_validator(mode="after")
    def _places_of_its_mode(self) -> Self:
        needed = "devicePath" if self.volumeMode == "Block" else "mountPath"
        if any(getattr(place, needed) is None for place in self.volumesToMount):
            message = "each of volumesToMount needs {field}, as volumeMode is {mode}"
            raise PydanticCustomError("missing", message, {"field": needed, "mode": self.volumeMode})
        return self


def apply(context: RenderContext, parameters: PvcParameters, rendering: Rendering) -> Rendering:
    """Declare the claim and show it in the first container; raises RenderError where names or paths clash."""

    def patch(pod: PodSpec) -> None:
        for index, place in enumerate(parameters.volumesToMount):
            path = f"volumesToMount[{index}]"
            volume = {"name": place.name, "persistentVolumeClaim": {"claimName": parameters.claimName}}
            add_volume(pod, volume, f"{path}.name")
            if parameters.volumeMode == "Block":
                device = {"name": place.name, "devicePath": place.devicePath}
                add_device(pod["containers"][0], device, f"{path}.devicePath")
            else:
                mount = {"name": place.name, "mountPath": place.mountPath}
                add_mount(pod["containers"][0], mount, f"{path}.mountPath")

    patched = patched_pod(rendering, patch)
    declared = DeclaredObject(
        kind_token="pvc",  # noqa: S106 - a kind
        manifest=new_claim(context, parameters.claimName, parameters),
        mode=ApplyMode.CREATE,
        path=f"{context.path}.properties",
        volume=True,
    )
    return replace(patched, declared=declared_once(rendering.declared, [declared]))


PVC = Trait(
    name="pvc",
    title="A PersistentVolumeClaim that is mounted",
    parameters=PvcParameters,
    apply=apply,
    kinds=frozenset({"v1/PersistentVolumeClaim"}),
    successor="storage",
    examples=(
        {
            "claimName": "uploads",
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "5Gi"}},
            "volumesToMount": [{"name": "uploads", "mountPath": "/srv/uploads"}],
        },
    ),
)
