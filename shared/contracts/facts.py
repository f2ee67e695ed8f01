"""Facts that the agents of a cluster state: the executor's answers and the observer's observations. Past tense."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from shared.contracts.identity import AppRef, AppUid, ClusterName, Digest, ObjectKey, RunId, StepId
from shared.contracts.model import Contract
from shared.contracts.phases import Reason
from shared.contracts.plan import Disposal, Finding


class AnswerHeader(Contract):
    """Repeats the header of the command that it answers."""

    app: AppRef
    uid: AppUid
    run: RunId
    generation: int
    cluster: ClusterName
    step: StepId
    attempt: int
    nonce: int
    at: datetime
    """UTC, by the agent's clock: for people, never for order."""


class RunPrepared(AnswerHeader):
    """The slice can be applied."""

    type: Literal["RunPrepared"] = "RunPrepared"
    warnings: tuple[Finding, ...] = ()


class StepProblem(Contract):
    """Why a step cannot be applied."""

    step: StepId
    reason: Reason
    message: str
    """Names the object, the place and the remedy."""


class RunHeldBack(AnswerHeader):
    """The slice lacks nothing but what may be waited for; nothing was created."""

    type: Literal["RunHeldBack"] = "RunHeldBack"
    problems: tuple[StepProblem, ...]


class RunRejected(AnswerHeader):
    """The platform refuses; nothing was created."""

    type: Literal["RunRejected"] = "RunRejected"
    problems: tuple[StepProblem, ...]


class AppliedObject(Contract):
    """One object as the API server has it after the apply."""

    key: ObjectKey
    object_uid: str
    digest: Digest
    metadata_generation: int | None = None
    """None for kinds that have no metadata.generation."""
    final: bool = False
    """Nothing to wait for: create-only objects and those without a completion rule."""
    existed: bool = False
    """It was there already and was not touched (create-only, or read-only)."""
    disposal: Disposal = Disposal()
    """As the command said it: whoever records the object knows what becomes of it."""
    fields: str = ""
    """Digest of the fields that are ours after the apply (`shared.contracts.managed`); empty where none are."""
    written: bool = False
    """It is not as it was before."""
    taken_from: tuple[str, ...] = ()
    """Field managers that had changed fields of it, with the fields, for people."""


class StepApplied(AnswerHeader):
    """Every object of the step was applied."""

    type: Literal["StepApplied"] = "StepApplied"
    objects: tuple[AppliedObject, ...]


class StepQueued(AnswerHeader):
    """It does not fit now; the planner keeps the queue."""

    type: Literal["StepQueued"] = "StepQueued"
    reason: Reason
    message: str
    needed: dict[str, str] = Field(default_factory=dict)
    available: dict[str, str] = Field(default_factory=dict)


class StepRejected(AnswerHeader):
    """The platform or the API server refuses this step for good."""

    type: Literal["StepRejected"] = "StepRejected"
    reason: Reason
    message: str


class StepErrored(AnswerHeader):
    """The platform's own fault; worth another try later."""

    type: Literal["StepErrored"] = "StepErrored"
    reason: Reason
    message: str
    retry_after_s: float | None = None


class RemainingObject(Contract):
    """An object that is still there after a prune."""

    key: ObjectKey
    object_uid: str
    message: str


class ObjectsPruned(AnswerHeader):
    """What is gone, and what is not yet (finalizers, dependents)."""

    type: Literal["ObjectsPruned"] = "ObjectsPruned"
    gone: tuple[str, ...]
    """uids, whoever deleted them."""
    released: tuple[str, ...] = ()
    """uids of what stays and is no longer this application's."""
    remaining: tuple[RemainingObject, ...] = ()


class Superseded(AnswerHeader):
    """The cluster knows a newer generation of an object; nothing was changed."""

    type: Literal["Superseded"] = "Superseded"
    by_generation: int


class Unsupported(AnswerHeader):
    """The executor is too old for the command."""

    type: Literal["Unsupported"] = "Unsupported"
    message: str


class ObservationOrder(Contract):
    """The order of an observer's facts: compared as a tuple within one cluster, never by stream sequence."""

    incarnation: str
    """uid of the cluster's kube-system namespace; another one is another cluster."""
    transitions: int
    """leaseTransitions of the observer's Lease."""
    counter: int

    def later_than(self, other: "ObservationOrder | None") -> bool:
        """Whether this fact replaces the other; another incarnation always does."""
        if other is None or other.incarnation != self.incarnation:
            return True
        return (self.transitions, self.counter) > (other.transitions, other.counter)


class Progress(Contract):
    """How many of the desired are ready."""

    ready: int = 0
    desired: int = 0


class Observation(Contract):
    """What the observer saw of one object of ours."""

    app: AppRef
    uid: AppUid
    cluster: ClusterName
    step: StepId
    key: ObjectKey
    object_uid: str
    digest: Digest
    generation: int
    """The application generation in the object's annotation."""
    metadata_generation: int | None = None
    """The object's metadata.generation that the verdict is about."""
    fields: str = ""
    """Digest of the fields that are ours at the moment; another one than after the apply is drift."""
    order: ObservationOrder
    reason: Reason = Reason.NONE
    message: str = ""
    progress: Progress = Progress()
    at: datetime


class StepProgressed(Observation):
    """Neither done nor failed. `started` tells Running from Pending."""

    type: Literal["StepProgressed"] = "StepProgressed"
    started: bool = False
    """A pod of it runs (containers started), or the object has no pods."""


class StepSucceeded(Observation):
    """The object's success condition holds (also stated after the run ended: it is healthy)."""

    type: Literal["StepSucceeded"] = "StepSucceeded"


class StepFailed(Observation):
    """The object's failure condition holds."""

    type: Literal["StepFailed"] = "StepFailed"


class ObjectVanished(Observation):
    """The object is gone."""

    type: Literal["ObjectVanished"] = "ObjectVanished"


Answer = (
    RunPrepared
    | RunHeldBack
    | RunRejected
    | StepApplied
    | StepQueued
    | StepRejected
    | StepErrored
    | ObjectsPruned
    | Superseded
    | Unsupported
)
Observed = StepProgressed | StepSucceeded | StepFailed | ObjectVanished
Fact = Answer | Observed
FACT: TypeAdapter[Fact] = TypeAdapter(Annotated[Fact, Field(discriminator="type")])


class PodPhase(StrEnum):
    """As in Kubernetes' PodStatus."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    UNKNOWN = "Unknown"


class PodSeen(Contract):
    """One pod of a step."""

    name: str
    phase: PodPhase
    ready: bool = False
    node: str = ""
    restarts: int = 0
    reason: Reason = Reason.NONE
    message: str = ""


class PodsObserved(Contract):
    """All pods of a step at a moment: chatter for people, never for the planner."""

    type: Literal["PodsObserved"] = "PodsObserved"
    app: AppRef
    uid: AppUid
    cluster: ClusterName
    step: StepId
    order: ObservationOrder
    at: datetime
    pods: tuple[PodSeen, ...]
    """At most 50, the troubled first."""
    total: int


PROGRESS_FACT: TypeAdapter[PodsObserved] = TypeAdapter(PodsObserved)


BEAT_STALE_AFTER_S = 30.0
"""Age at which a part of an agent counts as gone: six beats, for fewer would call a busy one gone."""


class AgentBeat(Contract):
    """A sign of life of one part of a cluster's agent."""

    type: Literal["AgentBeat"] = "AgentBeat"
    cluster: ClusterName
    part: Literal["executor", "observe"]
    incarnation: str
    kubernetes_version: str
    simulated: bool = False
    """The cluster is a simulation and says so in its version."""
    version: str
    """Of KubeMin."""
    started_at: datetime
    at: datetime
    capacity: dict[str, Any] = Field(default_factory=dict)
    sealing_keys: tuple[str, ...] = ()
    """Of `executor`: public halves of the sealing keys that it holds, the newest first."""
    restated: ObservationOrder | None = None
    """Of `observe`: everything that exists was stated at this order or later; what was stated only before is gone."""


BEAT: TypeAdapter[AgentBeat] = TypeAdapter(AgentBeat)
