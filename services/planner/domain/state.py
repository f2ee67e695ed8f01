"""The mutable state of one application: what was decided, asked, answered and observed.

Times are UNIX seconds (UTC), so that the state stays compact. Keys: a step is `<cluster>/<step id>`, an object
`<cluster>|<apiVersion>|<kind>|<namespace>|<name>`.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum

from pydantic import TypeAdapter

from shared.contracts.facts import Progress
from shared.contracts.identity import AppRef, AppUid, ClusterName, Digest, Namespace, ObjectKey, RunId, StepId
from shared.contracts.phases import AppPhase, Reason, RunPhase, StepPhase
from shared.contracts.plan import Collection, Deadlines, Disposal
from shared.contracts.runs import Action

NEVER = 4e9
"""No deadline: a moment in the year 2096, finite so that it survives JSON and indexes."""


def step_key(cluster: ClusterName, step: StepId) -> str:
    """The key of a step within a run."""
    return f"{cluster}/{step}"


def object_key(cluster: ClusterName, key: ObjectKey) -> str:
    """The key of an object within the inventory."""
    return f"{cluster}|{key.api_version}|{key.kind}|{key.namespace}|{key.name}"


@dataclass(slots=True)
class Asked:
    """A command that waits for its answer."""

    nonce: int
    not_after: float
    """Past it the executor changes nothing any more."""
    resend_at: float
    backoff_s: float


@dataclass(slots=True)
class WantedObject:
    """One object of a step, by reference to the plan."""

    key: ObjectKey
    digest: Digest
    volume: bool = False
    line: str = ""
    """Of a Job: its line in the ledger."""
    disposal: Disposal = field(default_factory=Disposal)
    read_only: bool = False
    left_alone: bool = False
    """Whatever others make of it stays: its drift is not reverted."""


@dataclass(slots=True)
class AppliedState:
    """What the API server had after the apply."""

    object_uid: str
    digest: Digest
    metadata_generation: int | None
    final: bool
    fields: str = ""
    """What was ours of it then; empty where nothing was."""


@dataclass(slots=True)
class ObservedState:
    """The latest verdict of the observer about one object."""

    object_uid: str
    digest: Digest
    metadata_generation: int | None
    verdict: str
    """`progressing`, `succeeded`, `failed` or `vanished`."""
    order: tuple[str, int, int]
    reason: Reason = Reason.NONE
    message: str = ""
    started: bool = False
    ready: int = 0
    desired: int = 0


@dataclass(slots=True)
class StepState:
    """One step of the current run."""

    cluster: ClusterName
    step: StepId
    namespace: Namespace
    component: str
    job_type: str
    depends_on: list[StepId]
    objects: list[WantedObject]
    deadlines: Deadlines
    to_completion: bool = False
    """It has an end of its own, so the run deadline counts from its start."""
    overridden_by: StepId | None = None
    attempt: int = 1
    phase: StepPhase = StepPhase.WAITING
    reason: Reason = Reason.NONE
    message: str = ""
    progress: Progress = field(default_factory=Progress)
    unmet: int = 0
    """Dependencies that have not ended well yet."""
    nonce: int = 0
    answered: int = 0
    """Highest nonce that was answered; a later command may still take effect."""
    until: float = 0
    """When the last of its commands expires."""
    creating: int = 0
    """Nonce of the last command that may create a Job."""
    asked: Asked | None = None
    nudge_at: float = NEVER
    """Answered but unfinished: when to ask for the facts again."""
    nudge_backoff_s: float = 0
    deadline: float = NEVER
    started: bool = False
    """It ran once: the run deadline counts from then, also when it is pending again in between."""
    stopped: bool = False
    """It was given up: a Job of it that shows up later is deleted."""
    overdue_since: float = NEVER
    """Its deadline passed while its cluster gave no sign of life: the verdict waits under a limit of its own."""
    applied_nonce: int = 0
    """Of the command whose answer is in `applied`."""
    applied: dict[str, AppliedState] = field(default_factory=dict)
    observed: dict[str, ObservedState] = field(default_factory=dict)
    rank: int = 0
    """Where deletions are ordered: one more than that of everything it depends on."""
    waited_out: bool = False
    """It has waited long enough for what it refers to."""

    @property
    def may_wait(self) -> bool:
        """Whether it may wait for what others make."""
        return self.deadlines.reference_s > 0 and not self.waited_out

    @property
    def key(self) -> str:
        """Its key within the run."""
        return step_key(self.cluster, self.step)


@dataclass(slots=True)
class ClusterState:
    """The prepare barrier of one target cluster."""

    prepared: bool = False
    prepared_at: float = 0
    waiting: bool = False
    """It has answered that something is lacking which is waited for."""
    nonce: int = 0
    answered: int = 0
    """Highest nonce that was answered."""
    asked: Asked | None = None
    reason: Reason = Reason.NONE
    message: str = ""


@dataclass(slots=True)
class PruneTarget:
    """An object to delete, whatever the inventory has learnt of its name since."""

    key: ObjectKey
    digest: Digest
    not_before: float = 0
    volume: bool = False
    release: bool = False
    """It is given up, not deleted."""
    disposal: Disposal = field(default_factory=Disposal)
    rank: int = 0
    """The highest go first."""


@dataclass(slots=True)
class PruneState:
    """What one cluster is to delete, and the command that asks for it."""

    objects: dict[str, PruneTarget] = field(default_factory=dict)
    """By uid."""
    held: dict[str, PruneTarget] = field(default_factory=dict)
    """Jobs that a command which is still under way could create again, by uid; asked for when it has expired."""
    nonce: int = 0
    answered: int = 0
    """Highest nonce that was answered."""
    until: float = 0
    """When the last of its commands expires."""
    asked: Asked | None = None
    reason: Reason = Reason.NONE
    message: str = ""
    """Why it is not done yet."""

    @property
    def foremost(self) -> dict[str, PruneTarget]:
        """What goes first; the rest is asked for when that is gone."""
        highest = max((target.rank for target in self.objects.values()), default=0)
        return {uid: target for uid, target in self.objects.items() if target.rank == highest}


@dataclass(slots=True)
class Drifted:
    """An object that others have changed or deleted since it was applied."""

    order: tuple[str, int, int]
    """Of the observation that tells so."""
    gone: bool
    fields: str
    suspected: bool = False
    """It was only not seen: where that was wrong, nobody is to be told."""


@dataclass(slots=True)
class Drift:
    """What others did to the objects of a step that had succeeded, and what was done about it."""

    objects: dict[str, Drifted] = field(default_factory=dict)
    """Those that are not as they were applied, by object key; none once it has converged again."""
    due: float = NEVER
    """When the step is applied again."""
    asked: Asked | None = None
    tries: int = 0
    """Answered, in a row: the next one waits the longer."""
    reverted: int = 0
    """Those of them that had something to set back."""
    last: float = 0
    """When the last one was answered."""
    managers: list[str] = field(default_factory=list)
    """Who had changed something then, as the executor words it."""
    trouble: str = ""
    """Why the last one did not succeed."""


@dataclass(slots=True)
class RunState:
    """The newest run."""

    run: RunId
    generation: int
    action: Action
    phase: RunPhase
    accepted_at: float
    deadline: float = NEVER
    """While preparing: of the clusters that have not answered."""
    clusters: dict[ClusterName, ClusterState] = field(default_factory=dict)
    steps: dict[str, StepState] = field(default_factory=dict)
    ready: list[str] = field(default_factory=list)
    """Steps whose dependencies are met and that wait for a place in the window."""
    pruning: bool = False
    """All steps ended well; what the new generation no longer has is being deleted."""
    reason: Reason = Reason.NONE
    """With the message: what was told last."""
    message: str = ""
    collection: Collection = field(default_factory=Collection)
    drifts: dict[str, Drift] = field(default_factory=dict)
    """By step key, of steps that have succeeded."""


@dataclass(slots=True)
class InventoryObject:
    """An object of ours that exists in a cluster, as far as we know."""

    cluster: ClusterName
    step: StepId
    key: ObjectKey
    object_uid: str
    digest: Digest
    generation: int
    """The application generation that introduced the digest."""
    volume: bool = False
    disposal: Disposal = field(default_factory=Disposal)
    rank: int = 0
    """See `StepState`."""


class JobOutcome(StrEnum):
    """What became of a Job."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """Also: it vanished before it had ended."""
    STOPPED = "stopped"
    """We deleted it, or are about to; it may yet turn out to have succeeded before that."""

    @property
    def wants_another(self) -> bool:
        """Whether it is to be run again when it is wanted again."""
        return self in (JobOutcome.FAILED, JobOutcome.STOPPED)


@dataclass(slots=True)
class JobEntry:
    """The ledger's line about one Job, in all its attempts."""

    key: ObjectKey
    """Of the last attempt, as are the fields down to `ended_at`."""
    attempt: int
    digest: Digest
    outcome: JobOutcome = JobOutcome.STARTED
    object_uid: str = ""
    """Empty until it is known."""
    spent_uid: str = ""
    """Of the Job before, where a new one takes the same name: nothing that is said of it counts any more."""
    until: float = 0
    """When the last command that could create it expires."""
    ended_at: float = 0
    """When we learnt how it ended; 0 while it has not."""
    lifetime_s: float | None = None
    """How long it is kept after its end; None where it is kept, and once it was removed."""
    earlier: dict[Digest, JobOutcome] = field(default_factory=dict)
    """Attempts before."""


@dataclass(slots=True)
class Draining:
    """A command of a superseded run that may still take effect."""

    cluster: ClusterName
    step: StepId
    run: RunId
    attempt: int
    nonce: int
    not_after: float


@dataclass(slots=True)
class AppState:
    """Everything decided about one application."""

    app: AppRef
    uid: AppUid
    n: int = 0
    """Of the last run event."""
    phase: AppPhase = AppPhase.ACTIVE
    phase_reason: Reason = Reason.NONE
    phase_message: str = ""
    generation: int = 0
    """The highest taken up."""
    run: RunState | None = None
    addressed: set[ClusterName] = field(default_factory=set)
    """Every cluster that a run of it was for; what any other says of it counts for nothing."""
    inventory: dict[str, InventoryObject] = field(default_factory=dict)
    ledger: dict[str, JobEntry] = field(default_factory=dict)
    """`<cluster>/<digest of the Job's first attempt>` → what became of it; the last wanted stand last."""
    draining: dict[str, Draining] = field(default_factory=dict)
    prunes: dict[ClusterName, PruneState] = field(default_factory=dict)
    prune_nonce: int = 0
    """Of the last prune command to any cluster: no two bear the same name."""


STATE: TypeAdapter[AppState] = TypeAdapter(AppState)


def dependents(run: RunState) -> dict[str, list[str]]:
    """Step key → keys of the steps that wait for it."""
    waiting: dict[str, list[str]] = defaultdict(list)
    for key, step in run.steps.items():
        for dependency in step.depends_on:
            waiting[step_key(step.cluster, dependency)].append(key)
    return waiting
