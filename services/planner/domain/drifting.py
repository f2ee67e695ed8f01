"""Drift: what others do to the objects of a run that has succeeded, and how it is set back.

The executor tells which fields were ours after its apply, the observer which are ours now; who changes or removes a
field takes it from us. Where the two differ, or where an object is gone, its step is applied again: the same generation
under a new nonce, later each time that others are at it again, and only as long as the run is the newest one.
"""

from collections import Counter
from collections.abc import Iterator, Mapping

from services.planner.domain import ledger
from services.planner.domain.state import (
    NEVER,
    AppliedState,
    AppState,
    Drift,
    Drifted,
    RunState,
    StepState,
    WantedObject,
    object_key,
    step_key,
)
from services.planner.domain.turn import Revert, Turn, utc
from shared.contracts.facts import (
    Answer,
    AppliedObject,
    ObjectVanished,
    ObservationOrder,
    Observed,
    StepApplied,
    StepErrored,
    StepRejected,
    Superseded,
    Unsupported,
)
from shared.contracts.identity import ClusterName
from shared.contracts.phases import AppPhase, Reason, RunPhase, StepPhase
from shared.contracts.projection import UnseenObject

_NAMED_IN_MESSAGE = 5
_POSTPONE_S = 5
_MANAGERS_REMEMBERED = 5
_ENDING = frozenset({"Job", "Pod"})
"""Kinds that end by themselves: one that is gone may have done its work."""


def moments(state: AppState) -> Iterator[float]:
    """When there is something to set back."""
    run = state.run
    if run is not None and _reverts(state, run):
        yield from (drift.due for drift in run.drifts.values())


def is_reverting(run: RunState, key: str) -> bool:
    """Whether the commands of a step are there to set its objects back."""
    drift = run.drifts.get(key)
    return run.phase is RunPhase.SUCCEEDED and drift is not None and bool(drift.objects)


def unseen(turn: Turn, cluster: ClusterName, restated: ObservationOrder, objects: tuple[UnseenObject, ...]) -> None:
    """Fold what was not seen when everything in a cluster was stated anew."""
    run = turn.state.run
    for obj in objects:
        step = run.steps.get(step_key(cluster, obj.step)) if run is not None else None
        wanted = turn.objects_of(step).get(object_key(cluster, obj.key)) if step is not None else None
        if step is None or wanted is None:
            continue
        fact = ObjectVanished(
            app=turn.state.app,
            uid=turn.state.uid,
            cluster=cluster,
            step=obj.step,
            key=obj.key,
            object_uid=obj.object_uid,
            digest=wanted.digest,
            generation=turn.run.generation,
            order=restated,
            at=utc(turn.now),
        )
        observed(turn, step, wanted, fact, suspected=True)


def observed(turn: Turn, step: StepState, wanted: WantedObject, fact: Observed, *, suspected: bool = False) -> None:
    """Fold what is seen of an object after its step has succeeded."""
    if step.phase is not StepPhase.SUCCEEDED:
        return
    key = object_key(step.cluster, wanted.key)
    drift = turn.run.drifts.get(step.key)
    noted = None if drift is None else drift.objects.get(key)
    order = (fact.order.incarnation, fact.order.transitions, fact.order.counter)
    seen = step.observed.get(key)
    if any(before is not None and _is_later(before.order, order) for before in (noted, seen)):
        return
    if _has_drifted(turn, step, wanted, fact):
        drift = turn.run.drifts.setdefault(step.key, Drift())
        first = not drift.objects
        drift.objects[key] = Drifted(order, isinstance(fact, ObjectVanished), fact.fields, suspected)
        turn.changed = True
        if first:
            _begin(turn, drift)
        _show(turn, step, drift)
    elif drift is not None and noted is not None:
        del drift.objects[key]
        turn.changed = True
        _settle(turn, step, drift)


def answered(turn: Turn, step: StepState, fact: Answer) -> None:
    """Fold the answer to a command that was to set a step back."""
    drift = turn.run.drifts.get(step.key)
    if drift is None:
        return
    turn.changed = True
    reverts: list[Revert] = []
    if isinstance(fact, StepApplied):
        reverts = [_revert(step, obj) for obj in fact.objects if obj.written]
        _applied(step, drift, fact)
    if drift.asked is None or fact.nonce != drift.asked.nonce:
        return
    drift.asked, drift.last, drift.trouble = None, turn.now, ""
    drift.tries += 1
    match fact:
        case StepApplied(objects=objects):
            turn.reverts += reverts
            taken = [manager for o in objects for manager in o.taken_from]
            drift.reverted += any(o.written for o in objects)
            drift.managers = list(dict.fromkeys((*taken, *drift.managers)))[:_MANAGERS_REMEMBERED]
        case StepErrored() | StepRejected() | Unsupported():
            drift.trouble = fact.message
        case Superseded():
            drift.trouble = f"the cluster has objects of generation {fact.by_generation}"
        case _:
            pass
    drift.due = turn.now + _pause_s(turn, drift)
    _settle(turn, step, drift)


def expired(turn: Turn, fact: StepErrored) -> None:
    """A command was taken up too late: sent again soon."""
    drift = turn.run.drifts.get(step_key(fact.cluster, fact.step))
    if drift is not None and drift.asked is not None and fact.nonce == drift.asked.nonce and drift.objects:
        drift.due = min(drift.due, turn.now + (fact.retry_after_s or 0))
        turn.changed = True


def revert(turn: Turn) -> None:
    """Apply again what is due, as far as the window allows."""
    run = turn.state.run
    if run is None or not _reverts(turn.state, run):
        return
    unanswered: Counter[ClusterName] = Counter(
        run.steps[key].cluster
        for key, drift in run.drifts.items()
        if drift.asked is not None and drift.asked.resend_at > turn.now
    )
    for key, drift in run.drifts.items():
        if drift.due > turn.now:
            continue
        step = run.steps[key]
        if not turn.reachable(step.cluster) or unanswered[step.cluster] >= turn.policy.window:
            drift.due, turn.changed = turn.now + _POSTPONE_S, True
            continue
        unanswered[step.cluster] += 1
        turn.send_revert(step, drift)
        _show(turn, step, drift)


def _reverts(state: AppState, run: RunState) -> bool:
    return run.phase is RunPhase.SUCCEEDED and state.phase is AppPhase.ACTIVE


def _is_later(order: tuple[str, int, int], than: tuple[str, int, int]) -> bool:
    """Whether an observation is as new; those of another incarnation of the cluster are no measure."""
    return order[0] == than[0] and order[1:] >= than[1:]


def _has_drifted(turn: Turn, step: StepState, wanted: WantedObject, fact: Observed) -> bool:
    if wanted.read_only or wanted.left_alone:
        return False
    key = object_key(step.cluster, wanted.key)
    if isinstance(fact, ObjectVanished):
        held = turn.state.inventory.get(key)
        ours = held is not None and held.object_uid == fact.object_uid
        return ours and wanted.key.kind not in _ENDING and not wanted.line
    applied = step.applied.get(key)
    return applied is not None and not ledger.completed(turn.state, wanted) and _differs(applied, fact)


def _differs(applied: AppliedState, fact: Observed) -> bool:
    """Whether the very object that was applied is not as it was then; what nobody tells of its fields is no sign."""
    if not applied.fields or not fact.fields or fact.object_uid != applied.object_uid:
        return False
    return (fact.fields, fact.digest) != (applied.fields, applied.digest)


def _revert(step: StepState, applied: AppliedObject) -> Revert:
    """What was set back by an apply, told by what was applied before."""
    before = step.applied.get(object_key(step.cluster, applied.key))
    return Revert.VANISHED if before is not None and before.object_uid != applied.object_uid else Revert.CHANGED


def _applied(step: StepState, drift: Drift, fact: StepApplied) -> None:
    """What was applied is what is compared with from now on."""
    for obj in fact.objects:
        key = object_key(step.cluster, obj.key)
        step.applied[key] = AppliedState(obj.object_uid, obj.digest, obj.metadata_generation, obj.final, obj.fields)
        drifted = drift.objects.get(key)
        if drifted is not None and not drifted.gone and drifted.fields == obj.fields:
            # It is as it was seen: nothing of ours had changed.
            del drift.objects[key]


def _begin(turn: Turn, drift: Drift) -> None:
    if turn.now - drift.last > turn.policy.drift_calm_s:
        drift.tries = drift.reverted = 0
        drift.managers = []
    drift.due = max(turn.now + turn.policy.drift_first_s, drift.last + _pause_s(turn, drift))


def _pause_s(turn: Turn, drift: Drift) -> float:
    doublings = min(drift.tries, 16)
    return float(min(turn.policy.drift_first_s * 2**doublings, turn.policy.drift_max_s))


def _settle(turn: Turn, step: StepState, drift: Drift) -> None:
    if not drift.objects:
        # What was asked is still waited for: the answer tells whether there was something to set back.
        drift.due = NEVER
    _show(turn, step, drift)


def _show(turn: Turn, step: StepState, drift: Drift) -> None:
    """Say how it stands, once the run has ended: the step itself has succeeded and stays so."""
    if not _reverts(turn.state, turn.run):
        return
    told = {key: drifted for key, drifted in drift.objects.items() if not drifted.suspected}
    if told:
        turn.step_to(step, step.phase, Reason.DRIFTED, "; ".join(_words(step, drift, told)))
    elif step.reason is Reason.DRIFTED or drift.reverted:
        turn.step_to(step, step.phase, Reason.NONE, "; ".join(_history(drift)))


def _words(step: StepState, drift: Drift, told: Mapping[str, Drifted]) -> Iterator[str]:
    wanted = {object_key(step.cluster, w.key): w.key for w in step.objects}
    for key, drifted in sorted(told.items())[:_NAMED_IN_MESSAGE]:
        yield f"{wanted[key]} was {'deleted' if drifted.gone else 'changed'} by others"
    if len(told) > _NAMED_IN_MESSAGE:
        yield f"and {len(told) - _NAMED_IN_MESSAGE} more"
    yield from _history(drift)
    if drift.trouble:
        yield f"it cannot be set back: {drift.trouble}"


def _history(drift: Drift) -> Iterator[str]:
    if drift.reverted:
        by = f", taken from {', '.join(drift.managers)}" if drift.managers else ""
        yield f"drift was set back {drift.reverted} time{'s' if drift.reverted > 1 else ''}{by}"
