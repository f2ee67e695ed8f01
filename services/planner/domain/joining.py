"""Joins what the executor answered with what the observer saw.

An object is done when it was applied *and* an observation of the same uid and digest, of that metadata.generation or
later,
says so; in either order. What was `final` when applied needs no observation. So a no-op apply and a restarted
observer do
no harm, and a stale "healthy" of the object before is not believed.
"""

from dataclasses import replace

from services.planner.domain import drifting, ledger, pruning, scheduling
from services.planner.domain.state import (
    AppliedState,
    InventoryObject,
    JobOutcome,
    ObservedState,
    StepState,
    WantedObject,
    object_key,
    step_key,
)
from services.planner.domain.turn import Turn
from shared.contracts.facts import (
    ObjectVanished,
    Observed,
    Progress,
    StepApplied,
    StepFailed,
    StepProgressed,
    StepSucceeded,
)
from shared.contracts.identity import ObjectKey
from shared.contracts.phases import Reason, StepPhase
from shared.contracts.runs import ObjectRecorded

_VOLUME = "PersistentVolumeClaim"


def applied(turn: Turn, step: StepState | None, fact: StepApplied) -> None:
    """Fold an answer.

    `step` is None when its run is no longer the newest: then only the inventory learns from it.
    """
    volumes = {w.key for w in step.objects if w.volume} if step else frozenset[ObjectKey]()
    rank = step.rank if step else 0
    for obj in fact.objects:
        if obj.existed:
            continue
        held = InventoryObject(
            cluster=fact.cluster,
            step=fact.step,
            key=obj.key,
            object_uid=obj.object_uid,
            digest=obj.digest,
            generation=fact.generation,
            volume=obj.key in volumes or obj.key.kind == _VOLUME,
            disposal=obj.disposal,
            rank=rank,
        )
        if _record(turn, held):
            pruning.stray(turn, held)
    if step is None or step.phase.terminal:
        return
    if fact.nonce >= step.applied_nonce:
        _take_answer(turn, step, fact)


def _take_answer(turn: Turn, step: StepState, fact: StepApplied) -> None:
    step.applied_nonce = fact.nonce
    step.applied = {
        object_key(step.cluster, o.key): AppliedState(o.object_uid, o.digest, o.metadata_generation, o.final, o.fields)
        for o in fact.objects
    }
    if step.phase is StepPhase.QUEUED:
        step.deadline = turn.now + step.deadlines.start_s
    step.asked = None
    step.nudge_backoff_s = step.nudge_backoff_s or turn.policy.nudge_first_s
    step.nudge_at = turn.now + step.nudge_backoff_s
    turn.changed = True
    if fact.objects and all(o.existed for o in fact.objects):
        _succeed(turn, step, Reason.ALREADY_EXISTS, "it was there already and was not touched")
        return
    judge(turn, step)


def observed(turn: Turn, fact: Observed) -> None:
    """Fold an observation into the step of the newest run that wants the object, and into ledger and inventory."""
    match fact:
        case StepSucceeded():
            ledger.note_outcome(turn, fact, JobOutcome.SUCCEEDED)
        case StepFailed() | ObjectVanished():
            ledger.note_outcome(turn, fact, JobOutcome.FAILED)
        case StepProgressed():
            pass
    key = object_key(fact.cluster, fact.key)
    wanting = _wanting(turn, key, fact)
    if wanting is None:
        _note_stray(turn, key, fact)
        return
    step, wanted = wanting
    if not isinstance(fact, ObjectVanished) and key not in turn.state.inventory and not wanted.read_only:
        # Its answer was lost, or has yet to come; the observer has seen our field manager on it.
        _record(turn, replace(_seen(fact, volume=wanted.volume), disposal=wanted.disposal, rank=step.rank))
    if step.phase.terminal:
        if step.stopped:
            pruning.stop(turn, step)
        drifting.observed(turn, step, wanted, fact)
        return
    before = step.observed.get(key)
    order = (fact.order.incarnation, fact.order.transitions, fact.order.counter)
    if before is not None and before.order[0] == order[0] and before.order[1:] >= order[1:]:
        return
    step.observed[key] = _observed_state(fact, order)
    turn.changed = True
    judge(turn, step)


def judge(turn: Turn, step: StepState) -> None:
    """Say where the step stands now, from what was applied and observed."""
    if step.nonce == 0:
        return
    open_ = [(key, w) for key, w in turn.objects_of(step).items() if not ledger.completed(turn.state, w)]
    pairs = [(step.applied.get(key), _telling(turn, step, w, key)) for key, w in open_]
    failed = next((o for _, o in pairs if o is not None and o.verdict == "failed"), None)
    vanished = next((o for _, o in pairs if o is not None and o.verdict == "vanished"), None)
    if failed is not None:
        _fail(turn, step, failed.reason or Reason.FAILED, failed.message)
    elif vanished is not None and step.to_completion:
        _fail(turn, step, Reason.VANISHED, vanished.message or "it was deleted in the cluster before it had finished")
    elif all(a is not None and (a.final or (o is not None and o.verdict == "succeeded")) for a, o in pairs):
        _succeed(turn, step, Reason.NONE, "")
    elif all(a is not None for a, _ in pairs):
        unfinished = [o for a, o in pairs if a and o is not None and not a.final and o.verdict != "succeeded"]
        _progress(turn, step, unfinished)


def _telling(turn: Turn, step: StepState, wanted: WantedObject, key: str) -> ObservedState | None:
    """The observation that counts for an object.

    A Job that has failed or vanished has done so whether or not the answer about it has come: its name and digest say
    that it is this one.
    """
    seen, applied_ = step.observed.get(key), step.applied.get(key)
    if applied_ is not None:
        return _matching(applied_, seen)
    if not wanted.line or seen is None or seen.digest != wanted.digest:
        return None
    return seen if seen.object_uid != turn.state.ledger[wanted.line].spent_uid else None


def _progress(turn: Turn, step: StepState, open_: list[ObservedState]) -> None:
    started = bool(open_) and all(o.started for o in open_)
    phase = StepPhase.RUNNING if started else StepPhase.PENDING
    worst = next((o for o in open_ if o.reason not in (Reason.NONE, Reason.PROGRESSING)), open_[0] if open_ else None)
    progress = Progress(ready=sum(o.ready for o in open_), desired=sum(o.desired for o in open_))
    if started and step.to_completion and not step.started:
        step.started, step.deadline = True, turn.now + step.deadlines.run_s
    reason, message = (worst.reason, worst.message) if worst else (Reason.NONE, "applied; waiting to be observed")
    turn.step_to(step, phase, reason, message, progress=progress)


def _succeed(turn: Turn, step: StepState, reason: Reason, message: str) -> None:
    progress = Progress(ready=step.progress.desired, desired=step.progress.desired)
    turn.step_to(step, StepPhase.SUCCEEDED, reason, message, progress=progress)
    scheduling.ended(turn, step)


def _fail(turn: Turn, step: StepState, reason: Reason, message: str) -> None:
    turn.step_to(step, StepPhase.FAILED, reason, message)
    scheduling.ended(turn, step)


def _matching(applied_: AppliedState, seen: ObservedState | None) -> ObservedState | None:
    """The observation, if it is about the very object and state that was applied."""
    if seen is None or (seen.object_uid, seen.digest) != (applied_.object_uid, applied_.digest):
        return None
    if applied_.metadata_generation is not None and (seen.metadata_generation or 0) < applied_.metadata_generation:
        return None
    return seen


def _wanting(turn: Turn, key: str, fact: Observed) -> tuple[StepState, WantedObject] | None:
    run = turn.state.run
    step = run.steps.get(step_key(fact.cluster, fact.step)) if run is not None else None
    wanted = turn.objects_of(step).get(key) if step is not None else None
    return (step, wanted) if step is not None and wanted is not None else None


def _verdict(fact: Observed) -> str:
    match fact:
        case StepSucceeded():
            return "succeeded"
        case StepFailed():
            return "failed"
        case ObjectVanished():
            return "vanished"
        case StepProgressed():
            return "progressing"


def _observed_state(fact: Observed, order: tuple[str, int, int]) -> ObservedState:
    return ObservedState(
        object_uid=fact.object_uid,
        digest=fact.digest,
        metadata_generation=fact.metadata_generation,
        verdict=_verdict(fact),
        order=order,
        reason=fact.reason,
        message=fact.message,
        started=isinstance(fact, StepProgressed) and fact.started,
        ready=fact.progress.ready,
        desired=fact.progress.desired,
    )


def _seen(fact: Observed, *, volume: bool) -> InventoryObject:
    return InventoryObject(
        cluster=fact.cluster,
        step=fact.step,
        key=fact.key,
        object_uid=fact.object_uid,
        digest=fact.digest,
        generation=fact.generation,
        volume=volume or fact.key.kind == _VOLUME,
    )


def _record(turn: Turn, held: InventoryObject) -> bool:
    """Take an object into the inventory; returns whether it is the one that counts under its name."""
    ledger.recorded(turn, held)
    key = object_key(held.cluster, held.key)
    before = turn.state.inventory.get(key)
    if before is not None and (before.object_uid, before.digest) == (held.object_uid, held.digest):
        if (before.disposal, before.rank) != (held.disposal, held.rank):
            before.disposal, before.rank, turn.changed = held.disposal, held.rank, True
        return True
    if before is not None and before.generation > held.generation:
        return False
    if turn.state.run is None:
        return False
    turn.state.inventory[key] = held
    turn.events.append(
        ObjectRecorded(
            **turn.header(),
            cluster=held.cluster,
            step=held.step,
            key=held.key,
            object_uid=held.object_uid,
            digest=held.digest,
            volume=held.volume,
        )
    )
    return True


def _note_stray(turn: Turn, key: str, fact: Observed) -> None:
    """An object of ours outside the newest plan: known from now on, and deleted when the plan's run has succeeded."""
    if isinstance(fact, ObjectVanished):
        pruning.vanished(turn, fact)
        return
    held = turn.state.inventory.get(key)
    if held is None or held.object_uid != fact.object_uid:
        held = _seen(fact, volume=False)
        if held.volume or not _record(turn, held):
            return
    pruning.stray(turn, held)
