"""What is kept of an object of ours: whose it is, and what its rule says of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import ValidationError

from services.watcher.observe.domain.causes import Cause, clipped
from services.watcher.observe.domain.pods import condition, controller
from shared.contracts import annotations, managed, subjects
from shared.contracts.completion import RULE, CompletionRule, FieldOperand, ValueOperand, holds, operand
from shared.contracts.facts import Progress
from shared.contracts.identity import AppName, AppRef, AppUid, Digest, Namespace, ObjectKey, StepId, Tenant
from shared.contracts.phases import Reason

Object = dict[str, Any]

WORKLOADS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job", "Pod"})
"""Kinds that are nothing without pods."""

_FINALITIES: dict[str, Reason] = {
    "BackoffLimitExceeded": Reason.BACKOFF_LIMIT_EXCEEDED,
    "DeadlineExceeded": Reason.DEADLINE_EXCEEDED,
    "ProgressDeadlineExceeded": Reason.PROGRESS_DEADLINE_EXCEEDED,
}


class Verdict(StrEnum):
    """What the completion rule says."""

    PROGRESSING = "progressing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Owned:
    """One object of ours, judged."""

    key: ObjectKey
    object_uid: str
    app: AppRef
    app_uid: AppUid
    step: StepId
    digest: Digest
    generation: int
    metadata_generation: int | None
    fields: str
    """Digest of what its application's field manager applies of it (`shared.contracts.managed`)."""
    verdict: Verdict
    progress: Progress
    workload: bool
    """It is nothing without pods."""
    ended: bool
    """Its own status says that pods of it have run and ended, though they may be gone."""
    causes: tuple[Cause, ...]
    """What its own status tells."""


class Malformed(ValueError):
    """An object that bears our field manager but not what we write on every object."""


class OtherVersion(Exception):
    """The object was applied in another version of its kind than the one that is watched."""

    def __init__(self, api_version: str, kind: str) -> None:
        self.api_version = api_version
        self.kind = kind
        super().__init__(f"{kind} was applied as {api_version}")


def read_owned(obj: Object) -> Owned | None:
    """Read an object; None for what is not ours.

    Labels and annotations are no proof: a copied manifest has them as well, and so has what a controller derives from
    an object of ours. Proof is our field manager, and that no controller owns the object.

    Raises:
        OtherVersion: rule and key are about another version of the kind.
        Malformed: an annotation of ours is missing or wrong.

    """
    metadata = obj["metadata"]
    notes = metadata.get("annotations") or {}
    app_uid = notes.get(annotations.ANNOTATION_APP_UID)
    if not app_uid or controller(metadata):
        return None
    version = _applied_version(metadata, annotations.field_manager(app_uid))
    if version is None:
        return None
    if version != obj["apiVersion"]:
        raise OtherVersion(version, obj["kind"])
    try:
        return _owned(obj, notes)
    except KeyError as error:
        raise Malformed(f"annotation {error} is missing") from error
    except (ValueError, ValidationError) as error:
        raise Malformed(str(error)) from error


def _applied_version(metadata: Object, manager: str) -> str | None:
    entries = metadata.get("managedFields") or ()
    ours = (e for e in entries if e.get("manager") == manager and not e.get("subresource"))
    return next((e.get("apiVersion") for e in ours), None)


def _owned(obj: Object, notes: Object) -> Owned:
    metadata = obj["metadata"]
    judgement = _judged(obj, notes.get(annotations.ANNOTATION_RULE, ""))
    return Owned(
        key=ObjectKey.of(obj),
        object_uid=metadata["uid"],
        app=_app(
            notes[annotations.ANNOTATION_TENANT],
            notes.get(annotations.ANNOTATION_NAMESPACE) or metadata.get("namespace", ""),
            notes[annotations.ANNOTATION_APP],
        ),
        app_uid=AppUid(notes[annotations.ANNOTATION_APP_UID]),
        step=_step(notes[annotations.ANNOTATION_STEP]),
        digest=Digest(notes[annotations.ANNOTATION_DIGEST]),
        generation=int(notes[annotations.ANNOTATION_GENERATION]),
        metadata_generation=metadata.get("generation"),
        fields=managed.applied_fields(obj, annotations.field_manager(notes[annotations.ANNOTATION_APP_UID])),
        verdict=judgement.verdict,
        progress=judgement.progress,
        workload=obj["kind"] in WORKLOADS,
        ended=obj["kind"] == "Job" and any(_status(obj).get(field) for field in ("succeeded", "failed")),
        causes=judgement.causes,
    )


class _Judgement(NamedTuple):
    verdict: Verdict
    progress: Progress
    causes: tuple[Cause, ...]


def _judged(obj: Object, text: str) -> _Judgement:
    """By its rule; of one that cannot be read that is all that can be told: nobody knows what is waited for."""
    try:
        rule = _rule(text)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_url=False))
        words = f"the observer cannot read the completion rule of the {obj['kind']}: update it ({wrong})"
        return _Judgement(Verdict.PROGRESSING, Progress(), (Cause(Reason.UNSUPPORTED, clipped(words)),))
    verdict = judge(rule, obj)
    causes = () if verdict is Verdict.SUCCEEDED else tuple(_causes(obj))
    return _Judgement(verdict, progress(rule, obj), causes)


def judge(rule: CompletionRule | None, obj: Object) -> Verdict:
    """What the rule says of the object: failure before success. Without a rule it has succeeded by being there."""
    if rule is None:
        return Verdict.SUCCEEDED
    if rule.failure is not None and holds(rule.failure, obj):
        return Verdict.FAILED
    return Verdict.SUCCEEDED if holds(rule.success, obj) else Verdict.PROGRESSING


def progress(rule: CompletionRule | None, obj: Object) -> Progress:
    """How many of the desired are ready, by the rule's operands."""
    if rule is None:
        return Progress()
    return Progress(ready=_count(rule.ready, obj), desired=_count(rule.desired, obj))


def _count(op: FieldOperand | ValueOperand | None, obj: Object) -> int:
    value = operand(op, obj) if op is not None else 0
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


@lru_cache(maxsize=512)
def _rule(text: str) -> CompletionRule | None:
    # There are few rules, by kind, and very many objects.
    return RULE.validate_json(text) if text else None


@lru_cache(maxsize=16384)
def _app(tenant: str, namespace: str, name: str) -> AppRef:
    return AppRef(tenant=Tenant(tenant), namespace=Namespace(namespace), name=AppName(name))


@lru_cache(maxsize=16384)
def _step(text: str) -> StepId:
    # Raises for what could not be part of a subject.
    subjects.step_token(StepId(text))
    return StepId(text)


def _status(obj: Object) -> Object:
    # Of a kind that nobody here has heard of it may be anything.
    status = obj.get("status")
    return status if isinstance(status, dict) else {}


def _causes(obj: Object) -> Iterator[Cause]:
    status = _status(obj)
    failed = condition(status, "Failed")
    stalled = condition(status, "Stalled")
    for final in (failed, stalled):
        if final.get("status") == "True":
            yield _said(_FINALITIES.get(str(final.get("reason")), Reason.FAILED), final)
    if condition(status, "ReplicaFailure").get("status") == "True":
        yield _said(Reason.REPLICA_FAILURE, condition(status, "ReplicaFailure"))
    progressing = condition(status, "Progressing")
    if progressing.get("status") == "False" and progressing.get("reason") == "ProgressDeadlineExceeded":
        yield _said(Reason.PROGRESS_DEADLINE_EXCEEDED, progressing)
    if obj["kind"] == "PersistentVolumeClaim":
        yield from _claim_causes(status)
    if obj["kind"] not in WORKLOADS:
        for type_ in ("Ready", "AbleToScale", "ScalingActive"):
            if condition(status, type_).get("status") == "False":
                yield _said(Reason.PROGRESSING, condition(status, type_))


def _claim_causes(status: Object) -> Iterator[Cause]:
    phase = status.get("phase") or "Pending"
    if phase == "Lost":
        yield Cause(Reason.FAILED, "the claim has lost its volume")
    elif phase != "Bound":
        # It may only be waiting for its first pod; a warning of the provisioner makes it trouble.
        yield Cause(Reason.PROGRESSING, "the claim is not bound to a volume yet")


def _said(reason: Reason, condition_: Object) -> Cause:
    words = str(condition_.get("message") or condition_.get("reason") or condition_.get("type") or reason)
    return Cause(reason, clipped(words))
