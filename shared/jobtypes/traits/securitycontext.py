"""`securitycontext`: what processes in containers may do."""

from typing import Any

from shared.jobtypes.base import RenderContext, RenderError, Rendering, Trait
from shared.jobtypes.fields import NonEmpty, OwnerId
from shared.jobtypes.objects import present
from shared.jobtypes.per_container import OfContainer, OneOrSeveral, patched_containers
from shared.jobtypes.podpatch import Container, merge_container

_SYS_ADMIN = frozenset({"SYS_ADMIN", "CAP_SYS_ADMIN"})


class SecurityFields(OfContainer):
    """What processes in one container may do."""

    addCapabilities: list[str] | None = None
    """Capabilities to add to those of the container runtime."""
    dropCapabilities: list[str] | None = None
    """Capabilities to take away; `ALL` for all."""
    allowPrivilegeEscalation: bool = False
    """Whether a process may get more rights than its parent."""
    privileged: bool = False
    """Whether processes are as root on the node."""
    readOnlyRootFilesystem: bool = False
    """Whether the container's own file system is read-only."""
    runAsNonRoot: bool = True
    """Whether an image that would run as root is refused."""
    runAsUser: OwnerId | None = None
    """User to run as; that of the image if left out."""
    runAsGroup: OwnerId | None = None
    """Group to run as; that of the container runtime if left out."""


class ContainerSecurity(SecurityFields):
    """What processes in one container may do."""

    containerName: NonEmpty
    """Name of the container."""


class SecurityContextParameters(SecurityFields, OneOrSeveral):
    """What processes may do in one container, or in several in `containers`.

    In KubeVela `privileged: true` needs `allowPrivilegeEscalation: true` beside it, or Kubernetes refuses the pod; here
    the default gives way, and so it does for the capability SYS_ADMIN.
    """

    containers: list[ContainerSecurity] | None = None
    """The same for several containers, instead of the other fields."""


def apply(context: RenderContext, parameters: SecurityContextParameters, rendering: Rendering) -> Rendering:
    """Merge the security context; raises RenderError for an unknown container and for a contradiction."""
    return patched_containers(context, rendering, parameters, parameters.containers, _secure)


def _secure(container: Container, wanted: SecurityFields, prefix: str) -> None:
    escalates = wanted.privileged or not _SYS_ADMIN.isdisjoint(wanted.addCapabilities or ())
    if escalates and "allowPrivilegeEscalation" in wanted.model_fields_set and not wanted.allowPrivilegeEscalation:
        message = "privileged processes and those with SYS_ADMIN can get more rights than their parent"
        raise RenderError(f"{prefix}allowPrivilegeEscalation", "PrivilegeConflict", message, "Leave it out")
    capabilities = present(add=wanted.addCapabilities, drop=wanted.dropCapabilities)
    security: dict[str, Any] = present(
        capabilities=capabilities or None,
        runAsUser=wanted.runAsUser,
        runAsGroup=wanted.runAsGroup,
        allowPrivilegeEscalation=wanted.allowPrivilegeEscalation or escalates,
        readOnlyRootFilesystem=wanted.readOnlyRootFilesystem,
        privileged=wanted.privileged,
        runAsNonRoot=wanted.runAsNonRoot,
    )
    merge_container(container, {"securityContext": security}, prefix.removesuffix("."))


SECURITYCONTEXT = Trait(
    name="securitycontext",
    title="What processes in containers may do",
    parameters=SecurityContextParameters,
    apply=apply,
    examples=({"runAsUser": 10001, "readOnlyRootFilesystem": True, "dropCapabilities": ["ALL"]},),
)
