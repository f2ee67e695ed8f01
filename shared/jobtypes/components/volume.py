"""`volume`: a PersistentVolumeClaim of its own."""

from typing import Literal

from pydantic import Field

from shared.jobtypes.base import JobType, Parameters, RenderContext, Rendering
from shared.jobtypes.declared import nothing_but
from shared.jobtypes.fields import AccessModes, Annotations, Labels, NonEmpty, ObjectName, Size, StorageClass
from shared.jobtypes.objects import new_object, present
from shared.jobtypes.rules import rule_for


class VolumeParameters(Parameters):
    """A volume that others mount by the claim's name, and that outlives the application."""

    name: ObjectName | None = None
    """Name of the PersistentVolumeClaim; the component's if left out."""
    size: Size = "8Gi"
    """At least this much."""
    storageClassName: StorageClass | None = None
    """Class of the volume; the cluster's default if left out, none if empty."""
    accessModes: AccessModes = Field(default=["ReadWriteOnce"])
    """How many nodes and pods may use it."""
    volumeMode: Literal["Filesystem", "Block"] = "Filesystem"
    """A file system to mount or a raw block device."""
    volumeName: NonEmpty | None = None
    """Name of the PersistentVolume to bind to."""
    labels: Labels | None = None
    """Labels of the PersistentVolumeClaim."""
    annotations: Annotations | None = None
    """Annotations of the PersistentVolumeClaim."""


def render(context: RenderContext, parameters: VolumeParameters) -> Rendering:
    """Render a PersistentVolumeClaim.

    It is created if it is not there; one that is there is neither changed nor resized.
    """
    manifest = new_object(context, "v1", "PersistentVolumeClaim", parameters.name or "")
    manifest["metadata"] |= present(labels=parameters.labels, annotations=parameters.annotations)
    manifest["spec"] = present(
        accessModes=parameters.accessModes,
        volumeMode=parameters.volumeMode,
        volumeName=parameters.volumeName,
        storageClassName=parameters.storageClassName,
        resources={"requests": {"storage": parameters.size}},
    )
    return nothing_but(context, manifest)


VOLUME = JobType(
    name="volume",
    title="A volume that others mount, and that outlives the application (PersistentVolumeClaim)",
    parameters=VolumeParameters,
    render=render,
    kinds=frozenset({"v1/PersistentVolumeClaim"}),
    completion=rule_for,
    examples=({"size": "20Gi", "accessModes": ["ReadWriteMany"]},),
)
