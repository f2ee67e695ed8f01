"""Which steps start, which are skipped, and when a run has ended."""

from collections import Counter

from services.planner.domain import ledger, pruning
from services.planner.domain.state import RunState, StepState
from services.planner.domain.turn import Turn
from shared.contracts.aggregation import ended_well, run_end
from shared.contracts.identity import ClusterName
from shared.contracts.phases import Reason, RunPhase, StepPhase
from shared.contracts.runs import Action

_NAMED_IN_MESSAGE = 5


def start(turn: Turn) -> None:
    """All targets prepared: start whatever depends on nothing."""
    turn.run_to(RunPhase.RUNNING)
    pruning.clear_jobs(turn)
    roots = [step for step in turn.run.steps.values() if step.unmet == 0]
    for step in roots:
        if _ready(turn, step):
            ended(turn, step)
    advance(turn)


def ended(turn: Turn, step: StepState) -> None:
    """A step ended: release its dependents, or skip them; iterative, for chains may be long."""
    pending = [step]
    while pending:
        done = pending.pop()
        well = ended_well(done.phase, done.reason)
        for dependent in turn.dependents_of(done):
            if dependent.phase is not StepPhase.WAITING:
                continue
            if not well:
                message = f"{done.step} is {done.phase}" + (f" ({done.reason})" if done.reason else "")
                turn.step_to(dependent, StepPhase.SKIPPED, Reason.DEPENDENCY_NOT_SUCCEEDED, message)
                pending.append(dependent)
                continue
            dependent.unmet -= 1
            turn.changed = True
            if dependent.unmet == 0 and _ready(turn, dependent):
                pending.append(dependent)


def _ready(turn: Turn, step: StepState) -> bool:
    """Put a step whose dependencies are met in line; returns whether it ended at once instead."""
    if step.overridden_by is not None:
        message = f"{step.overridden_by} carries the same object later"
        turn.step_to(step, StepPhase.SKIPPED, Reason.OVERRIDDEN, message)
        return True
    if step.objects and all(ledger.completed(turn.state, wanted) for wanted in step.objects):
        turn.step_to(step, StepPhase.SUCCEEDED, Reason.ALREADY_COMPLETED, "the same Job has succeeded before")
        return True
    turn.run.ready.append(step.key)
    return False


def advance(turn: Turn) -> None:
    """Send what is ready as far as the window allows, then see whether the run has ended."""
    run = turn.active_run
    if run is None or run.phase is not RunPhase.RUNNING:
        return
    room = unanswered(run)
    held: list[str] = []
    for key in run.ready:
        step = run.steps[key]
        if step.phase is StepPhase.WAITING and room[step.cluster] < turn.policy.window:
            room[step.cluster] += 1
            step.deadline = turn.now + step.deadlines.start_s
            turn.step_to(step, StepPhase.APPLYING)
        if step.phase is StepPhase.APPLYING and not pruning.in_the_way(turn, step):
            turn.send_apply(step)
        elif not step.phase.terminal:
            held.append(key)
    run.ready = held
    finish(turn)


def unanswered(run: RunState) -> Counter[ClusterName]:
    """How many steps of each cluster wait for an answer; what is queued there is in nobody's way."""
    return Counter(
        step.cluster
        for step in run.steps.values()
        if step.phase is StepPhase.APPLYING
        or (step.asked is not None and step.phase in (StepPhase.PENDING, StepPhase.RUNNING))
    )


def finish(turn: Turn) -> None:
    """End the run when every step has; pruning comes between success and its announcement."""
    run = turn.active_run
    if run is None or run.phase is not RunPhase.RUNNING or run.action is Action.DELETE or run.pruning:
        return
    if not all(step.phase.terminal for step in run.steps.values()):
        return
    end = run_end(step.phase for step in run.steps.values())
    if end is RunPhase.SUCCEEDED:
        pruning.begin(turn)
        return
    turn.run_to(end, Reason.STEP_NOT_SUCCEEDED, _culprits(turn, end))
    if run.collection.on_failure:
        pruning.sweep(turn)


def _culprits(turn: Turn, end: RunPhase) -> str:
    bad = [s for s in turn.run.steps.values() if s.phase is not StepPhase.SKIPPED and run_end([s.phase]) is end]
    named = [f"{s.step} on {s.cluster}: {s.phase}({s.reason}) {s.message}".strip() for s in bad[:_NAMED_IN_MESSAGE]]
    more = len(bad) - len(named)
    return "; ".join(named) + (f"; and {more} more" if more else "")
