"""Folds what executors answer; a fact counts only if its cluster, step and attempt are the ones that were asked."""

from services.planner.domain import drifting, holding, joining, ledger, opening, pruning, scheduling
from services.planner.domain.holding import NAMED_IN_MESSAGE
from services.planner.domain.state import ClusterState, StepState, step_key
from services.planner.domain.turn import Turn
from shared.contracts.facts import (
    Answer,
    ObjectsPruned,
    RunHeldBack,
    RunPrepared,
    RunRejected,
    StepApplied,
    StepErrored,
    StepQueued,
    StepRejected,
    Superseded,
    Unsupported,
)
from shared.contracts.identity import PREPARE, PRUNE
from shared.contracts.phases import Reason, RunPhase, StepPhase


def answered(turn: Turn, fact: Answer) -> None:
    """Dispatch an answer by the command that it is for."""
    run = turn.state.run
    if isinstance(fact, StepErrored) and fact.reason is Reason.COMMAND_EXPIRED:
        _expired(turn, fact)
        return
    if isinstance(fact, ObjectsPruned):
        pruning.pruned(turn, fact)
    elif run is None or fact.run != run.run:
        if isinstance(fact, StepApplied) and fact.generation <= turn.state.generation:
            joining.applied(turn, None, fact)
    elif fact.step == PREPARE:
        _prepare_answered(turn, fact)
    elif fact.step == PRUNE:
        _prune_answered(turn, fact)
    else:
        step = run.steps.get(step_key(fact.cluster, fact.step))
        if step is not None and fact.attempt == step.attempt and 0 < fact.nonce <= step.nonce:
            if fact.nonce > step.answered:
                step.answered, turn.changed = fact.nonce, True
            _step_answered(turn, step, fact)
            if step.stopped:
                pruning.stop(turn, step)
    # Only now: what goes on builds on what was learnt.
    _drained(turn, fact)


def _expired(turn: Turn, fact: StepErrored) -> None:
    """A command was taken up too late, as after an outage: sent again soon, and otherwise as if nothing had been said.

    It is no answer to wait for: another executor may have begun with the same command in time.
    """
    if fact.retry_after_s is None:
        return
    if fact.step == PRUNE:
        pruning.again(turn, fact.cluster, fact.nonce, fact.retry_after_s)
        return
    run = turn.state.run
    if run is None or fact.run != run.run:
        return
    drifting.expired(turn, fact)
    prepares = fact.step == PREPARE
    asked = run.clusters.get(fact.cluster) if prepares else run.steps.get(step_key(fact.cluster, fact.step))
    if asked is not None and asked.asked is not None and fact.nonce == asked.nonce:
        asked.asked.resend_at = min(asked.asked.resend_at, turn.now + fact.retry_after_s)
        turn.changed = True


def _drained(turn: Turn, fact: Answer) -> None:
    key = step_key(fact.cluster, fact.step)
    waiting = turn.state.draining.get(key)
    if waiting is None or (waiting.run, waiting.attempt) != (fact.run, fact.attempt):
        return
    if fact.nonce >= waiting.nonce:
        del turn.state.draining[key]
        turn.changed = True
        opening.proceed(turn)


def _prepare_answered(turn: Turn, fact: Answer) -> None:
    run = turn.run
    target = run.clusters.get(fact.cluster)
    if target is None or run.phase is not RunPhase.PREPARING or target.prepared or fact.nonce > target.nonce:
        return
    turn.changed = True
    match fact:
        case RunPrepared():
            _prepared(turn, target, fact)
        case RunHeldBack():
            holding.held_back(turn, target, fact)
        case RunRejected():
            _reject(turn, fact)
        case StepErrored():
            target.reason, target.message = fact.reason, fact.message
            target.answered = max(target.answered, fact.nonce)
            if target.asked is not None and fact.nonce == target.nonce and fact.retry_after_s is not None:
                target.asked.resend_at = turn.now + fact.retry_after_s
            opening.show_waiting(turn)
        case Superseded():
            _end_unapplied(turn, RunPhase.ERROR, Reason.SUPERSEDED, _newer(fact))
        case Unsupported():
            _end_unapplied(turn, RunPhase.ERROR, Reason.UNSUPPORTED, fact.message)
        case _:
            pass


def _prepared(turn: Turn, target: ClusterState, fact: RunPrepared) -> None:
    target.prepared, target.prepared_at, target.asked = True, turn.now, None
    holding.over(turn, fact.cluster, target)
    turn.run_warns(tuple(w.model_copy(update={"message": f"on {fact.cluster}: {w.message}"}) for w in fact.warnings))
    clusters = turn.run.clusters
    if not all(t.prepared for t in clusters.values()):
        holding.settle(turn)
        opening.show_waiting(turn)
        return
    # While one waited for what others make, much may have changed in another.
    long_ago = {c: t for c, t in clusters.items() if t.prepared_at + turn.policy.prepare_deadline_s < turn.now}
    if not long_ago:
        scheduling.start(turn)
        return
    turn.run.deadline = turn.now + turn.policy.prepare_deadline_s
    for cluster, again in long_ago.items():
        again.prepared = False
        turn.send_prepare(cluster, again)


def _reject(turn: Turn, fact: RunRejected) -> None:
    found = tuple(holding.in_vain(turn, fact.cluster, problem) for problem in fact.problems)
    for id_, problems in holding.by_steps(found).items():
        step = turn.run.steps.get(step_key(fact.cluster, id_))
        if step is not None and not step.phase.terminal:
            told = "; ".join(problem.message for problem in problems[:NAMED_IN_MESSAGE])
            turn.step_to(step, StepPhase.REJECTED, problems[0].reason, told)
    first = found[0] if found else None
    named = "; ".join(f"{p.step} on {fact.cluster}: {p.message}" for p in found[:NAMED_IN_MESSAGE])
    more = len(found) - NAMED_IN_MESSAGE
    message = f"{named}; and {more} more" if more > 0 else named
    _end_unapplied(turn, RunPhase.REJECTED, first.reason if first else Reason.INVALID, message)


def _end_unapplied(turn: Turn, phase: RunPhase, reason: Reason, message: str) -> None:
    """End a run that has created nothing."""
    for step in turn.run.steps.values():
        if not step.phase.terminal:
            turn.step_to(step, StepPhase.SKIPPED, Reason.RUN_REJECTED, "nothing of this run was applied")
    for target in turn.run.clusters.values():
        target.asked = None
    turn.run_to(phase, reason, message)


def give_up_preparing(turn: Turn) -> None:
    """The prepare deadline has passed."""
    silent = [c for c, t in turn.run.clusters.items() if not t.prepared and not t.waiting]
    gone = [c for c in silent if not turn.reachable(c)]
    if gone or all(turn.run.clusters[c].reason is Reason.NONE for c in silent):
        names = ", ".join(gone or silent)
        _end_unapplied(turn, RunPhase.ERROR, Reason.CLUSTER_UNREACHABLE, f"no answer from cluster {names}")
        return
    told = "; ".join(f"{c}: {turn.run.clusters[c].message}" for c in silent)
    reason = next(turn.run.clusters[c].reason for c in silent if turn.run.clusters[c].reason is not Reason.NONE)
    _end_unapplied(turn, RunPhase.ERROR, reason, told)


def _prune_answered(turn: Turn, fact: Answer) -> None:
    match fact:
        case StepErrored():
            pruning.refused(turn, fact.cluster, fact.nonce, fact.reason, fact.message)
            pruning.again(turn, fact.cluster, fact.nonce, fact.retry_after_s)
        case Superseded():
            pruning.refused(turn, fact.cluster, fact.nonce, Reason.SUPERSEDED, _newer(fact))
        case Unsupported():
            pruning.refused(turn, fact.cluster, fact.nonce, Reason.UNSUPPORTED, fact.message)
        case _:
            pass


def _step_answered(turn: Turn, step: StepState, fact: Answer) -> None:
    if step.phase.terminal:
        if isinstance(fact, StepApplied):
            joining.applied(turn, step, fact)
        drifting.answered(turn, step, fact)
        return
    turn.changed = True
    match fact:
        case StepApplied():
            joining.applied(turn, step, fact)
        case StepQueued():
            _queued(turn, step, fact)
        case StepRejected():
            _rejected(turn, step, fact)
        case StepErrored():
            _errored(turn, step, fact)
        case Superseded():
            _end(turn, step, StepPhase.ERROR, Reason.SUPERSEDED, _newer(fact))
        case Unsupported():
            _end(turn, step, StepPhase.ERROR, Reason.UNSUPPORTED, fact.message)
        case _:
            pass


def _rejected(turn: Turn, step: StepState, fact: StepRejected) -> None:
    if fact.reason is not Reason.VANISHED:
        _end(turn, step, StepPhase.REJECTED, fact.reason, fact.message)
        return
    ledger.vanished(turn, step)
    _end(turn, step, StepPhase.FAILED, fact.reason, fact.message)


def _queued(turn: Turn, step: StepState, fact: StepQueued) -> None:
    if step.phase not in (StepPhase.APPLYING, StepPhase.QUEUED):
        return
    if step.phase is not StepPhase.QUEUED:
        step.deadline = turn.now + step.deadlines.queue_s
    turn.step_to(step, StepPhase.QUEUED, fact.reason, fact.message, needed=fact.needed, available=fact.available)


def _errored(turn: Turn, step: StepState, fact: StepErrored) -> None:
    if step.asked is not None and fact.nonce == step.nonce and fact.retry_after_s is not None:
        step.asked.resend_at = turn.now + fact.retry_after_s
    turn.step_to(step, step.phase, fact.reason, fact.message)


def _end(turn: Turn, step: StepState, phase: StepPhase, reason: Reason, message: str) -> None:
    turn.step_to(step, phase, reason, message)
    scheduling.ended(turn, step)


def _newer(fact: Superseded) -> str:
    return f"cluster {fact.cluster} has objects of generation {fact.by_generation}, newer than {fact.generation}"
