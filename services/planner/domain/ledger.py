"""A Job is its own ledger: which attempt of it ran, and what became of it.

A Job is known by its manifest's digest. One that has succeeded is never created again, whichever generation wants it;
its attempt rises only when the last one failed, or was stopped, and it is wanted again. A Job under our naming then
gets a new name; one that is written out in the document keeps its own, so the old one is deleted first.
"""

from collections.abc import Iterable

from services.planner.domain.state import AppState, InventoryObject, JobEntry, JobOutcome, StepState, WantedObject
from services.planner.domain.turn import Turn
from shared.contracts.annotations import ANNOTATION_JOB_LIFETIME
from shared.contracts.facts import Observed
from shared.contracts.identity import ClusterName
from shared.contracts.plan import PlannedObject, PlannedStep
from shared.planning import with_attempt

_EARLIER_LIMIT = 10


def once(obj: PlannedObject) -> bool:
    """Whether the object runs to its end once, and never again."""
    return bool(obj.job_name_base) or obj.key.is_job


def line_of(cluster: ClusterName, obj: PlannedObject) -> str:
    """The ledger's line about a planned object; empty for one that does not run once."""
    return f"{cluster}/{obj.digest}" if once(obj) else ""


def next_attempt(state: AppState, step: PlannedStep) -> int:
    """Which attempt a new run wants."""
    entries = (state.ledger.get(line_of(step.cluster, obj)) for obj in step.objects if obj.job_name_base)
    return max((e.attempt + 1 if e.outcome.wants_another else e.attempt for e in entries if e is not None), default=1)


def objects_of(step: PlannedStep, attempt: int) -> tuple[PlannedObject, ...]:
    """The step's objects, its Job named by attempt."""
    return tuple(with_attempt(o, attempt) if o.job_name_base else o for o in step.objects)


def begin(turn: Turn, step: PlannedStep, attempt: int) -> None:
    """Note the attempt before anything can create its Jobs."""
    for planned, obj in zip(step.objects, objects_of(step, attempt), strict=True):
        if not once(planned):
            continue
        line = line_of(step.cluster, planned)
        before = turn.state.ledger.pop(line, None)
        turn.state.ledger[line] = _wanted_again(before, obj, attempt) if before is not None else _first(obj, attempt)
    turn.ledger_changed()


def _first(obj: PlannedObject, attempt: int) -> JobEntry:
    return JobEntry(key=obj.key, attempt=attempt, digest=obj.digest, lifetime_s=_lifetime_s(obj))


def _wanted_again(entry: JobEntry, obj: PlannedObject, attempt: int) -> JobEntry:
    if not entry.outcome.wants_another:
        return entry
    anew = _first(obj, attempt)
    if obj.digest == entry.digest:
        anew.earlier, anew.until = entry.earlier, entry.until
        anew.spent_uid = entry.object_uid or entry.spent_uid
    else:
        known = [*entry.earlier.items(), (entry.digest, entry.outcome)]
        anew.earlier = dict(known[-_EARLIER_LIMIT:])
    return anew


def _lifetime_s(obj: PlannedObject) -> float | None:
    text = str((obj.manifest.get("metadata", {}).get("annotations") or {}).get(ANNOTATION_JOB_LIFETIME, ""))
    return float(text) if text.isdecimal() else None


def forget_oldest(turn: Turn) -> None:
    """Keep the ledger bounded; what the newest plan wants is never forgotten."""
    wanted = {w.line for step in turn.run.steps.values() for w in step.objects if w.line}
    others = [line for line in turn.state.ledger if line not in wanted]
    for line in others[: max(0, len(others) - turn.policy.ledger_limit)]:
        del turn.state.ledger[line]
    turn.ledger_changed()


def completed(state: AppState, wanted: WantedObject) -> bool:
    """Whether it is a Job that has succeeded."""
    return has_succeeded(state, wanted.line)


def has_succeeded(state: AppState, line: str) -> bool:
    """Whether the Job of that line has succeeded; False for no line."""
    entry = state.ledger.get(line) if line else None
    return entry is not None and entry.outcome is JobOutcome.SUCCEEDED


def recorded(turn: Turn, held: InventoryObject) -> None:
    """A Job is known by uid from now on."""
    entry = turn.ledger_line(held.cluster, held.digest) if held.key.is_job else None
    if entry is not None and entry.digest == held.digest and held.object_uid != entry.spent_uid:
        entry.object_uid = held.object_uid


def note_outcome(turn: Turn, fact: Observed, outcome: JobOutcome) -> None:
    """Remember how a Job ended, whichever run it belonged to. The first end counts, but a success always does."""
    entry = turn.ledger_line(fact.cluster, fact.digest) if fact.key.is_job else None
    if entry is None or entry.outcome is JobOutcome.SUCCEEDED:
        return
    current = (
        entry.outcome is JobOutcome.STARTED
        and fact.digest == entry.digest
        and fact.object_uid != entry.spent_uid
        and entry.object_uid in ("", fact.object_uid)
    )
    if outcome is JobOutcome.SUCCEEDED or current:
        entry.outcome, entry.ended_at = outcome, turn.now
        entry.object_uid = fact.object_uid
        turn.changed = True


def vanished(turn: Turn, step: StepState) -> None:
    """The executor found a Job of the step gone and did not create it again."""
    end(turn, [w for w in step.objects if w.line], JobOutcome.FAILED)


def end(turn: Turn, wanted: Iterable[WantedObject], outcome: JobOutcome) -> None:
    """End those Jobs that have not ended by themselves."""
    for entry in (turn.state.ledger[w.line] for w in wanted if w.line):
        if entry.outcome is JobOutcome.STARTED:
            entry.outcome, entry.ended_at = outcome, turn.now
            turn.changed = True


def outcome_of(turn: Turn, held: InventoryObject) -> JobOutcome | None:
    """How it stands with a Job that exists; None for what is no Job, or for one that nobody remembers."""
    entry = turn.ledger_line(held.cluster, held.digest) if held.key.is_job else None
    if entry is None:
        return None
    if held.object_uid == entry.spent_uid:
        return JobOutcome.STOPPED
    return entry.outcome if entry.digest == held.digest else entry.earlier[held.digest]


def may_work(turn: Turn, held: InventoryObject) -> bool:
    """Whether it is a Job that has not ended by itself, as far as we know."""
    return outcome_of(turn, held) in (JobOutcome.STARTED, JobOutcome.STOPPED)


def deleting(turn: Turn, held: InventoryObject) -> None:
    """We are about to delete it: if it has not ended, it never will."""
    entry = turn.ledger_line(held.cluster, held.digest) if held.key.is_job else None
    if entry is not None and entry.digest == held.digest and entry.outcome is JobOutcome.STARTED:
        if held.object_uid == entry.spent_uid:
            return
        entry.outcome, entry.ended_at = JobOutcome.STOPPED, turn.now
