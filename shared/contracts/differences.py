"""Asking the executor of a cluster what a plan would change there: request and reply, nothing is stored or written.

The gateway asks on `kubemin.rpc.<cluster>.diff`. A slice is checked as `PrepareRun` has it checked; objects are applied
in server-side dry run as `ApplyStep` has them applied, as the same account, behind the same enrolment.
"""

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from shared.contracts.commands import ObjectToApply, PreparedStep
from shared.contracts.facts import StepProblem
from shared.contracts.identity import AppRef, AppUid, ClusterName, Namespace, ObjectKey, StepId
from shared.contracts.model import Contract
from shared.contracts.phases import Reason

DIFF = "diff"
"""The method on the bus."""


class Change(StrEnum):
    """What would become of an object."""

    CREATED = "created"
    CHANGED = "changed"
    RECREATED = "recreated"
    """Deleted and made anew, because a policy names a field that changes."""
    UNCHANGED = "unchanged"
    KEPT = "kept"
    """It is there and stays as it is, whatever the plan says."""
    DELETED = "deleted"
    RELEASED = "released"
    """It stays, and is not the application's any more."""
    REFUSED = "refused"
    """The cluster does not take it; `reason` and `message` say why."""
    UNKNOWN = "unknown"
    """It could not be compared; `message` says why."""


class FieldDifference(Contract):
    """One field that would change; null stands for what is not there."""

    path: str
    """As in `shared.contracts.fieldpath`."""
    before: Any = None
    after: Any = None


class ObjectDifference(Contract):
    """What would become of one object of a step.

    Left out as ever changing or the server's own: status, `managedFields`, `generation`, `resourceVersion`, our
    bookkeeping annotations. No value of a Secret is in it: a changed one is `****** (before)` and `****** (after)`.
    """

    step: StepId
    key: ObjectKey
    change: Change
    reason: Reason = Reason.NONE
    message: str = ""
    fields: tuple[FieldDifference, ...] = ()
    text: str = ""
    """The same as a unified diff of YAML."""
    shortened: bool = False
    """More changes than `fields` or `text` tell."""


class UnwantedObject(Contract):
    """An object that earlier generations have applied and this one does not have."""

    key: ObjectKey
    release: bool = False
    """It is to stay, and to be nobody's."""


class UnwantedDifference(Contract):
    """What would become of an object that is not wanted any more: `deleted`, `released` or `kept`."""

    key: ObjectKey
    change: Change
    message: str = ""


class _Asked(Contract):
    app: AppRef
    uid: AppUid
    """Of a new application one that is nobody's."""
    generation: int
    cluster: ClusterName
    # No moment: a clock that is wrong would void every request. So the span begins when the executor takes the request
    # up, and one that queued for longer than its asker waited is still worked on; nothing is changed by it.
    within_s: float = Field(gt=0, le=60)
    """After so many seconds nobody waits for the answer any more."""


class CheckSlice(_Asked):
    """Find what speaks against a cluster's whole slice, and what of it is not wanted. Answered by SliceChecked."""

    type: Literal["CheckSlice"] = "CheckSlice"
    steps: tuple[PreparedStep, ...]
    unwanted: tuple[UnwantedObject, ...] = ()


class SliceChecked(Contract):
    """What `PrepareRun` would find. Answers CheckSlice."""

    type: Literal["SliceChecked"] = "SliceChecked"
    cluster: ClusterName
    problems: tuple[StepProblem, ...] = ()
    """For each of these the run would be Rejected."""
    warnings: tuple[str, ...] = ()
    unwanted: tuple[UnwantedDifference, ...] = ()
    """Without those that are gone, or another's."""
    trouble: str = ""
    """Why it could not be checked; empty: it was."""


class StepToCompare(Contract):
    """A step, or a part of its objects."""

    step: StepId
    component: str
    namespace: Namespace
    job_type: str
    objects: tuple[ObjectToApply, ...]


class CompareSteps(_Asked):
    """Apply objects in dry run and tell what would change. Answered by StepsCompared."""

    type: Literal["CompareSteps"] = "CompareSteps"
    steps: tuple[StepToCompare, ...]


class StepsCompared(Contract):
    """What applying would change, object by object in the order of the request. Answers CompareSteps."""

    type: Literal["StepsCompared"] = "StepsCompared"
    cluster: ClusterName
    objects: tuple[ObjectDifference, ...]


DIFF_REQUEST: TypeAdapter[CheckSlice | CompareSteps] = TypeAdapter(
    Annotated[CheckSlice | CompareSteps, Field(discriminator="type")]
)
SLICE_CHECKED: TypeAdapter[SliceChecked] = TypeAdapter(SliceChecked)
STEPS_COMPARED: TypeAdapter[StepsCompared] = TypeAdapter(StepsCompared)
