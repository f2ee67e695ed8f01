"""Joins what the executor answered with what the observer saw.

An object is done when it was applied *and* an observation of the same uid and digest, of that metadata.generation or
later,
says so; in either order. What was `final` when applied needs no observation. So a no-op apply and a restarted
observer do
no harm, and a stale "healthy" of the object before is not believed.
"""

from services.planner.domain import ledger, pruning, scheduling
from services.planner.domain.state import AppliedState, InventoryObject, ObservedState, StepState, object_key
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
from shared.contracts.phases import Reason, RunPhase, StepPhase
from shared.contracts.runs import ObjectRecorded


def applied(turn: Turn, step: StepState | None, fact: StepApplied) -> None:
    """Fold an answer.

    `step` is None when its run is no longer the newest: then only the inventory learns from it.
    """
    for obj in fact.objects:
        if obj.existed:
            continue
        wanted = next((w for w in step.objects if w.key == obj.key), None) if step else None
        _record(
            turn,
            InventoryObject(
                cluster=fact.cluster,
                step=fact.step,
                key=obj.key,
                object_uid=obj.object_uid,
                digest=obj.digest,
                generation=fact.generation,
                volume=wanted.volume if wanted else obj.key.kind == "PersistentVolumeClaim",
            ),
        )
    if step is None or step.phase.terminal:
        return
    step.applied = {
        object_key(step.cluster, o.key): AppliedState(o.object_uid, o.digest, o.metadata_generation, o.final)
        for o in fact.objects
    }
    step.asked = None
    step.nudge_backoff_s = turn.policy.nudge_first_s
    step.nudge_at = turn.now + step.nudge_backoff_s
    turn.changed = True
    if fact.objects and all(o.existed for o in fact.objects):
        _succeed(turn, step, Reason.ALREADY_EXISTS, "it was there already and was not touched")
        return
    judge(turn, step)


def observed(turn: Turn, fact: Observed) -> None:
    """Fold an observation into the step of the newest run that wants the object, and into ledger and inventory."""
    key = object_key(fact.cluster, fact.key)
    if isinstance(fact, StepSucceeded):
        ledger.note_outcome(turn, fact.cluster, fact.digest, "succeeded")
    elif isinstance(fact, StepFailed):
        ledger.note_outcome(turn, fact.cluster, fact.digest, "failed")
    step = _wanting(turn, fact)
    if step is None:
        _note_stray(turn, key, fact)
        return
    if step.phase.terminal:
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
    if not step.applied:
        return
    pairs = [(a, _matching(a, step.observed.get(key))) for key, a in step.applied.items()]
    failed = next((o for _, o in pairs if o is not None and o.verdict == "failed"), None)
    vanished = next((o for _, o in pairs if o is not None and o.verdict == "vanished"), None)
    if failed is not None:
        _fail(turn, step, failed.reason or Reason.FAILED, failed.message)
    elif vanished is not None and step.to_completion:
        _fail(turn, step, Reason.VANISHED, vanished.message or "it was deleted in the cluster before it had finished")
    elif all(a.final or (o is not None and o.verdict == "succeeded") for a, o in pairs):
        _succeed(turn, step, Reason.NONE, "")
    else:
        _progress(turn, step, [o for a, o in pairs if o is not None and not a.final and o.verdict != "succeeded"])


def _progress(turn: Turn, step: StepState, open_: list[ObservedState]) -> None:
    started = bool(open_) and all(o.started for o in open_)
    phase = StepPhase.RUNNING if started else StepPhase.PENDING
    worst = next((o for o in open_ if o.reason not in (Reason.NONE, Reason.PROGRESSING)), open_[0] if open_ else None)
    progress = Progress(ready=sum(o.ready for o in open_), desired=sum(o.desired for o in open_))
    if started and step.to_completion and step.phase is not StepPhase.RUNNING:
        step.deadline = turn.now + step.deadlines.run_s
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


def _wanting(turn: Turn, fact: Observed) -> StepState | None:
    run = turn.state.run
    if run is None:
        return None
    step = run.steps.get(f"{fact.cluster}/{fact.step}")
    if step is None or not any(w.key == fact.key for w in step.objects):
        return None
    return step


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


def _record(turn: Turn, held: InventoryObject) -> None:
    key = object_key(held.cluster, held.key)
    before = turn.state.inventory.get(key)
    if before is not None and (before.object_uid, before.digest) == (held.object_uid, held.digest):
        return
    if before is not None and before.generation > held.generation:
        return
    turn.state.inventory[key] = held
    if turn.state.run is None:
        return
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


def _note_stray(turn: Turn, key: str, fact: Observed) -> None:
    """An object of ours outside the newest plan: pruned in its time when known, else taken into the inventory."""
    held = turn.state.inventory.get(key)
    if isinstance(fact, ObjectVanished):
        return
    run = turn.state.run
    if run is None or run.phase in (RunPhase.ACCEPTED, RunPhase.PREPARING):
        return
    if held is None or held.object_uid != fact.object_uid:
        held = InventoryObject(
            cluster=fact.cluster,
            step=fact.step,
            key=fact.key,
            object_uid=fact.object_uid,
            digest=fact.digest,
            generation=fact.generation,
            volume=fact.key.kind == "PersistentVolumeClaim",
        )
        if not held.volume:
            _record(turn, held)
            pruning.stray(turn, held)
