"""`lifecycle`: what containers do after they start and before they stop."""

from typing import Any, Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from shared.jobtypes.base import Parameters, RenderContext, Rendering, Trait
from shared.jobtypes.fields import PortNumber
from shared.jobtypes.objects import entries
from shared.jobtypes.podpatch import PodSpec, merge_container, patched_pod
from shared.jobtypes.probes import Closed, ExecAction, HttpHeader


class HookRequest(Closed):
    """Send an HTTP GET request."""

    port: PortNumber
    """Port of the container."""
    path: str | None = None
    """Path to ask for."""
    host: str | None = None
    """Host to connect to; the pod's IP if left out."""
    scheme: Literal["HTTP", "HTTPS"] = "HTTP"
    """Protocol."""
    httpHeaders: list[HttpHeader] | None = None
    """Headers to send."""


class HookConnection(Closed):
    """Open a TCP connection."""

    port: PortNumber
    """Port of the container."""
    host: str | None = None
    """Host to connect to; the pod's IP if left out."""


class Hook(Closed):
    """Exactly one of `exec`, `httpGet`, `tcpSocket`."""

    exec: ExecAction | None = None
    """Run a command."""
    httpGet: HookRequest | None = None
    """Send an HTTP GET request."""
    tcpSocket: HookConnection | None = None
    """Open a TCP connection."""

    @model_validator(mode="after")
    def _one_handler(self) -> Self:
        if len(self.model_fields_set) != 1:
            raise PydanticCustomError("two_forms", "a hook needs exactly one of exec, httpGet and tcpSocket")
        return self


class LifecycleParameters(Parameters):
    """What containers do after they start and before they stop: all that are there when the trait is applied."""

    postStart: Hook | None = None
    """After a container was created; it is not ready before."""
    preStop: Hook | None = None
    """Before a container is stopped."""


def apply(_context: RenderContext, parameters: LifecycleParameters, rendering: Rendering) -> Rendering:
    """Add the hooks to all containers; raises RenderError where one has another hook."""
    hooks: dict[str, Any] = parameters.model_dump(mode="json", exclude_none=True)

    def patch(pod: PodSpec) -> None:
        for container in entries(pod, "containers"):
            for name, hook in hooks.items():
                merge_container(container, {"lifecycle": {name: hook}}, name)

    return patched_pod(rendering, patch)


LIFECYCLE = Trait(
    name="lifecycle",
    title="What containers do after they start and before they stop",
    parameters=LifecycleParameters,
    apply=apply,
    examples=({"preStop": {"exec": {"command": ["sh", "-c", "sleep 5"]}}},),
)
