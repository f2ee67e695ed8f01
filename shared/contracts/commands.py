"""Commands of the planner to the executor of one cluster. Imperative; each documents the facts that may answer it."""

from datetime import datetime
from typing import Annotated, Literal, Self

from pydantic import Field, TypeAdapter

from shared.contracts.completion import CompletionRule
from shared.contracts.identity import AppRef, AppUid, ClusterName, Digest, Namespace, ObjectKey, RunId, StepId
from shared.contracts.model import Contract
from shared.contracts.plan import ApplyMode, Manifest, PlannedObject, Reference, Treatment


class CommandHeader(Contract):
    """What every command says; the facts that answer it repeat it, so that a stray answer can be told."""

    app: AppRef
    uid: AppUid
    run: RunId
    generation: int
    cluster: ClusterName
    step: StepId
    attempt: int = 1
    """Of the step: rises when a failed one is wanted again."""
    nonce: int = 0
    """Of the command: rises with each time it is sent again unanswered."""
    not_after: datetime
    """UTC. Checked before every call to Kubernetes: past it nothing is changed any more."""


class PreparedObject(Contract):
    """What the run is going to write, for the checks of ownership and kinds."""

    key: ObjectKey
    mode: ApplyMode
    known_uid: str | None = None
    """The uid under which an earlier run of this application recorded it."""
    treatment: Treatment = Treatment()


class PreparedStep(Contract):
    """One step of the slice that a cluster is asked about."""

    step: StepId
    component: str
    namespace: Namespace
    job_type: str
    objects: tuple[PreparedObject, ...]
    references: tuple[Reference, ...]
    waits: bool = False
    """For what its references lack; until when, the planner knows."""


class PrepareRun(CommandHeader):
    """Check the cluster's whole slice, create nothing.

    Answered by RunPrepared, RunHeldBack, RunRejected, StepErrored, Superseded or Unsupported. After RunHeldBack the
    executor goes on looking until `not_after`, and answers once more when everything has come.
    """

    type: Literal["PrepareRun"] = "PrepareRun"
    steps: tuple[PreparedStep, ...]


class ObjectToApply(Contract):
    """One object with everything that the executor adds to it."""

    key: ObjectKey
    manifest: Manifest
    digest: Digest
    generation: int
    """The application generation that introduced this digest."""
    mode: ApplyMode
    rule: CompletionRule | None = None
    known_uid: str | None = None
    volume: bool = False
    treatment: Treatment = Treatment()
    """A command updates objects whose digest its generation has introduced, unless it is `reverting`."""
    once: bool = False
    """A run-to-completion object: with a `known_uid` that is gone it is never created again (answered `Vanished`)."""

    @classmethod
    def of(cls, planned: PlannedObject, *, generation: int, known_uid: str | None, once: bool = False) -> Self:
        """What the plan says of an object, and what is known of it in its cluster."""
        return cls(
            key=planned.key,
            manifest=planned.manifest,
            digest=planned.digest,
            generation=generation,
            mode=planned.mode,
            rule=planned.rule,
            known_uid=known_uid,
            volume=planned.volume,
            treatment=planned.treatment,
            once=once,
        )


class ApplyStep(CommandHeader):
    """Bring a step's objects about, in order.

    Answered by StepApplied, StepQueued, StepRejected, StepErrored, Superseded or Unsupported.
    """

    type: Literal["ApplyStep"] = "ApplyStep"
    component: str
    namespace: Namespace
    job_type: str
    objects: tuple[ObjectToApply, ...]
    reverting: bool = False
    """The run has succeeded and others have changed its objects since: it updates none, also of its own generation."""


class ObjectToPrune(Contract):
    """One object to delete or to give up, by name and uid."""

    key: ObjectKey
    object_uid: str
    digest: Digest
    volume: bool = False
    """A policy says that this volume is deleted."""
    release: bool = False
    """It stays, and is nobody's any more."""
    orphan_dependents: bool = False


class PruneObjects(CommandHeader):
    """Delete or give up exactly these, uid as precondition.

    What other applications have signed, or own by now, is given up.

    Answered by ObjectsPruned, StepErrored, Superseded or Unsupported.
    """

    type: Literal["PruneObjects"] = "PruneObjects"
    objects: tuple[ObjectToPrune, ...]


Command = Annotated[PrepareRun | ApplyStep | PruneObjects, Field(discriminator="type")]
COMMAND: TypeAdapter[PrepareRun | ApplyStep | PruneObjects] = TypeAdapter(Command)
