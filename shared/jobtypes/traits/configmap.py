"""`configmap`, in KubeVela's older notation: ConfigMaps to mount."""

from collections.abc import Iterator
from dataclasses import replace

from shared.contracts.naming import label
from shared.contracts.plan import ApplyMode
from shared.jobtypes.base import DeclaredObject, Parameters, RenderContext, Rendering, Trait
from shared.jobtypes.declared import declared_once
from shared.jobtypes.fields import Data, NonEmpty, ObjectName
from shared.jobtypes.objects import new_object, present
from shared.jobtypes.podpatch import PodSpec, add_mount, add_volume, patched_pod


class MountedConfigMap(Parameters):
    """A ConfigMap and its place."""

    name: ObjectName
    """Name of the ConfigMap; the volume is called `volume-<name>`."""
    mountPath: NonEmpty
    """Path within the first container."""
    readOnly: bool = False
    """Mount it read-only."""
    data: Data | None = None
    """Its contents; it is written if they are given, and else only referred to."""


class ConfigMapParameters(Parameters):
    """ConfigMaps in the first container."""

    volumes: list[MountedConfigMap]
    """The ConfigMaps."""


def apply(context: RenderContext, parameters: ConfigMapParameters, rendering: Rendering) -> Rendering:
    """Mount the ConfigMaps and declare those with data; raises RenderError where names or paths clash."""

    def patch(pod: PodSpec) -> None:
        for index, volume in enumerate(parameters.volumes):
            name = label(f"volume-{volume.name}")
            mount = present(name=name, mountPath=volume.mountPath, readOnly=volume.readOnly or None)
            add_volume(pod, {"name": name, "configMap": {"name": volume.name}}, f"volumes[{index}].name")
            add_mount(pod["containers"][0], mount, f"volumes[{index}].mountPath")

    patched = patched_pod(rendering, patch)
    return replace(patched, declared=declared_once(rendering.declared, _declared(context, parameters)))


def _declared(context: RenderContext, parameters: ConfigMapParameters) -> Iterator[DeclaredObject]:
    for index, volume in enumerate(parameters.volumes):
        if volume.data is not None:
            manifest = new_object(context, "v1", "ConfigMap", volume.name) | {"data": dict(volume.data)}
            path = f"{context.path}.properties.volumes[{index}]"
            mode = ApplyMode.APPLY
            yield DeclaredObject(kind_token="configmap", manifest=manifest, mode=mode, path=path)  # noqa: S106 - a kind


CONFIGMAP = Trait(
    name="configmap",
    title="ConfigMaps to mount",
    parameters=ConfigMapParameters,
    apply=apply,
    kinds=frozenset({"v1/ConfigMap"}),
    successor="storage",
    examples=(
        {"volumes": [{"name": "settings", "mountPath": "/etc/shop", "data": {"app.yaml": "greeting: hello\n"}}]},
    ),
)
