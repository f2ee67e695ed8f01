"""`storage`: volumes, configs and secrets, declared beside the component and shown in its pods."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from shared.contracts.naming import label
from shared.contracts.plan import ApplyMode
from shared.jobtypes.base import (
    DeclaredObject,
    Parameters,
    RenderContext,
    Rendering,
    SecretLocation,
    Trait,
)
from shared.jobtypes.claims import ClaimFields, new_claim
from shared.jobtypes.declared import declared_once
from shared.jobtypes.fields import Data, DataKey, NodePath, NonEmpty, ObjectName, SubPath, VariableName, VolumeNamePart
from shared.jobtypes.objects import new_object, present
from shared.jobtypes.podpatch import PodSpec, add_device, add_mount, add_volume, patched_pod, set_variable
from shared.jobtypes.secret_data import secret_data, secret_locations
from shared.jobtypes.volumes import Files, config_map_source, secret_source

_CLAIM = "pvc"


class Pvc(ClaimFields):
    """A volume that outlives the application."""

    name: ObjectName
    """Name of the PersistentVolumeClaim."""
    mountPath: NonEmpty
    """Path within the container; of a block volume the path of the device."""
    mountOnly: bool = False
    """Only refer to the claim. Otherwise it is created if it is not there; one that is there is never touched."""
    subPath: SubPath | None = None
    """Path within the volume; its root if left out."""
    readOnly: bool = False
    """Mount it read-only."""

    @model_validator(mode="after")
    def _devices_have_no_paths(self) -> Self:
        if self.volumeMode == "Block" and (self.subPath is not None or self.readOnly):
            raise PydanticCustomError("block_volume", "a block device has neither subPath nor readOnly")
        return self


class ConfigMapVariable(Parameters):
    """A key of the ConfigMap as an environment variable."""

    envName: VariableName
    """Name of the variable."""
    configMapKey: DataKey
    """Key in the data."""


class SecretVariable(Parameters):
    """A key of the Secret as an environment variable."""

    envName: VariableName
    """Name of the variable."""
    secretKey: DataKey
    """Key in the data."""


class Source(Files):
    """A ConfigMap or Secret."""

    name: ObjectName
    """Name of the object."""
    mountOnly: bool = False
    """Only refer to it. Otherwise it is written if it has data, and else created if it is not there."""
    mountPath: NonEmpty | None = None
    """Path within the container; not mounted if left out."""
    subPath: SubPath | None = None
    """Path within the volume; its root if left out."""
    readOnly: bool = False
    """Mount it read-only."""


class ConfigMap(Source):
    """A ConfigMap."""

    mountToEnv: ConfigMapVariable | None = None
    """A key as an environment variable."""
    mountToEnvs: list[ConfigMapVariable] | None = None
    """Several keys as environment variables."""
    data: Data | None = None
    """Its contents."""


class Secret(Source):
    """A Secret."""

    mountToEnv: SecretVariable | None = None
    """A key as an environment variable."""
    mountToEnvs: list[SecretVariable] | None = None
    """Several keys as environment variables."""
    data: Data | None = None
    """Its contents in base64; sealed before they leave the gateway."""
    stringData: Data | None = None
    """Its contents as plain text; sealed before they leave the gateway."""


class EmptyDir(Parameters):
    """A directory that lives as long as the pod."""

    name: VolumeNamePart
    """Name; the volume is called `emptydir-<name>`."""
    mountPath: NonEmpty
    """Path within the container."""
    subPath: SubPath | None = None
    """Path within the volume; its root if left out."""
    medium: Literal["", "Memory"] = ""
    """`Memory` for a tmpfs, empty for the node's disk."""


class HostPath(Parameters):
    """A file or directory of the node."""

    name: VolumeNamePart
    """Name; the volume is called `hostpath-<name>`."""
    path: NodePath
    """Path on the node."""
    mountPath: NonEmpty
    """Path within the container."""
    type: Literal["Directory", "DirectoryOrCreate", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"] = (
        "Directory"
    )
    """What has to be there."""


class StorageParameters(Parameters):
    """Storage of a component's first container."""

    pvc: list[Pvc] = Field(default_factory=list)
    """Volumes that outlive the application."""
    configMap: list[ConfigMap] = Field(default_factory=list)
    """ConfigMaps to mount or to take variables from."""
    secret: list[Secret] = Field(default_factory=list)
    """Secrets to mount or to take variables from."""
    emptyDir: list[EmptyDir] = Field(default_factory=list)
    """Directories that live as long as the pod."""
    hostPath: list[HostPath] = Field(default_factory=list)
    """Files and directories of the node."""


def apply(context: RenderContext, parameters: StorageParameters, rendering: Rendering) -> Rendering:
    """Declare objects and show them in the first container; raises RenderError where names or paths clash."""

    def patch(pod: PodSpec) -> None:
        for path, volume, mount in _volumes(parameters):
            add_volume(pod, volume, f"{path}.name")
            if "devicePath" in mount:
                add_device(pod["containers"][0], mount, f"{path}.mountPath")
            else:
                add_mount(pod["containers"][0], mount, f"{path}.mountPath")
        for variable in _variables(parameters):
            set_variable(pod["containers"][0], variable)

    patched = patched_pod(rendering, patch)
    return replace(patched, declared=declared_once(rendering.declared, _declared(context, parameters)))


def _volumes(parameters: StorageParameters) -> Iterator[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Yield path, volume and mount of each declaration that is mounted."""
    for index, pvc in enumerate(parameters.pvc):
        name = label(f"pvc-{pvc.name}")
        at = {"devicePath": pvc.mountPath} if pvc.volumeMode == "Block" else {"mountPath": pvc.mountPath}
        mount = present(name=name, subPath=pvc.subPath, readOnly=pvc.readOnly or None, **at)
        yield f"pvc[{index}]", {"name": name, "persistentVolumeClaim": {"claimName": pvc.name}}, mount
    for index, config_map in enumerate(parameters.configMap):
        name = label(f"configmap-{config_map.name}")
        if config_map.mountPath is not None:
            volume = {"name": name, "configMap": config_map_source(config_map.name, config_map)}
            yield f"configMap[{index}]", volume, _source_mount(name, config_map)
    for index, secret in enumerate(parameters.secret):
        name = label(f"secret-{secret.name}")
        if secret.mountPath is not None:
            volume = {"name": name, "secret": secret_source(secret.name, secret)}
            yield f"secret[{index}]", volume, _source_mount(name, secret)
    for index, empty in enumerate(parameters.emptyDir):
        name = label(f"emptydir-{empty.name}")
        mount = present(name=name, mountPath=empty.mountPath, subPath=empty.subPath)
        yield f"emptyDir[{index}]", {"name": name, "emptyDir": {"medium": empty.medium}}, mount
    for index, host in enumerate(parameters.hostPath):
        name = label(f"hostpath-{host.name}")
        volume = {"name": name, "hostPath": {"path": host.path, "type": host.type}}
        yield f"hostPath[{index}]", volume, {"name": name, "mountPath": host.mountPath}


def _source_mount(name: str, source: Source) -> dict[str, Any]:
    return present(name=name, mountPath=source.mountPath, subPath=source.subPath, readOnly=source.readOnly or None)


def _variables(parameters: StorageParameters) -> Iterator[dict[str, Any]]:
    for config_map in parameters.configMap:
        for key in (config_map.mountToEnv, *(config_map.mountToEnvs or ())):
            if key is not None:
                reference = {"name": config_map.name, "key": key.configMapKey}
                yield {"name": key.envName, "valueFrom": {"configMapKeyRef": reference}}
    for secret in parameters.secret:
        for item in (secret.mountToEnv, *(secret.mountToEnvs or ())):
            if item is not None:
                reference = {"name": secret.name, "key": item.secretKey}
                yield {"name": item.envName, "valueFrom": {"secretKeyRef": reference}}


def _declared(context: RenderContext, parameters: StorageParameters) -> Iterator[DeclaredObject]:
    for index, pvc in enumerate(parameters.pvc):
        if not pvc.mountOnly:
            yield _claim(context, pvc, f"{context.path}.properties.pvc[{index}]")
    for index, config_map in enumerate(parameters.configMap):
        if not config_map.mountOnly:
            path = f"{context.path}.properties.configMap[{index}]"
            yield _source(context, "ConfigMap", config_map.name, config_map.data, path)
    for index, secret in enumerate(parameters.secret):
        data = secret_data(secret.data, secret.stringData, f"secret[{index}]")
        if not secret.mountOnly:
            path = f"{context.path}.properties.secret[{index}]"
            yield _source(context, "Secret", secret.name, data, path)


def _source(context: RenderContext, kind: str, name: str, data: Mapping[str, str] | None, path: str) -> DeclaredObject:
    """With data it is written; without, it is created if it is not there."""
    manifest = new_object(context, "v1", kind, name)
    if data:
        manifest["data"] = dict(data)
    mode = ApplyMode.APPLY if data else ApplyMode.CREATE
    return DeclaredObject(kind_token=kind.lower(), manifest=manifest, mode=mode, path=path)


def _claim(context: RenderContext, pvc: Pvc, path: str) -> DeclaredObject:
    manifest = new_claim(context, pvc.name, pvc)
    return DeclaredObject(kind_token=_CLAIM, manifest=manifest, mode=ApplyMode.CREATE, path=path, volume=True)


def secrets(properties: Mapping[str, Any]) -> Iterator[SecretLocation]:
    """Point at the values of all Secrets, also of those that are only mounted: a value written there is one too."""
    given = properties.get("secret")
    for index, secret in enumerate(given if isinstance(given, list) else ()):
        if isinstance(secret, Mapping) and isinstance(secret.get("name"), str):
            yield from secret_locations(secret, secret["name"], ("secret", index))


STORAGE = Trait(
    name="storage",
    title="Volumes, configs and secrets of a component",
    parameters=StorageParameters,
    apply=apply,
    kinds=frozenset({"v1/PersistentVolumeClaim", "v1/ConfigMap", "v1/Secret"}),
    secrets=secrets,
    examples=(
        {
            "pvc": [{"name": "uploads", "mountPath": "/srv/uploads", "resources": {"requests": {"storage": "5Gi"}}}],
            "configMap": [
                {"name": "shop-settings", "mountPath": "/etc/shop", "data": {"app.yaml": "greeting: hello\n"}}
            ],
            "secret": [{"name": "shop-db", "mountToEnv": {"envName": "DB_PASSWORD", "secretKey": "password"}}],
        },
    ),
)
