"""What the passing of time asks for: commands sent again, facts asked for again, deadlines that end steps and runs."""

from collections import Counter
from collections.abc import Iterator

from services.planner.domain import answers, drifting, holding, lifetimes, opening, pruning, scheduling
from services.planner.domain.state import NEVER, AppState, StepState
from services.planner.domain.turn import COMMAND_GRACE_S, Turn
from shared.contracts.identity import ClusterName
from shared.contracts.phases import Reason, RunPhase, StepPhase

_POSTPONE_S = 5
_BACK_GRACE_S = 15


def next_deadline(state: AppState) -> float:
    """When `tick` has something to do; NEVER where only a message can change anything."""
    return min(_moments(state), default=NEVER)


def _moments(state: AppState) -> Iterator[float]:
    yield from (d.not_after + COMMAND_GRACE_S for d in state.draining.values())
    yield from pruning.moments(state)
    yield from lifetimes.moments(state)
    yield from drifting.moments(state)
    run = state.run
    if run is None or run.phase.terminal:
        return
    yield run.deadline
    yield from (t.asked.resend_at for t in run.clusters.values() if t.asked is not None)
    for step in run.steps.values():
        if not step.phase.terminal:
            yield step.deadline
            yield step.nudge_at if step.asked is None else step.asked.resend_at


def tick(turn: Turn, folded_until: float) -> None:
    """Do what is due; nothing is judged whose deadline is later than `folded_until`: facts from before it may come."""
    judged = min(turn.now, folded_until)
    _drain(turn)
    run = turn.active_run
    if run is not None and run.phase is RunPhase.PREPARING:
        _preparing(turn, judged)
    if run is not None and run.phase is RunPhase.RUNNING:
        unanswered = scheduling.unanswered(run)
        for step in list(run.steps.values()):
            if not step.phase.terminal:
                _step_due(turn, step, unanswered, judged)
        if run.pruning and run.deadline <= judged and not run.phase.terminal:
            pruning.give_up(turn)
        scheduling.advance(turn)
    lifetimes.remove_ended(turn)
    drifting.revert(turn)
    pruning.resend(turn)
    pruning.show_deleting(turn)


def _drain(turn: Turn) -> None:
    for key, waiting in list(turn.state.draining.items()):
        if waiting.not_after + COMMAND_GRACE_S <= turn.now:
            del turn.state.draining[key]
            turn.changed = True
    opening.proceed(turn)


def _preparing(turn: Turn, judged: float) -> None:
    run = turn.run
    if run.deadline <= judged:
        answers.give_up_preparing(turn)
        return
    holding.expire(turn, judged)
    for cluster, target in run.clusters.items():
        if target.asked is not None and target.asked.resend_at <= turn.now:
            turn.send_prepare(cluster, target)
    opening.show_waiting(turn)


def _step_due(turn: Turn, step: StepState, unanswered: Counter[ClusterName], judged: float) -> None:
    if step.deadline <= judged:
        _overdue(turn, step, unanswered)
    elif step.asked is not None:
        if step.asked.resend_at <= turn.now:
            silent = step.answered < step.nonce
            turn.send_apply(step)
            if silent:
                _show_waiting(turn, step)
    elif step.nudge_at <= turn.now:
        step.nudge_backoff_s = min(step.nudge_backoff_s * 2, turn.policy.nudge_max_s)
        step.nudge_at = turn.now + step.nudge_backoff_s
        if not _ask_for_facts(turn, step, unanswered):
            step.nudge_at = turn.now + _POSTPONE_S


def _show_waiting(turn: Turn, step: StepState) -> None:
    """Say of a step that was not applied yet whether its cluster gives signs of life."""
    if step.phase is not StepPhase.APPLYING:
        return
    if not turn.reachable(step.cluster):
        message = f"waiting for a sign of life from {step.cluster}"
        turn.step_to(step, step.phase, Reason.CLUSTER_UNREACHABLE, message)
    elif step.reason is Reason.CLUSTER_UNREACHABLE:
        turn.step_to(step, step.phase)


def _overdue(turn: Turn, step: StepState, unanswered: Counter[ClusterName]) -> None:
    if not turn.reachable(step.cluster):
        _wait_for_cluster(turn, step)
    elif step.overdue_since == NEVER:
        _time_out(turn, step)
    # The cluster is back: what happened meanwhile is asked for before anything is judged.
    elif _ask_for_facts(turn, step, unanswered):
        step.overdue_since = NEVER
        step.deadline = turn.now + _BACK_GRACE_S
    else:
        step.deadline = turn.now + _POSTPONE_S


def _ask_for_facts(turn: Turn, step: StepState, unanswered: Counter[ClusterName]) -> bool:
    """Send the step's command once more, unless too many are unanswered; returns whether there was room."""
    turn.changed = True
    if step.asked is None and step.nonce > 0:
        if unanswered[step.cluster] >= turn.policy.window:
            return False
        unanswered[step.cluster] += 1
    if step.nonce > 0:
        turn.send_apply(step)
    return True


def _wait_for_cluster(turn: Turn, step: StepState) -> None:
    if step.overdue_since == NEVER:
        step.overdue_since = step.deadline
    if turn.now >= step.overdue_since + turn.policy.unreachable_limit_s:
        message = (
            f"cluster {step.cluster} gave no sign of life for {turn.policy.unreachable_limit_s:g} s past the deadline"
        )
        turn.step_to(step, StepPhase.ERROR, Reason.CLUSTER_UNREACHABLE, message)
        pruning.stop(turn, step)
        scheduling.ended(turn, step)
        return
    step.deadline = turn.now + _POSTPONE_S
    message = f"past its deadline, but cluster {step.cluster} gives no sign of life"
    turn.step_to(step, step.phase, Reason.CLUSTER_UNREACHABLE, message)


def _time_out(turn: Turn, step: StepState) -> None:
    if step.phase is StepPhase.APPLYING and step.reason is not Reason.NONE:
        # Never applied, and the executor said why: the platform's fault, not the workload's.
        turn.step_to(step, StepPhase.ERROR, step.reason, step.message)
    else:
        reason, allowed_s, what = _allowance(step)
        cause = f"; last: {step.reason} {step.message}".rstrip() if step.reason or step.message else ""
        turn.step_to(step, StepPhase.TIMED_OUT, reason, f"took longer than {allowed_s:g} s {what}{cause}")
    pruning.stop(turn, step)
    scheduling.ended(turn, step)


def _allowance(step: StepState) -> tuple[Reason, float, str]:
    if step.phase is StepPhase.QUEUED:
        return Reason.QUEUE_DEADLINE, step.deadlines.queue_s, "in the queue"
    if step.started and step.to_completion:
        return Reason.RUN_DEADLINE, step.deadlines.run_s, "to run"
    return Reason.START_DEADLINE, step.deadlines.start_s, "to become ready"
