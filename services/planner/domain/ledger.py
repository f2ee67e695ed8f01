"""A Job is its own ledger: which attempt of which template ran, and what became of it.

A finished Job is never run again; the attempt rises only when the last one failed and is wanted again.
"""

from services.planner.domain.state import AppState, JobEntry
from services.planner.domain.turn import Turn
from shared.contracts.identity import ClusterName, Digest
from shared.contracts.plan import PlannedObject, PlannedStep
from shared.planning import with_attempt


def template_of(step: PlannedStep) -> Digest | None:
    """Digest of a run-once step's template; None for every other step."""
    return next((o.digest for o in step.objects if o.job_name_base), None) if step.runs_once else None


def entry_of(state: AppState, step: PlannedStep) -> JobEntry | None:
    """The ledger's line about a run-once step's present template."""
    template = template_of(step)
    return state.ledger.get(_key(step, template)) if template else None


def next_attempt(state: AppState, step: PlannedStep) -> int:
    """Which attempt a new run wants."""
    entry = entry_of(state, step)
    if entry is None:
        return 1
    return entry.attempt + 1 if entry.outcome == "failed" else entry.attempt


def objects_of(step: PlannedStep, attempt: int) -> tuple[PlannedObject, ...]:
    """The step's objects, its Job named by attempt."""
    return tuple(with_attempt(o, attempt) if o.job_name_base else o for o in step.objects)


def begin(turn: Turn, step: PlannedStep, attempt: int) -> None:
    """Note the attempt before anything can create its Job."""
    template = template_of(step)
    job = next((o for o in objects_of(step, attempt) if o.job_name_base), None)
    if template is None or job is None:
        return
    entry = entry_of(turn.state, step)
    if entry is None or entry.attempt != attempt:
        turn.state.ledger.pop(_key(step, template), None)
        turn.state.ledger[_key(step, template)] = JobEntry(attempt=attempt, digest=job.digest)
        _forget_oldest(turn)


def note_outcome(turn: Turn, cluster: ClusterName, digest: Digest, outcome: str) -> None:
    """Remember how a Job ended, whichever run it belonged to; the first end counts."""
    prefix = f"{cluster}/"
    for key, entry in turn.state.ledger.items():
        if entry.digest == digest and entry.outcome == "started" and key.startswith(prefix):
            entry.outcome = outcome
            turn.changed = True


def _forget_oldest(turn: Turn) -> None:
    ended = [key for key, entry in turn.state.ledger.items() if entry.outcome != "started"]
    for key in ended[: max(0, len(turn.state.ledger) - turn.policy.ledger_limit)]:
        del turn.state.ledger[key]


def _key(step: PlannedStep, template: Digest) -> str:
    return f"{step.cluster}/{step.step}/{template}"
