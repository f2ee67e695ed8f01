"""`podsecuritycontext`: what processes in the pods may do."""

from typing import Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from shared.jobtypes.base import Parameters, RenderContext, Rendering, Trait
from shared.jobtypes.fields import OwnerId
from shared.jobtypes.podpatch import merged_pod


class Profile(Parameters):
    """A security profile of the node."""

    type: Literal["RuntimeDefault", "Unconfined", "Localhost"]
    """The container runtime's own, none, or one that is on the node."""
    localhostProfile: str | None = None
    """Which one on the node; `Localhost` needs it."""

    @model_validator(mode="after")
    def _name_if_local(self) -> Self:
        if (self.type == "Localhost") != (self.localhostProfile is not None):
            raise PydanticCustomError("missing", "localhostProfile is for the type Localhost, which needs it")
        return self


class PodSecurityContextParameters(Parameters):
    """What processes in the pods may do; a container may say otherwise for itself."""

    runAsNonRoot: bool = True
    """Whether an image that would run as root is refused."""
    runAsUser: OwnerId | None = None
    """User to run as; that of the image if left out."""
    runAsGroup: OwnerId | None = None
    """Group to run as; that of the container runtime if left out."""
    fsGroup: OwnerId | None = None
    """Group to which volumes belong."""
    seccompProfile: Profile | None = None
    """System calls that are allowed."""
    appArmorProfile: Profile | None = None
    """What AppArmor allows."""


def apply(_context: RenderContext, parameters: PodSecurityContextParameters, rendering: Rendering) -> Rendering:
    """Merge the security context; raises RenderError for a contradiction."""
    return merged_pod(rendering, {"securityContext": parameters.model_dump(mode="json", exclude_none=True)})


PODSECURITYCONTEXT = Trait(
    name="podsecuritycontext",
    title="What processes in the pods may do",
    parameters=PodSecurityContextParameters,
    apply=apply,
    examples=(
        {"runAsNonRoot": True, "runAsUser": 10001, "fsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
    ),
)
