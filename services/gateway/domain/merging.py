"""Putting views together: a run's plan and phases, with what was observed of its objects and pods."""

from collections.abc import Iterable, Mapping

from shared.contracts.desired import StoredApplication
from shared.contracts.facts import PodSeen, PodsObserved
from shared.contracts.identity import ClusterName, ObjectKey, StepId
from shared.contracts.phases import Reason, RunPhase
from shared.contracts.projection import ProjectedRun
from shared.contracts.runs import Action, RunAccepted, RunEvent
from shared.contracts.views import ObjectView, RunSummary, RunView, StepView

Observations = Mapping[tuple[ClusterName, ObjectKey], ObjectView]


def with_observations(view: RunView, observed: Observations, pods: Iterable[PodsObserved]) -> RunView:
    """Return the run with its objects and pods as they are now."""
    pods_of = {(p.cluster, p.step): p.pods for p in pods}
    steps = tuple(_step(step, observed, pods_of) for step in view.steps)
    return view.model_copy(update={"steps": steps})


def _step(
    step: StepView, observed: Observations, pods_of: Mapping[tuple[ClusterName, StepId], tuple[PodSeen, ...]]
) -> StepView:
    objects = tuple(_object(obj, observed.get((step.cluster, obj.key))) for obj in step.objects)
    return step.model_copy(update={"objects": objects, "pods": pods_of.get((step.cluster, step.step), ())})


def _object(planned: ObjectView, seen: ObjectView | None) -> ObjectView:
    # An observation of another object of that name (an earlier one, or somebody else's) says nothing about ours.
    if seen is None or (planned.object_uid and seen.object_uid and seen.object_uid != planned.object_uid):
        return planned
    return seen.model_copy(
        update={"object_uid": planned.object_uid or seen.object_uid, "digest": seen.digest or planned.digest}
    )


def awaited_run(stored: StoredApplication) -> RunView:
    """The run of a generation that was stored and that no projection knows yet."""
    record = stored.record
    return RunView(
        run=record.run,
        uid=record.uid,
        tenant=record.app.tenant,
        namespace=record.app.namespace,
        name=record.app.name,
        generation=record.run_generation,
        action=Action.DELETE if record.deleted else Action.DEPLOY,
        phase=RunPhase.ACCEPTED,
        requested_by=record.audit.actor if record.cancels is None else record.cancels.requested_by,
        accepted_at=record.audit.at,
        n=0,
    )


def superseded(summary: RunSummary, by_generation: int) -> RunSummary:
    """How a run ends that never began, because a newer generation was taken up instead."""
    return summary.model_copy(
        update={
            "phase": RunPhase.CANCELLED,
            "reason": Reason.SUPERSEDED,
            "message": f"Generation {by_generation} took its place before it began.",
        }
    )


def after(summary: RunSummary, event: RunEvent) -> RunSummary:
    """The summary once an event has happened, for readers that are ahead of the projection."""
    if isinstance(event, RunAccepted):
        return ProjectedRun.accepted(event).view.summary()
    run = ProjectedRun.of(RunView(**dict(summary)))
    run.fold(event)
    return run.view.summary()
