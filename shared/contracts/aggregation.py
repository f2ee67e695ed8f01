"""How a run's end follows from those of its steps: a total order, so neither order nor grouping matters."""

from collections.abc import Iterable
from functools import reduce

from shared.contracts.phases import Reason, RunPhase, StepPhase

_SEVERITY = (RunPhase.SUCCEEDED, RunPhase.CANCELLED, RunPhase.TIMED_OUT, RunPhase.FAILED, RunPhase.ERROR)
"""From harmless to worst: the platform's own fault outranks the workload's, for it casts doubt on the rest."""

_OF_STEP = {
    StepPhase.SUCCEEDED: RunPhase.SUCCEEDED,
    StepPhase.SKIPPED: RunPhase.SUCCEEDED,
    StepPhase.CANCELLED: RunPhase.CANCELLED,
    StepPhase.TIMED_OUT: RunPhase.TIMED_OUT,
    StepPhase.FAILED: RunPhase.FAILED,
    StepPhase.REJECTED: RunPhase.FAILED,
    StepPhase.ERROR: RunPhase.ERROR,
}


def ended_well(phase: StepPhase, reason: Reason) -> bool:
    """Whether dependents of such a step may start."""
    return phase is StepPhase.SUCCEEDED or (phase is StepPhase.SKIPPED and reason is Reason.OVERRIDDEN)


def worse(one: RunPhase, other: RunPhase) -> RunPhase:
    """The more severe of two ends; associative and commutative, with Succeeded as neutral element."""
    return max(one, other, key=_SEVERITY.index)


def run_end(steps: Iterable[StepPhase]) -> RunPhase:
    """The end of a run whose steps all ended so; a skipped step counts through the one that made it skip."""
    return reduce(worse, (_OF_STEP[phase] for phase in steps), RunPhase.SUCCEEDED)
