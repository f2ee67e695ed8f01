"""`expose`: a Service before the component."""

from dataclasses import replace
from typing import Annotated, Any, Literal

from shared.contracts.naming import joined
from shared.contracts.plan import Manifest
from shared.jobtypes.base import Parameters, RenderContext, RenderError, Rendering, Trait
from shared.jobtypes.fields import Annotations, Deprecated, LabelName, Labels, PortNumber, Protocol
from shared.jobtypes.objects import mapping, present
from shared.jobtypes.own_service import is_headless, join_port, join_type, made_name, own_service
from shared.jobtypes.podpatch import set_metadata


class ExposedPort(Parameters):
    """A port of the component."""

    port: PortNumber
    """Number at the Service and at the container."""
    name: LabelName | None = None
    """Name; `port-<port>`, with `-udp` or `-sctp`, if left out."""
    protocol: Protocol = "TCP"
    """Transport protocol."""
    nodePort: PortNumber | None = None
    """Port of the nodes, where `type` is `NodePort`."""


class ExposeParameters(Parameters):
    """Makes the component reachable through a Service with its name.

    Unlike in KubeVela it shares that Service with whatever else asks for one (`ports[].expose`, `gateway`): the ports
    are joined, and refused only where one number or name would mean two things. It is applied with the workload rather
    than after it: a Service leads to pods that are ready, and to no other.
    """

    port: Annotated[list[PortNumber] | None, Deprecated("ports")] = None
    """Deprecated: numbers alone. Ignored beside `ports`."""
    ports: list[ExposedPort] | None = None
    """Ports of the Service, each leading to the same port of the pods."""
    annotations: Annotations | None = None
    """Annotations of the Service."""
    matchLabels: Labels | None = None
    """Labels of the pods that it leads to, instead of the component's own."""
    type: Literal["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"] = "ClusterIP"
    """Type of the Service. `ExternalName` is refused: it needs a name that no parameter gives."""


def apply(context: RenderContext, parameters: ExposeParameters, rendering: Rendering) -> Rendering:
    """Add the ports to the component's Service; raises RenderError where it is or has something else already."""
    ports = _ports(parameters)
    if parameters.type == "ExternalName":
        message = "a Service of type ExternalName needs the name that it stands for, and expose has no parameter for it"
        raise RenderError("type", "ExternalNameMissing", message, "Write the Service into a k8s-objects component")
    if not ports:
        message = "ports or port is needed: a Service has at least one"
        raise RenderError("ports", "PortsMissing", message, "Add ports")
    service, rest = own_service(context, rendering)
    before: tuple[Manifest, ...] = ()
    if is_headless(service) and parameters.type != "ClusterIP":
        # One without an address cannot be reached from outside; the StatefulSet keeps it for its pods' names.
        before = (service,)
        service, rest = own_service(context, rest, joined(context.component, "expose"))
    _select(service, parameters.matchLabels)
    for path, port in ports:
        join_port(service, port, path)
    join_type(service, parameters.type, "type")
    if parameters.annotations:
        set_metadata(service, "annotations", parameters.annotations)
    return replace(rest, others=(*rest.others, *before, service))


def _ports(parameters: ExposeParameters) -> list[tuple[str, dict[str, Any]]]:
    node_ports = parameters.type == "NodePort"
    if parameters.ports is None:
        return [(f"port[{i}]", _port(number, "TCP")) for i, number in enumerate(parameters.port or ())]
    return [
        (
            f"ports[{i}]",
            _port(port.port, port.protocol, name=port.name, node_port=port.nodePort if node_ports else None),
        )
        for i, port in enumerate(parameters.ports)
    ]


def _port(number: int, protocol: str, *, name: str | None = None, node_port: int | None = None) -> dict[str, Any]:
    return present(
        name=name or made_name(number, protocol),
        port=number,
        targetPort=number,
        protocol=protocol,
        nodePort=node_port,
    )


def _select(service: Manifest, labels: dict[str, str] | None) -> None:
    spec = mapping(service, "spec")
    if labels is None or spec.get("selector") == labels:
        return
    if "ports" in spec or is_headless(service):
        message = f"the Service {service['metadata']['name']} leads to other pods already"
        raise RenderError("matchLabels", "SelectorConflict", message, "Leave matchLabels out")
    service["spec"] = {**spec, "selector": dict(labels)}


EXPOSE = Trait(
    name="expose",
    title="A Service before the component",
    parameters=ExposeParameters,
    apply=apply,
    kinds=frozenset({"v1/Service"}),
    examples=({"ports": [{"port": 8080, "name": "http"}], "type": "LoadBalancer"},),
)
