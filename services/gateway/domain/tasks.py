"""Runs and applications in the words of KubeMin-Cli's routes."""

from collections.abc import Iterable, Sequence

from shared.contracts import annotations
from shared.contracts.api import ApplyResult
from shared.contracts.desired import StoredApplication
from shared.contracts.dialect import AppliedDocument, ComponentTask, DialectApplication, TaskStatus, TaskView
from shared.contracts.phases import RunPhase, StepPhase
from shared.contracts.views import RunView, StepView
from shared.dialect import workflow_name

RUN_STATUS = {
    RunPhase.ACCEPTED: TaskStatus.WAITING,
    RunPhase.PREPARING: TaskStatus.PREPARE,
    RunPhase.RUNNING: TaskStatus.RUNNING,
    RunPhase.SUSPENDED: TaskStatus.WAITING,
    RunPhase.SUCCEEDED: TaskStatus.COMPLETED,
    RunPhase.FAILED: TaskStatus.FAILED,
    RunPhase.REJECTED: TaskStatus.REJECT,
    RunPhase.ERROR: TaskStatus.FAILED,
    RunPhase.TIMED_OUT: TaskStatus.TIMEOUT,
    RunPhase.CANCELLED: TaskStatus.CANCELLED,
}
STEP_STATUS = {
    StepPhase.WAITING: TaskStatus.WAITING,
    StepPhase.QUEUED: TaskStatus.QUEUED,
    StepPhase.APPLYING: TaskStatus.PREPARE,
    StepPhase.PENDING: TaskStatus.RUNNING,
    StepPhase.RUNNING: TaskStatus.RUNNING,
    StepPhase.SUCCEEDED: TaskStatus.COMPLETED,
    StepPhase.FAILED: TaskStatus.FAILED,
    StepPhase.REJECTED: TaskStatus.REJECT,
    StepPhase.ERROR: TaskStatus.FAILED,
    StepPhase.TIMED_OUT: TaskStatus.TIMEOUT,
    StepPhase.CANCELLED: TaskStatus.CANCELLED,
    StepPhase.SKIPPED: TaskStatus.SKIPPED,
}
_WORST_FIRST = (
    TaskStatus.FAILED,
    TaskStatus.TIMEOUT,
    TaskStatus.REJECT,
    TaskStatus.CANCELLED,
    TaskStatus.RUNNING,
    TaskStatus.PREPARE,
    TaskStatus.QUEUED,
    TaskStatus.WAITING,
    TaskStatus.SKIPPED,
    TaskStatus.COMPLETED,
)
"""Of several steps of a component, what is true of the component."""
_ENDS = frozenset(_WORST_FIRST[:4])
_DIALECT_TYPES = {"statefulset": "store"}


def application(stored: StoredApplication, workflow_id: str) -> DialectApplication:
    """An application as lists show it."""
    record = stored.record
    about = record.document["metadata"].get("annotations") or {}
    return DialectApplication(
        id=record.uid,
        name=record.app.name,
        namespace=record.app.namespace,
        version=about.get(annotations.ANNOTATION_VERSION, ""),
        alias=about.get(annotations.ANNOTATION_ALIAS, ""),
        project=about.get(annotations.ANNOTATION_PROJECT, ""),
        description=about.get(annotations.ANNOTATION_DESCRIPTION, ""),
        icon=about.get(annotations.ANNOTATION_ICON, ""),
        tmp_enable=is_template(stored),
        create_time=record.created_at,
        update_time=stored.updated_at,
        workflow_id=workflow_id,
    )


def applied(stored: StoredApplication, result: ApplyResult) -> AppliedDocument:
    """What became of a document in the dialect."""
    return AppliedDocument(**dict(result), **dict(application(stored, workflow_id=stored.record.uid)))


def is_template(stored: StoredApplication) -> bool:
    """Whether copies of its components may be made."""
    about = stored.record.document["metadata"].get("annotations") or {}
    return about.get(annotations.ANNOTATION_TEMPLATE) == "true"


def task(run: RunView) -> TaskView:
    """Where a run stands, by component, in the order of its steps."""
    by_component: dict[str, list[StepView]] = {}
    for step in run.steps:
        by_component.setdefault(step.component, []).append(step)
    return TaskView(
        task_id=run.run,
        status=RUN_STATUS[run.phase],
        workflow_id=run.uid,
        workflow_name=workflow_name(run.name),
        app_id=run.uid,
        components=tuple(_component(name, steps) for name, steps in by_component.items()),
    )


def _component(name: str, steps: Sequence[StepView]) -> ComponentTask:
    step = min(steps, key=lambda one: _WORST_FIRST.index(STEP_STATUS[one.phase]))
    status = STEP_STATUS[step.phase]
    # Steps of what a component declares come before its own, which is named as it is.
    own = next((one for one in steps if one.step.partition("@")[0] == name), steps[-1])
    starts = [one.started_at for one in steps if one.started_at is not None]
    ended = all(one.phase.terminal for one in steps)
    ends = [one.ended_at for one in steps if one.ended_at is not None]
    return ComponentTask(
        name=name,
        type=_DIALECT_TYPES.get(own.job_type, own.job_type),
        status=status,
        error=_words((step.reason, step.message)) if status in _ENDS else "",
        start_time=min(starts, default=None),
        end_time=max(ends, default=None) if ended else None,
    )


def _words(parts: Iterable[str]) -> str:
    return ": ".join(part for part in parts if part)
