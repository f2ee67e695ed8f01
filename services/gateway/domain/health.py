"""Health, computed when it is read: of an object, of a cluster, of an application.

Aggregation takes the worst by one total order, so that it is associative and commutative and `Healthy` is neutral:

    Missing > Degraded > Unknown > Progressing > Healthy

What is known to be wrong outranks what is not known, because somebody has to act on it whatever the rest turns out to
be; what is not known outranks progress, because progress that nobody sees may have stopped. Where the observer of a
cluster has fallen silent, everything there is Unknown *first*, so no old verdict, good or bad, is passed on as today's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce

from shared.contracts.facts import BEAT_STALE_AFTER_S
from shared.contracts.identity import ClusterName
from shared.contracts.phases import AppPhase, Health, Reason, RunPhase, StepPhase
from shared.contracts.views import ClusterHealth, ObjectView, RunView, StepView

_SEVERITY = {
    Health.HEALTHY: 0,
    Health.PROGRESSING: 1,
    Health.UNKNOWN: 2,
    Health.DEGRADED: 3,
    Health.MISSING: 4,
}


@dataclass(frozen=True)
class Verdict:
    """A health with the words for it."""

    health: Health
    reason: Reason = Reason.NONE
    message: str = ""


HEALTHY = Verdict(Health.HEALTHY)
"""The neutral element."""


def worse(left: Verdict, right: Verdict) -> Verdict:
    """Return the worse of two; equally bad ones are told apart by their words alone, so that order never matters."""
    return max(left, right, key=_rank)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst; of none, Healthy."""
    return reduce(worse, verdicts, HEALTHY)


def of_cluster(cluster: ClusterName, run: RunView | None, phase: AppPhase, beat_age_s: float | None) -> ClusterHealth:
    """Return an application's health on one cluster; `run` is its newest, with what was observed merged in."""
    verdict = _of_cluster(cluster, run, phase, beat_age_s)
    return ClusterHealth(
        cluster=cluster,
        health=verdict.health,
        reason=verdict.reason,
        message=verdict.message,
        beat_age_s=beat_age_s,
    )


def of_application(clusters: Iterable[ClusterHealth]) -> Health:
    """Return the worst of its clusters."""
    return worst(Verdict(c.health) for c in clusters).health


def of_clusters(
    clusters: Iterable[ClusterName],
    run: RunView | None,
    phase: AppPhase,
    beat_ages_s: Mapping[ClusterName, float | None],
) -> tuple[ClusterHealth, ...]:
    """Return the health on each cluster."""
    return tuple(of_cluster(cluster, run, phase, beat_ages_s.get(cluster)) for cluster in clusters)


def _of_cluster(cluster: ClusterName, run: RunView | None, phase: AppPhase, beat_age_s: float | None) -> Verdict:
    if phase is AppPhase.DELETED:
        return Verdict(Health.MISSING, message="The application was deleted.")
    if beat_age_s is None or beat_age_s > BEAT_STALE_AFTER_S:
        seen = "has never been heard of" if beat_age_s is None else f"was last heard of {beat_age_s:.0f} s ago"
        return Verdict(Health.UNKNOWN, Reason.CLUSTER_UNREACHABLE, f"The observer of cluster {cluster} {seen}.")
    if phase is AppPhase.DELETING:
        return Verdict(Health.PROGRESSING, message="The application is being deleted.")
    if run is None:
        return Verdict(Health.PROGRESSING, message="Its first run has not begun.")
    steps = [step for step in run.steps if step.cluster == cluster]
    if not steps:
        return _of_run(run)
    return worst(_of_step(step) for step in steps)


def _of_run(run: RunView) -> Verdict:
    """Where the run has no step on the cluster: it failed before it had any, or there is nothing to do."""
    if not run.phase.terminal:
        return Verdict(Health.PROGRESSING, run.reason, run.message)
    return HEALTHY if run.phase is RunPhase.SUCCEEDED else Verdict(Health.MISSING, run.reason, run.message)


def _of_step(step: StepView) -> Verdict:
    if step.phase is StepPhase.SKIPPED and step.reason is Reason.OVERRIDDEN:
        return HEALTHY
    if step.reason is Reason.DRIFTED:
        drifted = Verdict(Health.DEGRADED, step.reason, step.message)
        return worst((drifted, *(_of_object(step, obj) for obj in step.objects)))
    if not step.objects:
        return _stopped(step) or _unobserved(step, applied=False)
    return worst(_of_object(step, obj) for obj in step.objects)


def _of_object(step: StepView, obj: ObjectView) -> Verdict:
    absent = not obj.object_uid if obj.observed_at is None else obj.health is Health.MISSING
    stopped = _stopped(step) if absent and obj.key.is_job else None
    if stopped is not None:
        return stopped
    if obj.observed_at is None:
        return _unobserved(step, applied=bool(obj.object_uid))
    message = f"{obj.key}: {obj.message}" if obj.message else ""
    return Verdict(obj.health, obj.reason, message)


def _stopped(step: StepView) -> Verdict | None:
    """Of a step that was given up the Jobs are deleted on purpose, and nobody misses them: its phase tells."""
    match step.phase:
        case StepPhase.CANCELLED:
            return HEALTHY
        case StepPhase.TIMED_OUT:
            return Verdict(Health.DEGRADED, step.reason, step.message)
        case _:
            return None


def _unobserved(step: StepView, *, applied: bool) -> Verdict:
    """What nobody observes: a ConfigMap has no health of its own and is as well as its step."""
    if step.phase is StepPhase.SUCCEEDED:
        return HEALTHY
    if not step.phase.terminal:
        return Verdict(Health.PROGRESSING, step.reason, step.message)
    return Verdict(Health.UNKNOWN if applied else Health.MISSING, step.reason, step.message)


def _rank(verdict: Verdict) -> tuple[int, str, str]:
    return _SEVERITY[verdict.health], verdict.reason.value, verdict.message
