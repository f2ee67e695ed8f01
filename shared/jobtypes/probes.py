"""Health probes of containers."""

from typing import Any, Literal

from pydantic import ConfigDict, Field

from shared.jobtypes.base import Parameters, RenderError
from shared.jobtypes.fields import Count, HeaderName, PortNumber, Positive


class Closed(Parameters):
    """Unknown keys are an error here, as in KubeVela."""

    model_config = ConfigDict(extra="forbid")


class ExecAction(Closed):
    """Run a command in the container."""

    command: list[str] = Field(min_length=1)
    """Program and arguments; exit code 0 means healthy."""


class HttpHeader(Closed):
    """A header to send."""

    name: HeaderName
    """Name of the header."""
    value: str
    """Its value."""


class HttpGetAction(Closed):
    """Send an HTTP GET request."""

    path: str
    """Path to ask for."""
    port: PortNumber
    """Port of the container."""
    httpHeaders: list[HttpHeader] | None = None
    """Headers to send."""


class HttpGetHostAction(HttpGetAction):
    """Send an HTTP GET request, to another host if wanted."""

    host: str | None = None
    """Host to connect to; the pod's IP if left out."""
    scheme: Literal["HTTP", "HTTPS", ""] | None = None
    """`HTTP` or `HTTPS`; HTTP if left out."""


class TcpSocketAction(Closed):
    """Open a TCP connection."""

    port: PortNumber
    """Port of the container."""


class Probe(Closed):
    """A health probe: exactly one of `exec`, `httpGet`, `tcpSocket`."""

    exec: ExecAction | None = None
    """Run a command."""
    httpGet: HttpGetAction | None = None
    """Send an HTTP GET request."""
    tcpSocket: TcpSocketAction | None = None
    """Open a TCP connection."""
    initialDelaySeconds: Count = 0
    """Seconds from the container's start to the first probe."""
    periodSeconds: Positive = 10
    """Seconds from one probe to the next."""
    timeoutSeconds: Positive = 1
    """Seconds until a probe has failed."""
    successThreshold: Positive = 1
    """Successes in a row that make a failed container healthy again."""
    failureThreshold: Positive = 3
    """Failures in a row that make a container unhealthy."""


class LivenessProbe(Probe):
    """A health probe: exactly one of `exec`, `httpGet`, `tcpSocket`."""

    successThreshold: Literal[1] = 1
    """Successes in a row that make a failed container healthy again; Kubernetes takes no other number."""


class HostProbe(Probe):
    """A health probe whose HTTP request may name host and scheme."""

    httpGet: HttpGetHostAction | None = None
    """Send an HTTP GET request."""


class HostLivenessProbe(HostProbe):
    """A health probe whose HTTP request may name host and scheme."""

    successThreshold: Literal[1] = 1
    """Successes in a row that make a failed container healthy again; Kubernetes takes no other number."""


def rendered_probe(probe: Probe | None, path: str) -> dict[str, Any] | None:
    """Render a probe with all its defaults; `path` is where the properties have it.

    Raises RenderError unless it has exactly one handler: Kubernetes refuses the pod otherwise.
    """
    if probe is None:
        return None
    if sum(handler is not None for handler in (probe.exec, probe.httpGet, probe.tcpSocket)) != 1:
        raise RenderError(
            path,
            "ProbeHandlerNotUnique",
            "a probe needs exactly one of exec, httpGet and tcpSocket",
            "Leave one of them",
        )
    return probe.model_dump(mode="json", exclude_none=True)
