"""PersistentVolumeClaims: what parameters say of them."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from shared.contracts.plan import Manifest
from shared.jobtypes.base import Parameters, RenderContext
from shared.jobtypes.fields import AccessModes, LabelKey, Labels, LabelValue, Size, StorageClass
from shared.jobtypes.objects import new_object, present
from shared.jobtypes.selectors import check_values

_DEFAULT_SIZE = "8Gi"


class StorageAmount(Parameters):
    """An amount of storage."""

    storage: Size
    """Size, such as `8Gi`."""


class ClaimResources(Parameters):
    """How large a volume is."""

    requests: StorageAmount
    """At least this much."""
    limits: StorageAmount | None = None
    """At most this much."""


class DataSource(Parameters):
    """What a new volume is filled from."""

    name: str
    """Name of the snapshot or claim."""
    kind: str
    """Its kind, such as `VolumeSnapshot`."""
    apiGroup: str
    """Its API group, such as `snapshot.storage.k8s.io`."""


class LabelRequirement(Parameters):
    """A condition on a label."""

    key: LabelKey
    """Name of the label."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"]
    """`In`, `NotIn`, `Exists` or `DoesNotExist`."""
    values: list[LabelValue] | None = None
    """Values for `In` and `NotIn`."""

    @model_validator(mode="after")
    def _values_of_its_operator(self) -> Self:
        check_values(self.operator, self.values)
        return self


class VolumeSelector(Parameters):
    """Selects PersistentVolumes by their labels."""

    matchLabels: Labels | None = None
    """Labels with their values."""
    matchExpressions: list[LabelRequirement] | LabelRequirement | None = None
    """Conditions on labels; KubeVela takes a single one, which is allowed here as well."""


class ClaimFields(Parameters):
    """A volume that outlives the application."""

    volumeMode: Literal["Filesystem", "Block"] = "Filesystem"
    """A file system to mount or a raw block device."""
    volumeName: str | None = None
    """Name of the PersistentVolume to bind to."""
    accessModes: AccessModes = Field(default=["ReadWriteOnce"])
    """How many nodes and pods may use it."""
    storageClassName: StorageClass | None = None
    """Class of the volume; the cluster's default if left out, none if empty."""
    resources: ClaimResources | None = None
    """Size; 8Gi if left out."""
    dataSource: DataSource | None = None
    """A snapshot or claim to fill it from."""
    dataSourceRef: DataSource | None = None
    """Any object to fill it from."""
    selector: VolumeSelector | None = None
    """PersistentVolumes to choose from. KubeVela writes it to `dataSource`."""


def new_claim(context: RenderContext, name: str, claim: ClaimFields) -> Manifest:
    """Render a PersistentVolumeClaim."""
    manifest = new_object(context, "v1", "PersistentVolumeClaim", name)
    manifest["spec"] = claim_spec(claim)
    return manifest


def claim_spec(claim: ClaimFields) -> dict[str, Any]:
    """Render what the claim asks for."""
    resources = {"requests": {"storage": _DEFAULT_SIZE}} if claim.resources is None else _written(claim.resources)
    return present(
        accessModes=claim.accessModes,
        volumeMode=claim.volumeMode,
        volumeName=claim.volumeName,
        storageClassName=claim.storageClassName,
        resources=resources,
        dataSource=_written(claim.dataSource),
        dataSourceRef=_written(claim.dataSourceRef),
        selector=_selector(claim.selector),
    )


def _selector(selector: VolumeSelector | None) -> dict[str, Any] | None:
    written = _written(selector)
    if written is not None and isinstance(written.get("matchExpressions"), dict):
        written["matchExpressions"] = [written["matchExpressions"]]
    return written


def _written(parameters: Parameters | None) -> dict[str, Any] | None:
    return None if parameters is None else parameters.model_dump(exclude_none=True)
