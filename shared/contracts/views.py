"""What people read: runs, steps and applications as projected from run events and observations.

Served by the gateway, read by CLI and console; the projector writes them.
"""

from datetime import datetime

from pydantic import Field

from shared.contracts.differences import ObjectDifference, UnwantedDifference
from shared.contracts.facts import PodSeen, Progress, StepProblem
from shared.contracts.identity import AppUid, ClusterName, Digest, Namespace, ObjectKey, RunId, StepId
from shared.contracts.model import Contract
from shared.contracts.phases import AppPhase, Health, Reason, RunPhase, StepPhase
from shared.contracts.plan import ApplyMode, Deadlines, Finding, Manifest, Override, Reference, Treatment
from shared.contracts.runs import Action


class ObjectView(Contract):
    """One object in a cluster, as last observed."""

    key: ObjectKey
    object_uid: str = ""
    """Empty until it was applied."""
    digest: Digest | None = None
    health: Health = Health.UNKNOWN
    reason: Reason = Reason.NONE
    message: str = ""
    progress: Progress = Progress()
    observed_at: datetime | None = None


class StepView(Contract):
    """One step of a run."""

    cluster: ClusterName
    namespace: Namespace
    step: StepId
    component: str
    job_type: str
    depends_on: tuple[StepId, ...] = ()
    phase: StepPhase = StepPhase.WAITING
    reason: Reason = Reason.NONE
    message: str = ""
    attempt: int = 1
    deadline: datetime | None = None
    progress: Progress = Progress()
    needed: dict[str, str] = Field(default_factory=dict)
    available: dict[str, str] = Field(default_factory=dict)
    started_at: datetime | None = None
    ended_at: datetime | None = None
    objects: tuple[ObjectView, ...] = ()
    pods: tuple[PodSeen, ...] = ()


class RunSummary(Contract):
    """A run without its steps."""

    run: RunId
    uid: AppUid
    tenant: str
    namespace: str
    name: str
    generation: int
    action: Action
    phase: RunPhase
    reason: Reason = Reason.NONE
    message: str = ""
    requested_by: str
    accepted_at: datetime
    ended_at: datetime | None = None
    n: int
    """Number of the last run event in it: the id to resume a stream of events after."""


class RunView(RunSummary):
    """A run with its steps."""

    steps: tuple[StepView, ...] = ()
    overrides: tuple[Override, ...] = ()
    warnings: tuple[Finding, ...] = ()

    def summary(self) -> RunSummary:
        """The same run without its steps."""
        return RunSummary(**{name: getattr(self, name) for name in RunSummary.model_fields})


class ClusterHealth(Contract):
    """How an application is on one cluster."""

    cluster: ClusterName
    health: Health
    reason: Reason = Reason.NONE
    message: str = ""
    beat_age_s: float | None = None
    """Age of the observer's last sign of life; None: never seen. An old one makes the health Unknown."""


class ApplicationSummary(Contract):
    """An application as lists show it."""

    uid: AppUid
    tenant: str
    namespace: str
    name: str
    phase: AppPhase
    generation: int
    observed_generation: int
    clusters: tuple[ClusterName, ...]
    health: Health
    run: RunSummary | None = None
    """The newest."""
    created_at: datetime
    updated_at: datetime


class ApplicationView(ApplicationSummary):
    """An application with the state of its newest run and its health by cluster."""

    cluster_health: tuple[ClusterHealth, ...] = ()
    steps: tuple[StepView, ...] = ()
    """Of the newest run, with objects and pods as they are now."""
    warnings: tuple[Finding, ...] = ()
    """Of the newest run: of its document, and of its clusters."""


class RevisionView(Contract):
    """A generation of an application that it can be rolled back to."""

    generation: int
    current: bool
    """It is what the application is meant to be now."""
    action: str
    """What made it: `create`, `update`, `rerun`, `rollback` or `cancel`."""
    rolled_back_to: int | None = None
    """Of a rollback: the generation whose document this one has."""
    cancelled: int | None = None
    """Of a cancellation, which has no run of its own: the generation whose run it was to end."""
    requested_by: str
    at: datetime
    clusters: tuple[ClusterName, ...]
    phase: RunPhase | None = None
    """How its run stands or has ended; null: it was never begun."""


class ClusterView(Contract):
    """A registered cluster and the state of its agent."""

    name: ClusterName
    default: bool
    labels: dict[str, str] = Field(default_factory=dict)
    reachable: bool
    """Executor and observer both gave a sign of life lately."""
    simulated: bool = False
    kubernetes_version: str = ""
    incarnation: str = ""
    executor_beat_age_s: float | None = None
    observe_beat_age_s: float | None = None


class PlanObjectView(Contract):
    """One object that a plan would apply."""

    key: ObjectKey
    mode: ApplyMode
    volume: bool = False
    """Outlives the application, unless its treatment says otherwise."""
    treatment: Treatment = Treatment()
    """What policies say of it."""
    manifest: Manifest
    """Secret values are masked."""
    live: ObjectDifference | None = None
    """What would become of it in its cluster; null where the cluster was not asked: another step overrides it."""


class PlanStepView(Contract):
    """One step of a plan."""

    cluster: ClusterName
    namespace: Namespace
    step: StepId
    component: str
    job_type: str
    waits_for: tuple[StepId, ...] = ()
    """Steps of the same cluster that have to succeed first."""
    objects: tuple[PlanObjectView, ...] = ()
    """In the order in which they are applied."""
    references: tuple[Reference, ...] = ()
    """What has to be in the cluster already."""
    runs_once: bool = False
    overridden_by: StepId | None = None
    deadlines: Deadlines = Deadlines()


class PlanClusterView(Contract):
    """What a cluster says of its part of a plan; nothing of it was written there."""

    cluster: ClusterName
    compared: bool
    """Everything was checked and compared."""
    message: str = ""
    """Why not, in one sentence."""
    problems: tuple[StepProblem, ...] = ()
    """For which the run would be Rejected, or a step fail; missing references first."""
    warnings: tuple[str, ...] = ()
    """Such as optional references to what is not there."""
    unwanted: tuple[UnwantedDifference, ...] = ()
    """What earlier generations have applied and this one does not have."""


class PlanView(Contract):
    """What applying a document would do: steps in topological order, cluster by cluster."""

    tenant: str
    namespace: str
    name: str
    generation: int
    """That applying it would make, or that it has."""
    changed: bool = True
    """False: it is what was applied last, and applying it again does nothing; differences are what others changed."""
    steps: tuple[PlanStepView, ...]
    overrides: tuple[Override, ...] = ()
    warnings: tuple[Finding, ...] = ()
    clusters: tuple[PlanClusterView, ...] = ()
    """In the order of the steps, then those from which everything is taken away."""
