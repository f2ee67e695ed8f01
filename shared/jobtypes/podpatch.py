"""How traits change the pods of a workload: containers, volumes and variables are told by name, mounts by their path.

Kubernetes tells mounts by path as well, so one volume may appear at two places.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from shared.contracts.plan import Manifest
from shared.jobtypes.base import RenderError, Rendering
from shared.jobtypes.objects import entries

PodSpec = dict[str, Any]
Container = dict[str, Any]

_POD_SPEC_PATHS = (
    ("spec", "template", "spec"),
    ("spec", "jobTemplate", "spec", "template", "spec"),
)


def patched_pod(rendering: Rendering, patch: Callable[[PodSpec], None]) -> Rendering:
    """Apply `patch` to the pod spec of a copy of the workload.

    Raises RenderError where the workload has no pods.
    """
    workload = copy.deepcopy(rendering.workload)
    patch(_pod_spec(workload))
    return replace(rendering, workload=workload)


def _pod_spec(workload: Manifest | None) -> PodSpec:
    if workload is not None and workload.get("kind") == "Pod" and isinstance(workload.get("spec"), dict):
        return _with_containers(workload["spec"])
    for path in _POD_SPEC_PATHS:
        spec: Any = workload
        for field in path:
            spec = spec.get(field) if isinstance(spec, dict) else None
        if isinstance(spec, dict):
            return _with_containers(spec)
    what = "the component" if workload is None else f"a {workload['kind']}"
    raise RenderError("", "NoPodTemplate", f"{what} has no pod template for this trait to change", "Remove the trait")


def _with_containers(spec: PodSpec) -> PodSpec:
    if not entries(spec, "containers"):
        raise RenderError("", "NoContainer", "the pods have no container for this trait to change", "Remove the trait")
    return spec


def container_named(pod: PodSpec, name: str, path: str) -> Container:
    """Find a container by name; raises RenderError where there is none."""
    containers = entries(pod, "containers")
    for container in containers:
        if container.get("name") == name:
            return container
    known = ", ".join(str(container.get("name")) for container in containers)
    raise RenderError(path, "ContainerNotFound", f"there is no container {name!r}", f"Take one of: {known}")


def main_container(pod: PodSpec, component: str) -> Container:
    """The container named as the component; the first where none is."""
    containers = entries(pod, "containers")
    return next((container for container in containers if container.get("name") == component), containers[0])


def add_container(pod: PodSpec, container: Container, *, field: str, path: str) -> None:
    """Append to `containers` or `initContainers`; a name can be there once among both.

    Raises RenderError where it is taken.
    """
    for taken in ("containers", "initContainers"):
        if any(other.get("name") == container["name"] for other in entries(pod, taken)):
            raise RenderError(
                path, "ContainerNotUnique", f"there is a container {container['name']!r} already", "Use another name"
            )
    pod[field] = [*entries(pod, field), container]


def add_volume(pod: PodSpec, volume: Mapping[str, Any], path: str) -> None:
    """Add a volume; the same one again changes nothing, another one of that name raises RenderError."""
    _add(
        pod,
        "volumes",
        "name",
        volume,
        RenderError(
            path,
            "VolumeConflict",
            f"there is another volume {volume['name']!r} already",
            "Give one of them another name",
        ),
    )


def add_mount(container: Container, mount: Mapping[str, Any], path: str) -> None:
    """Mount a volume; the same mount again changes nothing, another one at that place raises RenderError."""
    _add(
        container,
        "volumeMounts",
        "mountPath",
        mount,
        RenderError(path, "MountConflict", f"another volume is mounted at {mount['mountPath']}", "Use another path"),
    )


def add_device(container: Container, device: Mapping[str, Any], path: str) -> None:
    """Map a block device; the same again changes nothing, another one at that place raises RenderError."""
    _add(
        container,
        "volumeDevices",
        "devicePath",
        device,
        RenderError(path, "MountConflict", f"another device is mapped to {device['devicePath']}", "Use another path"),
    )


def set_variable(container: Container, variable: Mapping[str, Any]) -> None:
    """Set a variable: an existing one of that name is replaced whole, where it stands."""
    env = [*entries(container, "env")]
    for index, other in enumerate(env):
        if other.get("name") == variable["name"]:
            env[index] = dict(variable)
            break
    else:
        env.append(dict(variable))
    container["env"] = env


def _add(owner: dict[str, Any], field: str, key: str, item: Mapping[str, Any], conflict: RenderError) -> None:
    items = [*entries(owner, field)]
    same = next((other for other in items if other.get(key) == item[key]), None)
    if same is None:
        items.append(dict(item))
    elif same != dict(item):
        raise conflict
    owner[field] = items
