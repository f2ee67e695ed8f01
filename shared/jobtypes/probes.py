"""Health probes of containers."""

from typing import Any

from pydantic import ConfigDict, Field

from shared.jobtypes.base import Parameters, RenderError
from shared.jobtypes.fields import PortNumber


class Closed(Parameters):
    """Unknown keys are an error here, as in KubeVela."""

    model_config = ConfigDict(extra="forbid")


class ExecAction(Closed):
    """Run a command in the container."""

    command: list[str]
    """Program and arguments; exit code 0 means healthy."""


class HttpHeader(Closed):
    """A header to send."""

    name: str
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
    scheme: str | None = None
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
    initialDelaySeconds: int = Field(default=0, ge=0)
    """Seconds from the container's start to the first probe."""
    periodSeconds: int = Field(default=10, ge=1)
    """Seconds from one probe to the next."""
    timeoutSeconds: int = Field(default=1, ge=1)
    """Seconds until a probe has failed."""
    successThreshold: int = Field(default=1, ge=1)
    """Successes in a row that make a failed container healthy again."""
    failureThreshold: int = Field(default=3, ge=1)
    """Failures in a row that make a container unhealthy."""


class HostProbe(Probe):
    """A health probe whose HTTP request may name host and scheme."""

    httpGet: HttpGetHostAction | None = None
    """Send an HTTP GET request."""


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
