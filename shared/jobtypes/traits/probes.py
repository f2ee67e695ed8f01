"""`probes`, an extension of ours: liveness, readiness and startup of any container, in Kubernetes' form."""

from typing import Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from shared.jobtypes.base import RenderContext, Rendering, Trait
from shared.jobtypes.fields import Count, NonEmpty, Positive
from shared.jobtypes.per_container import OfContainer, OneOrSeveral, given_fields, patched_containers
from shared.jobtypes.podpatch import Container, merge_container
from shared.jobtypes.probes import Closed, ExecAction
from shared.jobtypes.traits.startup_probe import GrpcAction, StartupConnection, StartupRequest

_HANDLERS = frozenset({"exec", "httpGet", "grpc", "tcpSocket"})


class AnyProbe(Closed):
    """Exactly one of `exec`, `httpGet`, `grpc`, `tcpSocket`; numbers that are left out are Kubernetes' defaults."""

    exec: ExecAction | None = None
    """Run a command."""
    httpGet: StartupRequest | None = None
    """Send an HTTP GET request."""
    grpc: GrpcAction | None = None
    """Ask a gRPC health service."""
    tcpSocket: StartupConnection | None = None
    """Open a TCP connection."""
    initialDelaySeconds: Count | None = None
    """Seconds from the container's start to the first probe."""
    periodSeconds: Positive | None = None
    """Seconds from one probe to the next."""
    timeoutSeconds: Positive | None = None
    """Seconds until a probe has failed."""
    successThreshold: Positive | None = None
    """Successes in a row that make a failed container healthy again; 1 but for readiness."""
    failureThreshold: Positive | None = None
    """Failures in a row that make a container unhealthy."""

    @model_validator(mode="after")
    def _one_handler(self) -> Self:
        if len(self.model_fields_set & _HANDLERS) != 1:
            raise PydanticCustomError("two_forms", "a probe needs exactly one of exec, httpGet, grpc and tcpSocket")
        return self


class LifeProbe(AnyProbe):
    """Exactly one of `exec`, `httpGet`, `grpc`, `tcpSocket`; numbers that are left out are Kubernetes' defaults."""

    successThreshold: Literal[1] | None = None
    """Successes in a row that make a failed container healthy again; Kubernetes takes no other number than 1."""


class ProbesFields(OfContainer):
    """Probes of one container."""

    livenessProbe: LifeProbe | None = None
    """Says whether the container is to be restarted."""
    readinessProbe: AnyProbe | None = None
    """Says whether the container can serve."""
    startupProbe: LifeProbe | None = None
    """Says whether the container has started; the others wait for it."""


class ContainerProbes(ProbesFields):
    """Probes of one container."""

    containerName: NonEmpty
    """Name of the container."""


class ProbesParameters(ProbesFields, OneOrSeveral):
    """Probes of one container, or of several in `containers`."""

    containers: list[ContainerProbes] | None = None
    """The same for several containers, instead of the other fields."""


def apply(context: RenderContext, parameters: ProbesParameters, rendering: Rendering) -> Rendering:
    """Add the probes; raises RenderError for an unknown container and one with another probe."""
    return patched_containers(context, rendering, parameters, parameters.containers, _probe)


def _probe(container: Container, wanted: ProbesFields, prefix: str) -> None:
    probes = given_fields(wanted, "livenessProbe", "readinessProbe", "startupProbe")
    for name, probe in probes.items():
        merge_container(container, {name: probe}, f"{prefix}{name}")


PROBES = Trait(
    name="probes",
    title="Liveness, readiness and startup of any container",
    parameters=ProbesParameters,
    apply=apply,
    examples=(
        {
            "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 5},
            "livenessProbe": {"tcpSocket": {"port": 8080}, "failureThreshold": 6},
        },
    ),
)
