"""Run events: what the planner decided, for projections and auditors; numbered without gaps per application."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from shared.contracts.facts import Progress
from shared.contracts.identity import AppRef, AppUid, ClusterName, Digest, Namespace, ObjectKey, RunId, StepId
from shared.contracts.model import Contract
from shared.contracts.phases import AppPhase, Reason, RunPhase, StepPhase
from shared.contracts.plan import Finding, Override


class Action(StrEnum):
    """What a run is for."""

    DEPLOY = "deploy"
    DELETE = "delete"


class RunEventHeader(Contract):
    """Which application and which event of it."""

    app: AppRef
    uid: AppUid
    n: int
    """Number of the event within the application: 1, 2, 3, … without a gap."""
    run: RunId
    generation: int
    at: datetime
    """UTC, by the planner's clock."""


class StepOutline(Contract):
    """A step as a reader of the run needs to know it."""

    cluster: ClusterName
    namespace: Namespace
    step: StepId
    component: str
    job_type: str
    depends_on: tuple[StepId, ...] = ()
    objects: tuple[ObjectKey, ...] = ()


class RunAccepted(RunEventHeader):
    """A generation was taken up; the plan stands."""

    type: Literal["RunAccepted"] = "RunAccepted"
    action: Action
    requested_by: str
    steps: tuple[StepOutline, ...]
    overrides: tuple[Override, ...] = ()
    warnings: tuple[Finding, ...] = ()


class RunPhaseChanged(RunEventHeader):
    """The run went on or ended, or there is more to tell of it."""

    type: Literal["RunPhaseChanged"] = "RunPhaseChanged"
    phase: RunPhase
    reason: Reason = Reason.NONE
    message: str = ""
    warnings: tuple[Finding, ...] = ()
    """Besides those that were told before: what a cluster says of its part."""


class StepPhaseChanged(RunEventHeader):
    """A step went on or ended, or tells more about why it is where it is."""

    type: Literal["StepPhaseChanged"] = "StepPhaseChanged"
    cluster: ClusterName
    step: StepId
    phase: StepPhase
    reason: Reason = Reason.NONE
    message: str = ""
    attempt: int = 1
    deadline: datetime | None = None
    """Until when this phase may last."""
    progress: Progress = Progress()
    needed: dict[str, str] = Field(default_factory=dict)
    available: dict[str, str] = Field(default_factory=dict)


class ObjectRecorded(RunEventHeader):
    """An object of ours is known by uid from now on."""

    type: Literal["ObjectRecorded"] = "ObjectRecorded"
    cluster: ClusterName
    step: StepId
    key: ObjectKey
    object_uid: str
    digest: Digest
    volume: bool = False


class ObjectForgotten(RunEventHeader):
    """An object of ours is gone, or no longer ours to delete."""

    type: Literal["ObjectForgotten"] = "ObjectForgotten"
    cluster: ClusterName
    key: ObjectKey
    object_uid: str
    retained: bool = False
    """It stays in the cluster (a volume)."""


class AppPhaseChanged(RunEventHeader):
    """The application is being deleted, or is gone."""

    type: Literal["AppPhaseChanged"] = "AppPhaseChanged"
    phase: AppPhase
    reason: Reason = Reason.NONE
    message: str = ""


RunEvent = RunAccepted | RunPhaseChanged | StepPhaseChanged | ObjectRecorded | ObjectForgotten | AppPhaseChanged
RUN_EVENT: TypeAdapter[RunEvent] = TypeAdapter(Annotated[RunEvent, Field(discriminator="type")])
