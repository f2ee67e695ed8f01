"""`container-ports`: ports of containers, on the node's address if wanted."""

from pydantic import Field

from shared.jobtypes.base import Parameters, RenderContext, Rendering, Trait
from shared.jobtypes.fields import NonEmpty, PortNumber, Protocol
from shared.jobtypes.objects import entries
from shared.jobtypes.per_container import OfContainer, OneOrSeveral, patched_containers
from shared.jobtypes.podpatch import Container


class HostedPort(Parameters):
    """A port of the container."""

    containerPort: PortNumber
    """Number at the pod's address."""
    protocol: Protocol = "TCP"
    """Transport protocol."""
    hostPort: PortNumber | None = None
    """Number at the node's address."""
    hostIP: str | None = None
    """Address of the node to bind to; all of them if left out."""


class PortsFields(OfContainer):
    """Ports of one container."""

    ports: list[HostedPort] = Field(default_factory=list)
    """Ports; joined with those that are there by number and protocol."""


class ContainerPorts(PortsFields):
    """Ports of one container."""

    containerName: NonEmpty
    """Name of the container."""


class ContainerPortsParameters(PortsFields, OneOrSeveral):
    """Ports of one container, or of several in `containers`.

    KubeVela fails where a present port has no name, as that of the old parameter `port`; here it simply has none.
    """

    containers: list[ContainerPorts] | None = None
    """The same for several containers, instead of the other fields."""


def apply(context: RenderContext, parameters: ContainerPortsParameters, rendering: Rendering) -> Rendering:
    """Join ports; raises RenderError for an unknown container."""
    return patched_containers(context, rendering, parameters, parameters.containers, _join)


def _join(container: Container, wanted: PortsFields, _prefix: str) -> None:
    by_number = {
        (port.get("containerPort"), port.get("protocol", "TCP")): dict(port) for port in entries(container, "ports")
    }
    for port in wanted.ports:
        given = port.model_dump(mode="json", exclude_none=True)
        number = (port.containerPort, port.protocol)
        by_number[number] = {**by_number.get(number, {}), **given}
    if by_number:
        container["ports"] = list(by_number.values())


CONTAINER_PORTS = Trait(
    name="container-ports",
    title="Ports of containers, on the node's address if wanted",
    parameters=ContainerPortsParameters,
    apply=apply,
    examples=({"ports": [{"containerPort": 8080, "hostPort": 18080}]},),
)
