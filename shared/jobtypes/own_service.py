"""The Service that bears a component's name: one, whatever asks for it.

In KubeVela each of `ports[].expose`, `expose`, `gateway`, `ingress` and `nocalhost` makes a Service of that name, and
the last one applied wins. Here they share it: ports are joined, and only what cannot be had together is refused.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from shared.contracts.cloning import clone
from shared.contracts.plan import Manifest
from shared.jobtypes.base import RenderContext, RenderError, Rendering
from shared.jobtypes.objects import entries, group_kind, mapping
from shared.jobtypes.services import new_service, pod_selector

_DEFAULT_TYPE = "ClusterIP"


def own_service(context: RenderContext, rendering: Rendering, name: str = "") -> tuple[Manifest, Rendering]:
    """Take the component's Service of that name out of the rendering, or begin one."""
    wanted = name or context.component
    for index, other in enumerate(rendering.others):
        if group_kind(other) == ("", "Service") and other["metadata"]["name"] == wanted:
            others = (*rendering.others[:index], *rendering.others[index + 1 :])
            return clone(other), replace(rendering, others=others)
    return new_service(context, pod_selector(context, rendering), wanted), rendering


def is_headless(service: Manifest) -> bool:
    """Whether it has no address of its own, as the Service that governs a StatefulSet."""
    return mapping(service, "spec").get("clusterIP") == "None"


def join_port(service: Manifest, port: Mapping[str, Any], path: str) -> None:
    """Add a port with `name`, `port`, `targetPort`, `protocol`, or find that it is there.

    Of two names a made one yields. Raises RenderError where one number or one name would mean two things.
    """
    ports = entries(mapping(service, "spec"), "ports")
    same = next((index for index, other in enumerate(ports) if _number(other) == _number(port)), None)
    joined = dict(port) if same is None else _joined(ports[same], port, path)
    rest = [other for index, other in enumerate(ports) if index != same]
    # Of several ports each needs a name, and one that a document wrote out may have none.
    rest = [other if other.get("name") else {**other, "name": _made_name(other)} for other in rest]
    if any(other["name"] == joined["name"] for other in rest):
        raise RenderError(
            path,
            "PortNameNotUnique",
            f"the Service {service['metadata']['name']} has another port {joined['name']!r} already",
            "Give one of the ports another name",
        )
    rest.insert(len(rest) if same is None else same, joined)
    service["spec"] = {**mapping(service, "spec"), "ports": rest}


def join_type(service: Manifest, type_: str, path: str) -> None:
    """Make the Service one of this type; ClusterIP asks for nothing that another type does not have.

    Raises RenderError where it is of yet another type.
    """
    known = mapping(service, "spec").get("type", _DEFAULT_TYPE)
    if _DEFAULT_TYPE not in (known, type_) and known != type_:
        name = service["metadata"]["name"]
        message = f"the Service {name} is of type {known} already"
        raise RenderError(path, "ServiceTypeConflict", message, "Ask for one type")
    service["spec"] = {**mapping(service, "spec"), "type": known if type_ == _DEFAULT_TYPE else type_}


def _number(port: Mapping[str, Any]) -> tuple[Any, str]:
    return port.get("port"), port.get("protocol", "TCP")


def _joined(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> dict[str, Any]:
    number = f"{old.get('port')}/{old.get('protocol', 'TCP')}"
    result = {**new, **old}
    if old.get("targetPort", old.get("port")) != new["targetPort"]:
        message = f"port {number} leads to {old.get('targetPort', old.get('port'))} already, not to {new['targetPort']}"
        raise RenderError(path, "PortConflict", message, "Give one of the ports another number")
    if "nodePort" in old and "nodePort" in new and old["nodePort"] != new["nodePort"]:
        message = f"port {number} is at another port of the nodes already"
        raise RenderError(f"{path}.nodePort", "PortConflict", message, "Leave one of the two")
    names = [name for name in (old.get("name"), new["name"]) if name and name not in _made_names(result)]
    if len(set(names)) > 1:
        message = f"port {number} has the name {names[0]!r} already"
        raise RenderError(f"{path}.name", "PortConflict", message, "Give it one name")
    return {**result, "name": names[0] if names else old.get("name") or new["name"]}


def made_name(number: int, protocol: str = "TCP") -> str:
    """The name of a port that the document gives none."""
    return f"port-{number}" if protocol == "TCP" else f"port-{number}-{protocol.lower()}"


def _made_name(port: Mapping[str, Any]) -> str:
    return made_name(port.get("port", 0), port.get("protocol", "TCP"))


def _made_names(port: Mapping[str, Any]) -> set[str]:
    protocol = port.get("protocol", "TCP")
    return {made_name(port[field], protocol) for field in ("port", "targetPort") if isinstance(port.get(field), int)}
