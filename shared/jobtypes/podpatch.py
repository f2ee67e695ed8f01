"""How traits change the pods of a workload: containers, volumes and variables are told by name, mounts by their path.

Kubernetes tells mounts by path as well, so one volume may appear at two places.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from shared.contracts.cloning import clone
from shared.contracts.completion import read_path
from shared.contracts.plan import Manifest
from shared.jobtypes.base import RenderError, Rendering
from shared.jobtypes.merging import merge
from shared.jobtypes.objects import entries, mapping
from shared.jobtypes.templates import template_path

PodSpec = dict[str, Any]
Container = dict[str, Any]


def patched_pod(rendering: Rendering, patch: Callable[[PodSpec], None]) -> Rendering:
    """Apply `patch` to the pod spec of a copy of the workload, whatever its kind.

    Raises RenderError where the workload has no pods.
    """
    workload = clone(rendering.workload)
    path = ".".join((*_template_path(workload), "spec"))
    pod = read_path(workload, path)
    if not isinstance(pod, dict) or not entries(pod, "containers"):
        raise RenderError("", "NoContainer", "the pods have no container for this trait to change", "Remove the trait")
    try:
        patch(pod)
    except RenderError as error:
        if error.against:
            error.against = f"{path}.{error.against}"
        raise
    return replace(rendering, workload=workload)


def merged_pod(rendering: Rendering, patch: Mapping[str, Any], path: str = "") -> Rendering:
    """Merge `patch` into the pod spec; raises RenderError with `path` where it contradicts what is there."""
    return patched_pod(rendering, lambda pod: merge(pod, patch, path=path))


def template_paths(workload: Manifest | None) -> list[tuple[str, ...]]:
    """Where metadata of the workload's pods, and of the Jobs that make them, stands; the outermost first."""
    if workload is None:
        return []
    path = template_path(workload)
    if path is None:
        return []
    return [path[:end] for end in range(1, len(path) + 1) if path[end - 1] in ("template", "jobTemplate")]


def _template_path(workload: Manifest | None) -> tuple[str, ...]:
    path = None if workload is None else template_path(workload)
    if path is None:
        what = "the component" if workload is None else f"a {workload['kind']}"
        message = f"{what} has no pod template for this trait to change"
        raise RenderError("", "NoPodTemplate", message, "Remove the trait")
    return path


def container_named(pod: PodSpec, name: str, path: str, *, init: bool = False) -> Container:
    """Find a container by name, with `init` among init containers too; raises RenderError where there is none."""
    containers: list[Container] = [*entries(pod, "containers"), *(entries(pod, "initContainers") if init else ())]
    for container in containers:
        if container.get("name") == name:
            return container
    known = ", ".join(str(container.get("name")) for container in containers)
    raise RenderError(path, "ContainerNotFound", f"there is no container {name!r}", f"Take one of: {known}")


def main_container(pod: PodSpec, component: str) -> Container:
    """The container named as the component; the first where none is."""
    containers = entries(pod, "containers")
    return next((container for container in containers if container.get("name") == component), containers[0])


def merge_container(container: Container, patch: Mapping[str, Any], path: str) -> None:
    """Merge into a container of the pod; raises RenderError with `path` where it contradicts what is there."""
    merge(container, patch, path=path, at=_at(container))


def add_container(pod: PodSpec, container: Container, *, field: str, path: str) -> None:
    """Append to `containers` or `initContainers`; a name can be there once among both.

    Raises RenderError where it is taken.
    """
    for taken in ("containers", "initContainers"):
        if any(other.get("name") == container["name"] for other in entries(pod, taken)):
            raise RenderError(
                path,
                "ContainerNotUnique",
                f"there is a container {container['name']!r} already",
                "Use another name",
                against=_element(taken, "name", container["name"]),
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
            against=_element("volumes", "name", volume["name"]),
        ),
    )


def add_mount(container: Container, mount: Mapping[str, Any], path: str) -> None:
    """Mount a volume; the same mount again changes nothing, another one at that place raises RenderError."""
    message = f"another volume is mounted at {mount['mountPath']}"
    _add(container, "volumeMounts", "mountPath", mount, _taken(container, "volumeMounts", mount, message, path))


def add_device(container: Container, device: Mapping[str, Any], path: str) -> None:
    """Map a block device; the same again changes nothing, another one at that place raises RenderError."""
    message = f"another device is mapped to {device['devicePath']}"
    _add(container, "volumeDevices", "devicePath", device, _taken(container, "volumeDevices", device, message, path))


def _taken(container: Container, field: str, item: Mapping[str, Any], message: str, path: str) -> RenderError:
    key = "mountPath" if field == "volumeMounts" else "devicePath"
    against = f"{_at(container)}.{_element(field, key, item[key])}"
    return RenderError(path, "MountConflict", message, "Use another path", against=against)


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


def set_metadata(owner: dict[str, Any], field: str, values: Mapping[str, str | None]) -> None:
    """Set labels or annotations of an object or a template; None takes one away."""
    if not values:
        return
    metadata = dict(mapping(owner, "metadata"))
    known = dict(mapping(metadata, field))
    for key, value in values.items():
        if value is None:
            known.pop(key, None)
        else:
            known[key] = value
    owner["metadata"] = {**metadata, field: known}


def _at(container: Container) -> str:
    return _element("containers", "name", container.get("name"))


def _element(field: str, key: str, value: object) -> str:
    return f"{field}[{key}={value}]"


def _add(owner: dict[str, Any], field: str, key: str, item: Mapping[str, Any], conflict: RenderError) -> None:
    items = [*entries(owner, field)]
    same = next((other for other in items if other.get(key) == item[key]), None)
    if same is None:
        items.append(dict(item))
    elif same != dict(item):
        raise conflict
    owner[field] = items
