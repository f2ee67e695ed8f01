"""Folds run events into the views that people read; the same events give the same views, whoever folds them."""

from dataclasses import dataclass, field

from shared.contracts.identity import ObjectKey, RunId, StepId
from shared.contracts.phases import AppPhase, Reason, RunPhase, StepPhase
from shared.contracts.runs import (
    AppPhaseChanged,
    ObjectForgotten,
    ObjectRecorded,
    RunAccepted,
    RunEvent,
    RunPhaseChanged,
    StepOutline,
    StepPhaseChanged,
)
from shared.contracts.views import ObjectView, RunView, StepView


@dataclass(frozen=True)
class UnseenObject:
    """An object that was seen before, and not since its cluster was stated anew."""

    step: StepId
    key: ObjectKey
    object_uid: str


@dataclass
class ProjectedRun:
    """A run while events are folded into it."""

    view: RunView
    """Its steps are those of the last `current()`."""
    steps: dict[tuple[str, str], StepView] = field(default_factory=dict)

    @classmethod
    def of(cls, view: RunView) -> "ProjectedRun":
        """Go on from a stored view."""
        return cls(view, {(s.cluster, s.step): s for s in view.steps})

    @classmethod
    def accepted(cls, event: RunAccepted) -> "ProjectedRun":
        """Begin with the event that opened the run."""
        view = RunView(
            run=event.run,
            uid=event.uid,
            tenant=event.app.tenant,
            namespace=event.app.namespace,
            name=event.app.name,
            generation=event.generation,
            action=event.action,
            phase=RunPhase.ACCEPTED,
            requested_by=event.requested_by,
            accepted_at=event.at,
            n=event.n,
            steps=tuple(_step(outline) for outline in event.steps),
            overrides=event.overrides,
            warnings=event.warnings,
        )
        return cls.of(view)

    def fold(self, event: RunEvent) -> None:
        """Fold one event of this run; one that was folded before changes nothing."""
        if event.n <= self.view.n:
            return
        changes: dict[str, object] = {"n": event.n}
        match event:
            case RunPhaseChanged():
                changes |= {"phase": event.phase, "reason": event.reason, "message": event.message}
                # A cluster that is asked twice says the same twice.
                changes["warnings"] = tuple(dict.fromkeys((*self.view.warnings, *event.warnings)))
                if event.phase.terminal:
                    changes["ended_at"] = event.at
            case StepPhaseChanged():
                self._step_changed(event)
            case ObjectRecorded():
                self._object_recorded(event)
            case ObjectForgotten(retained=False):
                self._object_forgotten(event)
            case RunAccepted() | ObjectForgotten() | AppPhaseChanged():
                pass
        self.view = self.view.model_copy(update=changes)

    def current(self) -> RunView:
        """The view as of the last event."""
        self.view = self.view.model_copy(update={"steps": tuple(self.steps.values())})
        return self.view

    def _step_changed(self, event: StepPhaseChanged) -> None:
        step = self.steps.get((event.cluster, event.step))
        if step is None:
            return
        started = step.started_at or (event.at if event.phase is not StepPhase.WAITING else None)
        self.steps[event.cluster, event.step] = step.model_copy(
            update={
                "phase": event.phase,
                "reason": event.reason,
                "message": event.message,
                "attempt": event.attempt,
                "deadline": event.deadline,
                "progress": event.progress,
                "needed": event.needed,
                "available": event.available,
                "started_at": started,
                # What is told of it later is no second end.
                "ended_at": (step.ended_at or event.at) if event.phase.terminal else None,
            }
        )

    def _object_forgotten(self, event: ObjectForgotten) -> None:
        """What was deleted on purpose is no longer looked for."""
        for key, step in self.steps.items():
            kept = tuple(o for o in step.objects if (o.key, o.object_uid) != (event.key, event.object_uid))
            if step.cluster == event.cluster and len(kept) < len(step.objects):
                self.steps[key] = step.model_copy(update={"objects": kept})

    def _object_recorded(self, event: ObjectRecorded) -> None:
        step = self.steps.get((event.cluster, event.step))
        if step is None:
            return
        objects = tuple(
            o.model_copy(update={"object_uid": event.object_uid, "digest": event.digest}) if o.key == event.key else o
            for o in step.objects
        )
        self.steps[event.cluster, event.step] = step.model_copy(update={"objects": objects})


@dataclass
class ProjectedApp:
    """An application while run events are folded into it."""

    n: int = field(default=0, compare=False)
    """How far it is folded. Stored, it may lag behind the views of its runs: from there on they are folded again."""
    phase: AppPhase = AppPhase.ACTIVE
    reason: Reason = Reason.NONE
    message: str = ""
    observed_generation: int = 0
    run: RunId | None = None
    """The newest."""

    def fold(self, event: RunEvent) -> None:
        """Fold one event of this application; one that was folded before changes nothing."""
        if event.n <= self.n:
            return
        self.n = event.n
        match event:
            case RunAccepted():
                self.run, self.observed_generation = event.run, event.generation
            case AppPhaseChanged():
                self.phase, self.reason, self.message = event.phase, event.reason, event.message
            case _:
                pass


def _step(outline: StepOutline) -> StepView:
    return StepView(
        cluster=outline.cluster,
        namespace=outline.namespace,
        step=outline.step,
        component=outline.component,
        job_type=outline.job_type,
        depends_on=outline.depends_on,
        objects=tuple(ObjectView(key=key) for key in outline.objects),
    )
