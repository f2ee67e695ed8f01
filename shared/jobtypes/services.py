"""Ports of containers and the Services before them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Literal

from shared.contracts.completion import read_path
from shared.contracts.plan import Manifest
from shared.jobtypes.base import Parameters, RenderContext, RenderError, Rendering
from shared.jobtypes.fields import Deprecated, NoEffect, PortName, PortNumber, Protocol
from shared.jobtypes.objects import entries, mapping, new_object, present

ServiceType = Literal["ClusterIP", "NodePort", "LoadBalancer"]


class ServicePort(Parameters):
    """A port of the component."""

    port: PortNumber
    """Number at the container and at the Service."""
    name: PortName | Literal[""] | None = None
    """Name; `port-<port>`, with `-udp` or `-sctp`, if left out."""
    protocol: Protocol = "TCP"
    """Transport protocol."""
    expose: bool = False
    """Make it reachable through a Service with the component's name."""

    @property
    def target(self) -> int:
        """The container's port."""
        return self.port

    @property
    def node_port(self) -> int | None:
        """The port of the nodes that is wanted."""
        return None

    @property
    def known_as(self) -> str:
        """The name, given or made."""
        suffix = "" if self.protocol == "TCP" else f"-{self.protocol.lower()}"
        return self.name or f"port-{self.target}{suffix}"


class Port(ServicePort):
    """A port of the component, which may have other numbers elsewhere."""

    port: PortNumber
    """Number at the Service."""
    containerPort: PortNumber | None = None
    """Number at the container; `port` if left out."""
    name: PortName | Literal[""] | None = None
    """Name; `port-<containerPort>`, with `-udp` or `-sctp`, if left out."""
    nodePort: PortNumber | None = None
    """Port of the nodes, where `exposeType` is `NodePort`."""

    @property
    def target(self) -> int:
        """The container's port."""
        return self.containerPort or self.port

    @property
    def node_port(self) -> int | None:
        """The port of the nodes that is wanted."""
        return self.nodePort


class ServedParameters(Parameters):
    """What all components with a network endpoint take."""

    port: Annotated[PortNumber | None, Deprecated("ports")] = None
    """One unnamed port of the container, without a Service. Ignored beside `ports`."""
    addRevisionLabel: Annotated[bool, NoEffect("every change elsewhere would restart the pods")] = False
    """Accepted and without effect: a revision in the pods' labels would restart them with every change elsewhere."""


class ExposedParameters(ServedParameters):
    """What webservice and statefulset take."""

    ports: list[Port] | None = None
    """Ports of the container; those with `expose` get a Service."""
    exposeType: ServiceType = "ClusterIP"
    """Type of the Service for the exposed ports."""


def container_ports(ports: Sequence[ServicePort] | None, single: int | None) -> list[dict[str, Any]] | None:
    """Render the container's ports, or the single one of the old spelling.

    Several ports that lead to one number of the container are one there: server-side apply refuses a number twice.
    Kubernetes refuses a name twice: raises RenderError.
    """
    if ports is None:
        return None if single is None else [{"containerPort": single}]
    by_number: dict[tuple[int, str], dict[str, Any]] = {}
    names: set[object] = set()
    for index, port in enumerate(ports):
        number = (port.target, port.protocol)
        if number not in by_number:
            _once(names, f"ports[{index}].name", "PortNameNotUnique", port.known_as, f"the name {port.known_as}")
            by_number[number] = {"containerPort": port.target, "name": port.known_as, "protocol": port.protocol}
    return list(by_number.values())


def exposed_ports(ports: Sequence[ServicePort] | None) -> list[tuple[int, ServicePort]]:
    """Return the ports that want a Service, each with its place in the list."""
    return [(index, port) for index, port in enumerate(ports or ()) if port.expose]


def service_ports(ports: Iterable[tuple[int, ServicePort]], *, node_ports: bool) -> list[dict[str, Any]]:
    """Render ports of a Service; each comes with its place in `properties.ports`.

    Raises RenderError where two have one number or one name.
    """
    seen: set[object] = set()
    rendered = []
    for index, port in ports:
        _once(seen, f"ports[{index}].port", "PortNotUnique", (port.port, port.protocol), f"{port.port}/{port.protocol}")
        _once(seen, f"ports[{index}].name", "PortNameNotUnique", port.known_as, f"the name {port.known_as}")
        rendered.append(
            present(
                name=port.known_as,
                port=port.port,
                targetPort=port.target,
                protocol=port.protocol,
                nodePort=port.node_port if node_ports else None,
            )
        )
    return rendered


def _once(seen: set[object], path: str, code: str, key: object, words: str) -> None:
    if key in seen:
        raise RenderError(path, code, f"another port has {words}", "Give each port its own number and name")
    seen.add(key)


def exposing_service(
    context: RenderContext, exposed: Sequence[tuple[int, ServicePort]], type_: ServiceType, name: str = ""
) -> Manifest:
    """Render the Service of the exposed ports."""
    service = new_service(context, context.selector, name)
    service["spec"] |= {"ports": service_ports(exposed, node_ports=type_ == "NodePort"), "type": type_}
    return service


def new_service(context: RenderContext, selector: Mapping[str, str], name: str = "") -> Manifest:
    """Begin a Service before the selected pods."""
    service = new_object(context, "v1", "Service", name)
    service["spec"] = {"selector": dict(selector)}
    return service


def pod_selector(context: RenderContext, rendering: Rendering) -> dict[str, str]:
    """Select the workload's pods: by its own selector, else by the labels that our pods bear."""
    own = read_path(rendering.workload, "spec.selector.matchLabels")
    return dict(own) if isinstance(own, dict) else context.selector


def serve_port(service: Manifest, number: int) -> int:
    """Return the Service's port for a port of the pods: of that number, else one that leads there, else a new one."""
    spec = mapping(service, "spec")
    ports = entries(spec, "ports")
    for field in ("port", "targetPort"):
        for port in ports:
            known = port.get("port")
            if port.get(field) == number and port.get("protocol", "TCP") == "TCP" and isinstance(known, int):
                return known
    # Of several ports each needs a name.
    named = [port if port.get("name") else {**port, "name": f"port-{port.get('port')}"} for port in ports]
    own = f"port-{number}"
    name = f"gateway-{number}" if any(port["name"] == own for port in named) else own
    added = {"name": name, "port": number, "targetPort": number, "protocol": "TCP"}
    service["spec"] = {**spec, "ports": [*named, added]}
    return number
