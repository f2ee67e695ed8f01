"""A run that is held back by what others make: its steps wait, each until its deadline, and nothing is created.

The wait is state like any other: the cluster is asked again and again, and answers as soon as everything has come.
When a step has waited long enough, its cluster is asked once more without leave to wait, and that answer decides.
"""

from collections.abc import Iterable

from services.planner.domain import opening
from services.planner.domain.state import NEVER, ClusterState, StepState, step_key
from services.planner.domain.turn import Turn, utc
from shared.contracts.facts import RunHeldBack, StepProblem
from shared.contracts.identity import ClusterName, StepId
from shared.contracts.phases import StepPhase

NAMED_IN_MESSAGE = 5


def held_back(turn: Turn, target: ClusterState, fact: RunHeldBack) -> None:
    """A cluster lacks something that its steps may wait for."""
    if fact.nonce != target.nonce or target.asked is None:
        # Of a question that was put again since: its answer counts.
        return
    steps = _steps_of(turn, fact.cluster)
    waiting = {step.step for step in steps if step.may_wait}
    lacking = by_steps(problem for problem in fact.problems if problem.step in waiting)
    if not lacking:
        # No answer to what was asked. The run keeps its deadline: nobody may hold it for ever.
        return
    for step in steps:
        problems = lacking.get(step.step, [])
        if problems:
            if step.deadline == NEVER:
                step.deadline = turn.now + step.deadlines.reference_s
            told = "; ".join(problem.message for problem in problems[:NAMED_IN_MESSAGE])
            message = f"{told}; waited for until {utc(step.deadline):%Y-%m-%d %H:%M:%S} UTC"
            turn.step_to(step, StepPhase.WAITING, problems[0].reason, message)
        elif step.reason:
            # What it waited for has come. Its deadline stays: what comes and goes is not waited for any longer by that.
            turn.step_to(step, StepPhase.WAITING)
    first = next(iter(lacking.values()))[0]
    target.waiting, target.reason, target.message = True, first.reason, first.message
    target.answered = max(target.answered, fact.nonce)
    target.asked.resend_at = turn.now + turn.policy.held_back_resend_s
    target.asked.backoff_s = turn.policy.resend_first_s
    settle(turn)
    opening.show_waiting(turn)


def over(turn: Turn, cluster: ClusterName, target: ClusterState) -> None:
    """Nothing is lacking there any more."""
    target.waiting = False
    for step in _steps_of(turn, cluster):
        step.deadline = NEVER
        turn.step_to(step, StepPhase.WAITING)


def settle(turn: Turn) -> None:
    """A run whose clusters have all answered has no deadline but those of its waiting steps."""
    if all(target.prepared or target.waiting for target in turn.run.clusters.values()):
        turn.run.deadline = NEVER


def expire(turn: Turn, judged: float) -> None:
    """Ask once more, without leave to wait, where a step has waited long enough."""
    run = turn.run
    spent = [step for step in run.steps.values() if step.phase is StepPhase.WAITING and step.deadline <= judged]
    for step in spent:
        step.waited_out, step.deadline = True, NEVER
    for cluster in dict.fromkeys(step.cluster for step in spent):
        target = run.clusters[cluster]
        target.waiting = False
        turn.send_prepare(cluster, target)
    if spent and run.deadline == NEVER:
        run.deadline = turn.now + turn.policy.prepare_deadline_s


def by_steps(problems: Iterable[StepProblem]) -> dict[StepId, list[StepProblem]]:
    """The problems of each step."""
    found: dict[StepId, list[StepProblem]] = {}
    for problem in problems:
        found.setdefault(problem.step, []).append(problem)
    return found


def in_vain(turn: Turn, cluster: ClusterName, problem: StepProblem) -> StepProblem:
    """The problem with how long the step has waited for it, if it has."""
    step = turn.run.steps.get(step_key(cluster, problem.step))
    if step is None or not step.waited_out:
        return problem
    return problem.model_copy(
        update={"message": f"{problem.message}; waited for {step.deadlines.reference_s:g} s in vain"}
    )


def _steps_of(turn: Turn, cluster: ClusterName) -> list[StepState]:
    return [step for step in turn.run.steps.values() if step.cluster == cluster and not step.phase.terminal]
