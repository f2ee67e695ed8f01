"""`startup-probe`: says when containers have started."""

from typing import ClassVar, Literal, Self

from pydantic import AliasChoices, Field, model_validator
from pydantic_core import PydanticCustomError

from shared.jobtypes.base import RenderContext, Rendering, Trait
from shared.jobtypes.fields import Count, NonEmpty, PortNumber, Positive
from shared.jobtypes.per_container import OfContainer, OneOrSeveral, given_fields, patched_containers
from shared.jobtypes.podpatch import Container, merge_container
from shared.jobtypes.probes import Closed, ExecAction, HttpHeader, TcpSocketAction

_HANDLERS = ("exec", "httpGet", "grpc", "tcpSocket")


class StartupRequest(Closed):
    """Send an HTTP GET request."""

    port: PortNumber
    """Port of the container."""
    path: str | None = None
    """Path to ask for; `/` if left out."""
    host: str | None = None
    """Host to connect to; the pod's IP if left out."""
    scheme: Literal["HTTP", "HTTPS"] | None = None
    """Protocol; HTTP if left out."""
    httpHeaders: list[HttpHeader] | None = None
    """Headers to send."""


class GrpcAction(Closed):
    """Ask a gRPC health service."""

    port: PortNumber
    """Port of the container."""
    service: str | None = None
    """Name of the service to ask about."""


class StartupConnection(TcpSocketAction):
    """Open a TCP connection."""

    host: str | None = None
    """Host to connect to; the pod's IP if left out."""


class StartupProbeFields(OfContainer):
    """The probe of one container: exactly one of `exec`, `httpGet`, `grpc`, `tcpSocket`."""

    exec: ExecAction | None = None
    """Run a command."""
    httpGet: StartupRequest | None = None
    """Send an HTTP GET request."""
    grpc: GrpcAction | None = None
    """Ask a gRPC health service."""
    tcpSocket: StartupConnection | None = None
    """Open a TCP connection."""
    initialDelaySeconds: Count = 0
    """Seconds from the container's start to the first probe."""
    periodSeconds: Positive = 10
    """Seconds from one probe to the next."""
    timeoutSeconds: Positive = 1
    """Seconds until a probe has failed."""
    successThreshold: Literal[1] = 1
    """Successes in a row that say the container has started; Kubernetes takes no other number."""
    failureThreshold: Positive = 3
    """Failures in a row after which the container is restarted."""
    terminationGracePeriodSeconds: int | None = Field(default=None, ge=1)
    """Seconds that the container has to stop after the probe failed; those of the pod if left out."""

    @model_validator(mode="after")
    def _one_handler(self) -> Self:
        if "probes" not in self.model_fields_set and len(self.model_fields_set & set(_HANDLERS)) != 1:
            raise PydanticCustomError("two_forms", "a probe needs exactly one of exec, httpGet, grpc and tcpSocket")
        return self


class ContainerStartupProbe(StartupProbeFields):
    """The probe of one container."""

    containerName: NonEmpty
    """Name of the container."""


class StartupProbeParameters(StartupProbeFields, OneOrSeveral):
    """The probe of one container, or those of several in `probes`.

    KubeVela's list never applies, as it looks for a key `name` that it does not allow; here it does, under the name
    `containers` too.
    """

    several: ClassVar[str] = "probes"

    probes: list[ContainerStartupProbe] | None = Field(
        default=None, validation_alias=AliasChoices("probes", "containers")
    )
    """The same for several containers, instead of the other fields."""


def apply(context: RenderContext, parameters: StartupProbeParameters, rendering: Rendering) -> Rendering:
    """Add the probes; raises RenderError for an unknown container and one with another startup probe."""
    return patched_containers(context, rendering, parameters, parameters.probes, _probe)


def _probe(container: Container, wanted: StartupProbeFields, prefix: str) -> None:
    probe = given_fields(
        wanted,
        *_HANDLERS,
        "initialDelaySeconds",
        "periodSeconds",
        "timeoutSeconds",
        "successThreshold",
        "failureThreshold",
        "terminationGracePeriodSeconds",
    )
    merge_container(container, {"startupProbe": probe}, prefix.removesuffix("."))


STARTUP_PROBE = Trait(
    name="startup-probe",
    title="Says when containers have started",
    parameters=StartupProbeParameters,
    apply=apply,
    examples=({"httpGet": {"path": "/started", "port": 8080}, "periodSeconds": 5, "failureThreshold": 60},),
)
