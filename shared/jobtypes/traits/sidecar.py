"""`sidecar`: another container in the component's pods."""

from shared.jobtypes.base import Parameters, RenderContext, Rendering, Trait
from shared.jobtypes.fields import ContainerName, NonEmpty, VolumeName
from shared.jobtypes.objects import present
from shared.jobtypes.podpatch import Container, PodSpec, add_container, add_mount, patched_pod
from shared.jobtypes.pods import EnvVar, rendered_env
from shared.jobtypes.probes import LivenessProbe, Probe, rendered_probe


class SidecarMount(Parameters):
    """A volume of the pod to mount."""

    name: VolumeName
    """Name of the volume; another trait or the component brings it."""
    path: NonEmpty
    """Path within the container."""


class SidecarParameters(Parameters):
    """Another container beside the component's own."""

    name: ContainerName
    """Name of the container."""
    image: NonEmpty
    """Image of the container."""
    cmd: list[str] | None = None
    """Command to run instead of the image's entrypoint."""
    args: list[str] | None = None
    """Arguments of the command."""
    env: list[EnvVar] | None = None
    """Environment variables; of two with one name the later counts."""
    volumes: list[SidecarMount] | None = None
    """Volumes of the pod to mount."""
    livenessProbe: LivenessProbe | None = None
    """Says whether the container is to be restarted."""
    readinessProbe: Probe | None = None
    """Says whether the container can serve."""


def apply(_context: RenderContext, parameters: SidecarParameters, rendering: Rendering) -> Rendering:
    """Add the container; raises RenderError where its name is taken."""
    container: Container = present(
        name=parameters.name,
        image=parameters.image,
        command=parameters.cmd,
        args=parameters.args,
        env=rendered_env(parameters.env),
        livenessProbe=rendered_probe(parameters.livenessProbe, "livenessProbe"),
        readinessProbe=rendered_probe(parameters.readinessProbe, "readinessProbe"),
    )
    for index, mount in enumerate(parameters.volumes or ()):
        add_mount(container, {"name": mount.name, "mountPath": mount.path}, f"volumes[{index}].path")

    def patch(pod: PodSpec) -> None:
        add_container(pod, container, field="containers", path="name")

    return patched_pod(rendering, patch)


SIDECAR = Trait(
    name="sidecar",
    title="Another container in the component's pods",
    parameters=SidecarParameters,
    apply=apply,
    examples=(
        {
            "name": "log-shipper",
            "image": "registry.example/log-shipper:4",
            "args": ["--from", "/var/log/shop"],
            "env": [{"name": "LEVEL", "value": "info"}],
        },
    ),
)
