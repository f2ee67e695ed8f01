"""Answers of KubeMin-Cli's routes: its users' clients read them, so their keys are that project's.

Source: its REST API as of December 2025.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import Field

from shared.contracts.api import ApplyResult, Problem
from shared.contracts.identity import AppUid, RunId
from shared.contracts.model import Contract
from shared.contracts.plan import Finding


class TaskStatus(StrEnum):
    """Where a run or one of its components stands, in that project's words."""

    WAITING = "waiting"
    QUEUED = "queued"
    PREPARE = "prepare"
    RUNNING = "running"
    COMPLETED = "completed"
    SKIPPED = "skipped"
    FAILED = "failed"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    REJECT = "reject"


class DialectApplication(Contract):
    """What that project says of an application."""

    id: AppUid
    name: str
    namespace: str
    version: str = ""
    alias: str = ""
    project: str = ""
    description: str = ""
    icon: str = ""
    tmp_enable: bool = False
    """It may be cloned."""
    create_time: datetime
    update_time: datetime
    workflow_id: str
    """Of its one workflow; empty in lists."""


class AppliedDocument(DialectApplication, ApplyResult):
    """What became of an accepted document in the dialect: in its words, and in those of all documents."""


class TemplateList(Contract):
    """A page of the applications that may be cloned; it may be short although more follows."""

    applications: tuple[DialectApplication, ...]
    continue_: str | None = Field(default=None, alias="continue")
    """To be sent for the next page; null: there is none."""


class FieldError(Contract):
    """One thing that is wrong with a document, in that project's words."""

    field: str
    code: str
    message: str


class TryResult(Contract):
    """Whether a document would be accepted."""

    valid: bool
    errors: tuple[FieldError, ...] = ()
    warnings: tuple[Finding, ...] = ()


class ComponentList(Contract):
    """The components of an application as maps of the dialect; secret values are masked."""

    components: tuple[dict[str, Any], ...]


class WorkflowPart(Contract):
    """A part of a step."""

    name: str
    components: tuple[str, ...]


class WorkflowStep(WorkflowPart):
    """A step: its components come one after another, or all at once where its mode is DAG."""

    mode: str
    sub_steps: tuple[WorkflowPart, ...] = ()


class Workflow(Contract):
    """The order of an application's components."""

    id: str
    name: str
    alias: str = ""
    status: TaskStatus
    """Of its newest run."""
    disabled: bool = False
    steps: tuple[WorkflowStep, ...]


class WorkflowList(Contract):
    """The workflows of an application: there is one."""

    workflows: tuple[Workflow, ...]


class WorkflowChanged(Contract):
    """Which workflow was written."""

    workflow_id: str
    task_id: RunId
    """The run that carries it out."""
    warnings: tuple[Finding, ...] = ()


class TaskStarted(Contract):
    """The run to ask about."""

    task_id: RunId


class ComponentTask(Contract):
    """Where a component stands."""

    name: str
    type: str
    status: TaskStatus
    error: str = ""
    start_time: datetime | None = None
    end_time: datetime | None = None


class TaskView(Contract):
    """Where a run stands, by component."""

    task_id: RunId
    status: TaskStatus
    workflow_id: str
    workflow_name: str
    app_id: AppUid
    type: str = "workflow"
    components: tuple[ComponentTask, ...]


class TaskCancelled(Contract):
    """A run that is cancelled, or how it had ended before."""

    task_id: RunId
    status: TaskStatus


class VersionResult(Contract):
    """What a new version of an application is made of."""

    app_id: AppUid
    version: str
    previous_version: str
    strategy: str
    task_id: RunId
    updated_components: tuple[str, ...] = ()
    added_components: tuple[str, ...] = ()
    removed_components: tuple[str, ...] = ()
    warnings: tuple[Finding, ...] = ()


class ResourcesDeleted(Contract):
    """What goes with an application, as `<kind>/<name>`; volumes stay."""

    app_id: AppUid
    task_id: RunId
    """The run that deletes them."""
    deleted_resources: tuple[str, ...]
    failed_resources: tuple[str, ...] = ()


class DialectProblem(Problem):
    """The same as for all requests, with that project's keys."""

    business_code: int
    """Stable: 10005 no such application, 20005 no such workflow, 20006 no such task."""
    message: str
