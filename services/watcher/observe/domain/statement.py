"""What is to be said of an object or a step now: a pure function of the picture."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from services.watcher.observe.domain.causes import PRECEDENCE, Cause, clipped, first, rank
from services.watcher.observe.domain.intake import Note
from services.watcher.observe.domain.owned import Owned, Verdict
from services.watcher.observe.domain.picture import Picture, StepKey
from services.watcher.observe.domain.pods import PodRecord
from shared.contracts.facts import (
    ObjectVanished,
    ObservationOrder,
    Observed,
    PodPhase,
    PodSeen,
    PodsObserved,
    StepFailed,
    StepProgressed,
    StepSucceeded,
)
from shared.contracts.identity import ClusterName
from shared.contracts.phases import Reason

PODS_LIMIT = 50

# Of Events: what they mean where nothing else tells. What is not here is Progressing, with its own words.
_EVENTS: dict[str, Reason] = {
    "FailedScheduling": Reason.UNSCHEDULABLE,
    "FailedMount": Reason.VOLUME_PENDING,
    "FailedAttachVolume": Reason.VOLUME_PENDING,
    "FailedBinding": Reason.VOLUME_PENDING,
    "ProvisioningFailed": Reason.VOLUME_PENDING,
    "FailedCreate": Reason.REPLICA_FAILURE,
    "Unhealthy": Reason.NOT_READY,
}
_LEADING = frozenset({Reason.BACKOFF_LIMIT_EXCEEDED, Reason.DEADLINE_EXCEEDED, Reason.FAILED, Reason.UNSUPPORTED})
"""Verdicts of a controller that name the reason themselves, and a rule that cannot be read; the pods only add why."""

Notes = Callable[[str], Note | None]


@dataclass(frozen=True, slots=True)
class Statement:
    """Everything that a fact says of an object but its order and time: equal statements need not be said twice."""

    owned: Owned
    gone: bool
    cause: Cause
    started: bool

    def said(self) -> tuple[Any, ...]:
        """What of it is said, to compare with what was said before."""
        o = self.owned
        verdict = "gone" if self.gone else o.verdict
        state = (o.generation, o.metadata_generation, o.fields, o.progress, self.cause, self.started)
        return (verdict, o.key, o.app, o.app_uid, o.step, o.digest, *state)


def state(picture: Picture, uid: str) -> Statement | None:
    """What is to be said of an object; None for one that we do not know."""
    gone = picture.vanished.get(uid)
    if gone is not None:
        words = "the object is gone, or it has lost the label by which it is observed"
        return Statement(gone, gone=True, cause=Cause(Reason.VANISHED, words), started=False)
    owned = picture.objects.get(uid)
    if owned is None:
        return None
    pods = picture.telling_pods(uid)
    cause = explain(owned, pods, picture.note_on, picture.last_end_of(uid))
    return Statement(owned, gone=False, cause=cause, started=_started(owned, pods))


def explain(owned: Owned, pods: Sequence[PodRecord], note_on: Notes, last_end: Cause | None = None) -> Cause:
    """The reason and the words for the state of an object, by the table in `causes`.

    `pods` are those that speak for it, `last_end` is how a pod ended that is gone by now.
    """
    if owned.verdict is Verdict.SUCCEEDED:
        return Cause(Reason.NONE, "")
    cause = _explain(owned, pods, note_on, last_end)
    if owned.verdict is Verdict.FAILED and cause.reason in (Reason.PROGRESSING, Reason.NOT_READY):
        return Cause(Reason.FAILED, cause.message or "its failure condition holds")
    return cause


def _explain(owned: Owned, pods: Sequence[PodRecord], note_on: Notes, last_end: Cause | None) -> Cause:
    ends = [p.cause for p in pods if p.cause is not None and p.cause.reason is not Reason.NOT_READY]
    worst = first(ends) or last_end
    leading = first(cause for cause in owned.causes if cause.reason in _LEADING)
    if leading is not None:
        return _finally(leading, worst)
    told = first([*ends, *owned.causes])
    if told is not None and rank(told) < rank(Cause(Reason.NOT_READY, "")):
        return _with_deadline(told, owned)
    from_events = first(_from_events(owned, pods, note_on))
    if from_events is not None:
        return from_events
    unready = first(p.cause for p in pods if p.cause is not None)
    return unready or told or Cause(Reason.PROGRESSING, _waiting_for(owned, pods))


def _finally(leading: Cause, worst: Cause | None) -> Cause:
    """A controller gave up: why the pods failed is told with it, and that memory ran out comes first."""
    if worst is None:
        return leading
    if worst.reason is Reason.OOM_KILLED:
        return Cause(Reason.OOM_KILLED, clipped(f"{worst.message}; {leading.message}"))
    return Cause(leading.reason, clipped(f"{leading.message}: {worst.message}"))


def _with_deadline(told: Cause, owned: Owned) -> Cause:
    """The words of the pods with the controller's."""
    deadline = next((c for c in owned.causes if c.reason is Reason.PROGRESS_DEADLINE_EXCEEDED), None)
    if deadline is not None and told is not deadline:
        return Cause(told.reason, clipped(f"{told.message}; {deadline.message}"))
    return told


def _from_events(owned: Owned, pods: Sequence[PodRecord], note_on: Notes) -> Iterator[Cause]:
    """Warnings about what is not well and does not say why itself."""
    for pod in pods:
        note = note_on(pod.uid)
        if note is not None and _still_applies(note, pod):
            reason = _EVENTS.get(note.reason, Reason.PROGRESSING)
            yield Cause(reason, clipped(": ".join(m for m in (pod.cause and pod.cause.message, note.message) if m)))
    note = note_on(owned.object_uid)
    if note is not None and not (note.reason == "FailedCreate" and len(pods) >= max(1, owned.progress.desired)):
        yield Cause(_EVENTS.get(note.reason, Reason.PROGRESSING), f"{note.reason}: {note.message}")


def _still_applies(note: Note, pod: PodRecord) -> bool:
    """An Event outlives what it is about by an hour."""
    if note.reason == "FailedScheduling":
        return not pod.node
    if note.reason == "Unhealthy":
        return pod.phase is PodPhase.RUNNING and not pod.ready
    return pod.phase is PodPhase.PENDING and bool(pod.node)


def _waiting_for(owned: Owned, pods: Sequence[PodRecord]) -> str:
    if owned.progress.desired:
        return f"{owned.progress.ready} of {owned.progress.desired} ready"
    return "" if pods or not owned.workload else "no pods yet"


def _started(owned: Owned, pods: Sequence[PodRecord]) -> bool:
    if not owned.workload and not pods:
        return True
    return owned.ended or any(pod.started for pod in pods)


def to_fact(statement: Statement, *, cluster: ClusterName, order: ObservationOrder, at: datetime) -> Observed:
    """Put a statement into the fact that says it."""
    owned = statement.owned
    common: dict[str, Any] = {
        "app": owned.app,
        "uid": owned.app_uid,
        "cluster": cluster,
        "step": owned.step,
        "key": owned.key,
        "object_uid": owned.object_uid,
        "digest": owned.digest,
        "generation": owned.generation,
        "metadata_generation": owned.metadata_generation,
        "fields": owned.fields,
        "order": order,
        "reason": statement.cause.reason,
        "message": statement.cause.message,
        "progress": owned.progress,
        "at": at,
    }
    if statement.gone:
        return ObjectVanished(**common)
    match owned.verdict:
        case Verdict.SUCCEEDED:
            return StepSucceeded(**common)
        case Verdict.FAILED:
            return StepFailed(**common)
        case Verdict.PROGRESSING:
            return StepProgressed(**common, started=statement.started)


class StepPods(NamedTuple):
    """The pods of a step, the troubled first, at most 50."""

    shown: tuple[PodRecord, ...] = ()
    total: int = 0


def step_pods(picture: Picture, key: StepKey) -> StepPods:
    """The pods of a step now."""
    pods = picture.pods_of_step(key)
    pods.sort(key=lambda pod: (rank(pod.cause) if pod.cause else len(PRECEDENCE) + 1, pod.name))
    return StepPods(tuple(pods[:PODS_LIMIT]), len(pods))


def to_pods_observed(
    pods: StepPods, key: StepKey, *, cluster: ClusterName, order: ObservationOrder, at: datetime
) -> PodsObserved:
    """Put the pods of a step into the message that shows them."""
    return PodsObserved(
        app=key.app,
        uid=key.app_uid,
        cluster=cluster,
        step=key.step,
        order=order,
        at=at,
        pods=tuple(_pod_seen(pod) for pod in pods.shown),
        total=pods.total,
    )


def _pod_seen(pod: PodRecord) -> PodSeen:
    return PodSeen(
        name=pod.name,
        phase=pod.phase,
        ready=pod.ready,
        node=pod.node,
        restarts=pod.restarts,
        reason=pod.cause.reason if pod.cause else Reason.NONE,
        message=pod.cause.message if pod.cause else "",
    )
