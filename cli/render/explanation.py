"""Why is it pending, stuck or failed: the steps that hold up the others, each with everything that is known about it.

A step that only waits for another, or was skipped because of it, is no cause; it is counted with the one that it waits
for.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from cli import durations
from cli.render.phases import words
from cli.render.text import counted, plain
from shared.contracts.facts import PodPhase, PodSeen
from shared.contracts.identity import ClusterName, StepId
from shared.contracts.phases import Health, Reason, StepPhase
from shared.contracts.views import ObjectView, StepView

Key = tuple[ClusterName, StepId]

SHOWN = 10
"""Causes that are told; beyond that many, the rest is counted."""
_SHOWN_PODS = 3


class Kind(IntEnum):
    """What sort of cause; the worst first."""

    BAD = 0
    """It ended, and not well."""
    UNHEALTHY = 1
    """It was delivered, and is not well now."""
    HELD = 2
    """It goes on, or waits for something."""


@dataclass(frozen=True)
class Cause:
    """A step that is not where it should be, and not because of another step."""

    kind: Kind
    step: StepView
    details: tuple[str, ...] = ()
    """Lines, the most telling first."""
    blocked: tuple[StepId, ...] = field(default=())
    """Steps that wait for it or were skipped because of it, directly or not."""


def causes(steps: Sequence[StepView], now: datetime) -> list[Cause]:
    """Return the causes, the worst first, in the order of the run."""
    dependents = _dependents(steps)
    found = [_cause(kind, step, dependents, now) for step in steps if (kind := _kind(step)) is not None]
    return sorted(found, key=lambda cause: cause.kind)


def explained(steps: Sequence[StepView], now: datetime) -> frozenset[Key]:
    """Return the steps whose causes are told."""
    return frozenset((cause.step.cluster, cause.step.step) for cause in causes(steps, now)[:SHOWN])


def waits_for(step: StepView, steps: Mapping[Key, StepView]) -> tuple[StepId, ...]:
    """Return what a waiting step still needs; empty for any other."""
    if step.phase is not StepPhase.WAITING:
        return ()
    return tuple(name for name in step.depends_on if not _succeeded(steps.get((step.cluster, name))))


def trouble_of(pod: PodSeen, known: Collection[str] = ()) -> str:
    """What is wrong with a pod, or empty; without its message where that is known already."""
    restarts = f"{counted(pod.restarts, 'restart')}" if pod.restarts else ""
    if pod.reason is Reason.NONE and pod.phase is not PodPhase.FAILED:
        return "" if pod.ready or pod.phase is not PodPhase.RUNNING else restarts
    said = str(pod.reason) if pod.reason else str(pod.phase)
    head = f"{said} ({restarts})" if restarts else said
    return head if is_told(pod.message, known) else f"{head}: {plain(pod.message)}"


def is_told(message: str, known: Collection[str]) -> bool:
    """Whether there is nothing in it that is not known already; a deadline's message quotes what was there before."""
    return not message or any(message in each for each in known)


def _kind(step: StepView) -> Kind | None:
    match step.phase:
        case StepPhase.FAILED | StepPhase.REJECTED | StepPhase.ERROR | StepPhase.TIMED_OUT:
            return Kind.BAD
        case StepPhase.QUEUED | StepPhase.APPLYING | StepPhase.PENDING | StepPhase.RUNNING:
            return Kind.HELD
        case StepPhase.WAITING:
            # One that has a reason of its own is not just waiting for its turn.
            return Kind.HELD if step.reason else None
        case StepPhase.SUCCEEDED:
            return Kind.UNHEALTHY if any(map(_unhealthy, step.objects)) else None
        case StepPhase.CANCELLED | StepPhase.SKIPPED:
            return None


def _cause(kind: Kind, step: StepView, dependents: Mapping[Key, list[StepView]], now: datetime) -> Cause:
    details = list(dict.fromkeys(_details(kind, step, now)))
    return Cause(kind, step, tuple(details), tuple(_blocked(step, dependents)))


def _details(kind: Kind, step: StepView, now: datetime) -> Iterator[str]:
    if step.message:
        yield plain(step.message)
    for name, amount in step.needed.items():
        yield f"needs {plain(name)} {plain(amount)}, available {plain(step.available.get(name, 'none'))}"
    yield from _of_pods(step)
    yield from _of_objects(kind, step)
    if kind is Kind.HELD:
        if step.progress.desired:
            yield f"{step.progress.ready} of {step.progress.desired} ready"
        if step.deadline is not None:
            yield _deadline(step.deadline, now)
    if step.attempt > 1:
        yield f"attempt {step.attempt}"


def _of_pods(step: StepView) -> Iterator[str]:
    """Pods that have the same trouble share a line."""
    groups: dict[str, list[str]] = {}
    for pod in step.pods:
        if trouble := trouble_of(pod, {step.message}):
            groups.setdefault(trouble, []).append(plain(pod.name))
    for trouble, pods in groups.items():
        more = f" and {len(pods) - _SHOWN_PODS} more" if len(pods) > _SHOWN_PODS else ""
        yield f"{'pod' if len(pods) == 1 else 'pods'} {', '.join(pods[:_SHOWN_PODS])}{more}: {trouble}"


def _of_objects(kind: Kind, step: StepView) -> Iterator[str]:
    for obj in step.objects:
        if _unhealthy(obj) and (kind is Kind.UNHEALTHY or not is_told(obj.message, {step.message})):
            message = f": {plain(obj.message)}" if obj.message else ""
            yield f"{obj.key}: {words(obj.health, obj.reason)}{message}"


def _deadline(deadline: datetime, now: datetime) -> str:
    left_s = (deadline - now).total_seconds()
    return f"gives up in {durations.text(left_s)}" if left_s > 0 else "its time is over"


def _unhealthy(obj: ObjectView) -> bool:
    return obj.observed_at is not None and obj.health in (Health.DEGRADED, Health.MISSING, Health.PROGRESSING)


def _dependents(steps: Iterable[StepView]) -> dict[Key, list[StepView]]:
    found: dict[Key, list[StepView]] = {}
    for step in steps:
        for name in step.depends_on:
            found.setdefault((step.cluster, name), []).append(step)
    return found


def _blocked(step: StepView, dependents: Mapping[Key, list[StepView]]) -> Iterator[StepId]:
    seen: set[Key] = set()
    queue = [step]
    while queue:
        current = queue.pop(0)
        for dependent in dependents.get((current.cluster, current.step), ()):
            key = (dependent.cluster, dependent.step)
            if key not in seen and _is_held_back(dependent):
                seen.add(key)
                queue.append(dependent)
                yield dependent.step


def _is_held_back(step: StepView) -> bool:
    return step.phase is StepPhase.WAITING or (
        step.phase is StepPhase.SKIPPED and step.reason is Reason.DEPENDENCY_NOT_SUCCEEDED
    )


def _succeeded(step: StepView | None) -> bool:
    return step is not None and (
        step.phase is StepPhase.SUCCEEDED or (step.phase is StepPhase.SKIPPED and step.reason is Reason.OVERRIDDEN)
    )
