"""`task`: a Job that runs to completion."""

from typing import Annotated, Literal

from shared.jobtypes.base import JobType, RenderContext, Rendering
from shared.jobtypes.fields import Count, Deprecated, NoEffect
from shared.jobtypes.objects import new_object, present
from shared.jobtypes.pods import LabelledPodParameters, pod_template
from shared.jobtypes.probes import Probe
from shared.jobtypes.rules import rule_for
from shared.jobtypes.volumes import Volume, pod_volumes


class TaskParameters(LabelledPodParameters):
    """Code or a script that runs to completion.

    The Job is named by component, template and attempt: it runs again when its template changes, and otherwise never.
    KubeVela calls it `<application>-<component>`, and Kubernetes then refuses each change of its template.
    """

    count: Count = 1
    """How many pods have to succeed; all of them run at once."""
    restart: Literal["Never", "OnFailure"] = "Never"
    """Whether a failed container is started again in its pod (`OnFailure`) or in a new one."""
    volumes: Annotated[list[Volume] | None, Deprecated("the trait storage")] = None
    """Volumes and where they are mounted."""
    livenessProbe: Annotated[Probe | None, NoEffect("nothing waits for the health of a Job's pods")] = None
    """Accepted and not rendered, as in KubeVela."""
    readinessProbe: Annotated[Probe | None, NoEffect("nothing waits for the health of a Job's pods")] = None
    """Accepted and not rendered, as in KubeVela."""
    backoffLimit: Count | None = None
    """KubeMin's own: how many failed pods fail the task; Kubernetes' default, 6, if left out."""


def render(context: RenderContext, parameters: TaskParameters) -> Rendering:
    """Render a Job; planning gives it its name."""
    job = new_object(context, "batch/v1", "Job")
    job["spec"] = {
        "parallelism": parameters.count,
        "completions": parameters.count,
        **present(backoffLimit=parameters.backoffLimit),
        "template": pod_template(
            context,
            parameters,
            pod_volumes(None, parameters.volumes),
            container={"imagePullPolicy": parameters.imagePullPolicy},
            pod={"restartPolicy": parameters.restart},
        ),
    }
    return Rendering(workload=job)


TASK = JobType(
    name="task",
    title="Code or a script that runs to completion (Job)",
    parameters=TaskParameters,
    render=render,
    kinds=frozenset({"batch/v1/Job"}),
    completion=rule_for,
    runs_once=True,
    examples=({"image": "registry.example/schema:7", "cmd": ["migrate", "up"], "restart": "OnFailure"},),
)
