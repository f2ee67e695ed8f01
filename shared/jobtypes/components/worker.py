"""`worker`: a Deployment without a network endpoint."""

from typing import Literal

from shared.jobtypes.base import JobType, RenderContext, Rendering
from shared.jobtypes.fields import PullPolicy
from shared.jobtypes.objects import new_object
from shared.jobtypes.pods import PodParameters, pod_template
from shared.jobtypes.probes import LivenessProbe, Probe, rendered_probe
from shared.jobtypes.rules import rule_for
from shared.jobtypes.volumes import VolumeMounts, pod_volumes


class WorkerParameters(PodParameters):
    """A long-running, scalable service that nobody connects to."""

    imagePullPolicy: PullPolicy | Literal[""] | None = None
    """When the image is pulled; Kubernetes' default if left out."""
    volumeMounts: VolumeMounts | None = None
    """Volumes and where they are mounted."""
    livenessProbe: LivenessProbe | None = None
    """Says whether the container is to be restarted."""
    readinessProbe: Probe | None = None
    """Says whether the container works."""


def render(context: RenderContext, parameters: WorkerParameters) -> Rendering:
    """Render a Deployment that bears the component's name."""
    deployment = new_object(context, "apps/v1", "Deployment")
    deployment["spec"] = {
        "selector": {"matchLabels": context.selector},
        "template": pod_template(
            context,
            parameters,
            pod_volumes(parameters.volumeMounts, parameters.volumes),
            container={
                "imagePullPolicy": parameters.imagePullPolicy,
                "livenessProbe": rendered_probe(parameters.livenessProbe, "livenessProbe"),
                "readinessProbe": rendered_probe(parameters.readinessProbe, "readinessProbe"),
            },
            pod={},
        ),
    }
    return Rendering(workload=deployment)


WORKER = JobType(
    name="worker",
    title="A long-running service that nobody connects to (Deployment)",
    parameters=WorkerParameters,
    render=render,
    kinds=frozenset({"apps/v1/Deployment"}),
    completion=rule_for,
    examples=({"image": "registry.example/mailer:3", "cmd": ["mailer", "--queue", "outbox"]},),
)
