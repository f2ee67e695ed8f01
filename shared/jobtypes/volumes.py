"""Volumes and their mounts, as the built-in components declare them."""

from typing import Annotated, Any, Literal, NamedTuple, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from shared.jobtypes.base import Parameters
from shared.jobtypes.fields import FileMode, FilePath, NodePath, NoEffect, NonEmpty, SubPath, VolumeName
from shared.jobtypes.objects import present


class KeyToPath(Parameters):
    """One key of a ConfigMap or Secret as a file."""

    key: NonEmpty
    """Key in `data`."""
    path: FilePath
    """File relative to the mount path."""
    mode: FileMode = 0o777
    """Permission bits of the file."""


class Files(Parameters):
    """The files that a ConfigMap or Secret shows as a volume."""

    defaultMode: FileMode = 0o644
    """Permission bits of files that have no own mode."""
    items: list[KeyToPath] | None = None
    """The keys to show; all of them if left out."""


class Mount(Parameters):
    """Where a volume appears in the container."""

    name: VolumeName
    """Name of the volume within the pod."""
    mountPath: NonEmpty
    """Path within the container."""
    subPath: SubPath | None = None
    """Path within the volume; its root if left out."""


class PvcMount(Mount):
    """A PersistentVolumeClaim, referenced and never created."""

    claimName: NonEmpty
    """Name of the PersistentVolumeClaim."""


class ConfigMapMount(Mount, Files):
    """A ConfigMap, referenced and never created."""

    cmName: NonEmpty
    """Name of the ConfigMap."""


class SecretMount(Mount, Files):
    """A Secret, referenced and never created."""

    secretName: NonEmpty
    """Name of the Secret."""


class EmptyDirMount(Mount):
    """A directory that lives as long as the pod."""

    medium: Literal["", "Memory"] = ""
    """`Memory` for a tmpfs, empty for the node's disk."""


class HostPathMount(Mount):
    """A directory of the node."""

    path: NodePath
    """Path on the node."""


class NodeHostPathMount(HostPathMount):
    """A directory of the node, as a daemon may mount it."""

    mountPropagation: Annotated[
        Literal["None", "HostToContainer", "Bidirectional"] | None, NoEffect("KubeVela does not render it either")
    ] = None
    """Accepted and not rendered, as in KubeVela."""
    readOnly: Annotated[bool | None, NoEffect("KubeVela does not render it either")] = None
    """Accepted and not rendered, as in KubeVela."""


class ObjectMounts(Parameters):
    """Volumes of the pod with their mounts, by kind; of several volumes with one name the first wins."""

    pvc: list[PvcMount] = Field(default_factory=list)
    """PersistentVolumeClaims to mount."""
    configMap: list[ConfigMapMount] = Field(default_factory=list)
    """ConfigMaps to mount."""
    secret: list[SecretMount] = Field(default_factory=list)
    """Secrets to mount."""
    emptyDir: list[EmptyDirMount] = Field(default_factory=list)
    """Empty directories to mount."""


class VolumeMounts(ObjectMounts):
    """Volumes of the pod with their mounts, by kind; of several volumes with one name the first wins."""

    hostPath: list[HostPathMount] = Field(default_factory=list)
    """Directories of the node to mount."""


class NodeVolumeMounts(ObjectMounts):
    """Volumes of a daemon's pod with their mounts, by kind; of several volumes with one name the first wins."""

    hostPath: list[NodeHostPathMount] = Field(default_factory=list)
    """Directories of the node to mount."""


class PodVolume(Files):
    """A volume of the pod."""

    name: VolumeName
    """Name of the volume within the pod."""
    type: Literal["emptyDir", "pvc", "configMap", "secret"] = "emptyDir"
    """Kind of the volume: says which of the other fields is needed."""
    claimName: NonEmpty | None = None
    """Name of the PersistentVolumeClaim; type `pvc` needs it."""
    cmName: NonEmpty | None = None
    """Name of the ConfigMap; type `configMap` needs it."""
    secretName: NonEmpty | None = None
    """Name of the Secret; type `secret` needs it."""
    medium: Literal["", "Memory"] = ""
    """`Memory` for a tmpfs, empty for the node's disk; type `emptyDir`."""

    @model_validator(mode="after")
    def _name_of_its_kind(self) -> Self:
        needed = {"pvc": "claimName", "configMap": "cmName", "secret": "secretName"}.get(self.type)
        if needed and getattr(self, needed) is None:
            raise PydanticCustomError(
                "missing", "a volume of type {type} needs {field}", {"type": self.type, "field": needed}
            )
        return self


class Volume(PodVolume):
    """A volume in the deprecated spelling; ignored where `volumeMounts` is given."""

    mountPath: NonEmpty
    """Path within the container."""


class PodVolumes(NamedTuple):
    """The pod's volumes and the container's mounts."""

    volumes: list[dict[str, Any]]
    mounts: list[dict[str, Any]]


def pod_volumes(volume_mounts: VolumeMounts | NodeVolumeMounts | None, volumes: list[Volume] | None) -> PodVolumes:
    """Render the one spelling or the other: `volumeMounts` wins over the deprecated `volumes`."""
    if volume_mounts is None:
        old = volumes or []
        return PodVolumes(
            _first_of_each_name([volume_source(v) for v in old]), [_mount(v.name, v.mountPath) for v in old]
        )
    sources: list[dict[str, Any]] = [
        *({"name": v.name, "persistentVolumeClaim": {"claimName": v.claimName}} for v in volume_mounts.pvc),
        *({"name": v.name, "configMap": config_map_source(v.cmName, v)} for v in volume_mounts.configMap),
        *({"name": v.name, "secret": secret_source(v.secretName, v)} for v in volume_mounts.secret),
        *({"name": v.name, "emptyDir": {"medium": v.medium}} for v in volume_mounts.emptyDir),
        *({"name": v.name, "hostPath": {"path": v.path}} for v in volume_mounts.hostPath),
    ]
    every: list[Mount] = [
        *volume_mounts.pvc,
        *volume_mounts.configMap,
        *volume_mounts.secret,
        *volume_mounts.emptyDir,
        *volume_mounts.hostPath,
    ]
    return PodVolumes(_first_of_each_name(sources), [_mount(m.name, m.mountPath, m.subPath) for m in every])


def config_map_source(name: str, files: Files) -> dict[str, Any]:
    """Volume source of a ConfigMap."""
    return present(name=name, defaultMode=files.defaultMode, items=_items(files.items))


def secret_source(name: str, files: Files) -> dict[str, Any]:
    """Volume source of a Secret."""
    return present(secretName=name, defaultMode=files.defaultMode, items=_items(files.items))


def _items(items: list[KeyToPath] | None) -> list[dict[str, Any]] | None:
    return None if items is None else [i.model_dump() for i in items]


def volume_source(volume: PodVolume) -> dict[str, Any]:
    """Render a volume of the pod."""
    match volume.type:
        case "pvc":
            return {"name": volume.name, "persistentVolumeClaim": {"claimName": volume.claimName}}
        case "configMap":
            return {"name": volume.name, "configMap": config_map_source(str(volume.cmName), volume)}
        case "secret":
            return {"name": volume.name, "secret": secret_source(str(volume.secretName), volume)}
        case "emptyDir":
            return {"name": volume.name, "emptyDir": {"medium": volume.medium}}


def _mount(name: str, mount_path: str, sub_path: str | None = None) -> dict[str, Any]:
    return present(name=name, mountPath=mount_path, subPath=sub_path)


def _first_of_each_name(volumes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    by_name: dict[str, dict[str, Any]] = {}
    for volume in volumes:
        by_name.setdefault(volume["name"], volume)
    return list(by_name.values())
