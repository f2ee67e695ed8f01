"""`cron-task`: a CronJob, which runs code or a script again and again."""

from typing import Annotated, Literal

from pydantic import Field

from shared.jobtypes.base import JobType, RenderContext, Rendering
from shared.jobtypes.fields import Count, NoEffect, Schedule
from shared.jobtypes.objects import new_object, present
from shared.jobtypes.pods import HostAlias, LabelledPodParameters, pod_template, rendered_host_aliases
from shared.jobtypes.probes import Probe
from shared.jobtypes.rules import rule_for
from shared.jobtypes.volumes import VolumeMounts, pod_volumes


class CronTaskParameters(LabelledPodParameters):
    """Code or a script that runs at set times."""

    schedule: Schedule
    """When it runs, as five fields of cron: `0 3 * * *`."""
    startingDeadlineSeconds: int | None = Field(default=None, ge=0)
    """Seconds after its time in which a run may still begin; no limit if left out."""
    suspend: bool = False
    """Begin no further runs; those that are under way go on."""
    concurrencyPolicy: Literal["Allow", "Forbid", "Replace"] = "Allow"
    """Whether a run begins beside one that is under way, is left out, or takes its place."""
    successfulJobsHistoryLimit: Count = 3
    """How many successful runs are kept."""
    failedJobsHistoryLimit: Count = 1
    """How many failed runs are kept."""
    count: Count = 1
    """How many pods have to succeed in a run; all of them run at once."""
    restart: Literal["Never", "OnFailure"] = "Never"
    """Whether a failed container is started again in its pod (`OnFailure`) or in a new one."""
    ttlSecondsAfterFinished: Count | None = None
    """Seconds after its end in which a run is kept."""
    activeDeadlineSeconds: int | None = Field(default=None, ge=1)
    """Seconds that a run may take."""
    backoffLimit: Count = 6
    """How many failed pods fail a run."""
    volumeMounts: VolumeMounts | None = None
    """Volumes and where they are mounted."""
    livenessProbe: Annotated[Probe | None, NoEffect("nothing waits for the health of a Job's pods")] = None
    """Accepted and not rendered, as in KubeVela."""
    readinessProbe: Annotated[Probe | None, NoEffect("nothing waits for the health of a Job's pods")] = None
    """Accepted and not rendered, as in KubeVela."""
    hostAliases: list[HostAlias] | None = None
    """Lines of the pods' hosts file."""


def render(context: RenderContext, parameters: CronTaskParameters) -> Rendering:
    """Render a CronJob that bears the component's name; its Jobs have the labels and annotations of the pods."""
    template = pod_template(
        context,
        parameters,
        pod_volumes(parameters.volumeMounts, parameters.volumes),
        container={"imagePullPolicy": parameters.imagePullPolicy},
        pod={"restartPolicy": parameters.restart, "hostAliases": rendered_host_aliases(parameters.hostAliases)},
    )
    cron_job = new_object(context, "batch/v1", "CronJob")
    cron_job["spec"] = {
        "schedule": parameters.schedule,
        "concurrencyPolicy": parameters.concurrencyPolicy,
        "suspend": parameters.suspend,
        "successfulJobsHistoryLimit": parameters.successfulJobsHistoryLimit,
        "failedJobsHistoryLimit": parameters.failedJobsHistoryLimit,
        **present(startingDeadlineSeconds=parameters.startingDeadlineSeconds),
        "jobTemplate": {
            **present(metadata=template["metadata"]),
            "spec": {
                "parallelism": parameters.count,
                "completions": parameters.count,
                "backoffLimit": parameters.backoffLimit,
                **present(
                    ttlSecondsAfterFinished=parameters.ttlSecondsAfterFinished,
                    activeDeadlineSeconds=parameters.activeDeadlineSeconds,
                ),
                "template": template,
            },
        },
    }
    return Rendering(workload=cron_job)


CRON_TASK = JobType(
    name="cron-task",
    title="Code or a script that runs at set times (CronJob)",
    parameters=CronTaskParameters,
    render=render,
    kinds=frozenset({"batch/v1/CronJob"}),
    completion=rule_for,
    examples=({"image": "registry.example/report:1", "schedule": "0 3 * * *", "concurrencyPolicy": "Forbid"},),
)
