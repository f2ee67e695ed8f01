"""What is known of a run that is followed: folds its server-sent events into the view that people read."""

from dataclasses import dataclass

from pydantic import ValidationError

from cli.sse import ServerEvent
from shared.contracts.facts import PROGRESS_FACT, PodsObserved
from shared.contracts.phases import RunPhase
from shared.contracts.projection import ProjectedRun
from shared.contracts.runs import RUN_EVENT, AppPhaseChanged, RunAccepted, RunEvent
from shared.contracts.views import RunSummary, RunView


class UnknownEventError(Exception):
    """An event that this version cannot read."""


@dataclass
class TrackedRun:
    """A run as far as its events told."""

    last_id: str | None = None
    """Of the last event that was folded: where to resume."""
    ended: bool = False
    """The gateway said that nothing follows."""
    note: str = ""
    """What is said of the application rather than of the run: why a deletion takes its time."""
    _run: ProjectedRun | None = None

    @property
    def view(self) -> RunView | None:
        """The run as it is now; None until the first event."""
        return None if self._run is None else self._run.current()

    @property
    def phase(self) -> RunPhase | None:
        """Of the run; None until the first event."""
        return None if self._run is None else self._run.view.phase

    def take(self, event: ServerEvent) -> None:
        """Fold an event; raises UnknownEventError."""
        # What a newer gateway says more is passed over; what it says otherwise is not.
        try:
            match event.name:
                case "state":
                    self._run = ProjectedRun.of(RunView.model_validate_json(event.data, extra="ignore"))
                case "change":
                    self._change(RUN_EVENT.validate_json(event.data, extra="ignore"))
                case "progress":
                    self._pods(PROGRESS_FACT.validate_json(event.data, extra="ignore"))
                case "end":
                    self._end(RunSummary.model_validate_json(event.data, extra="ignore"))
                case _:
                    pass
        except ValidationError as error:
            raise UnknownEventError(f"an event {event.name!r} that it cannot read") from error
        if event.id:
            self.last_id = event.id

    def _change(self, event: RunEvent) -> None:
        if isinstance(event, RunAccepted) and (self._run is None or event.n > self._run.view.n):
            self._run = ProjectedRun.accepted(event)
        elif self._run is not None:
            if isinstance(event, AppPhaseChanged):
                self.note = f"{event.reason}: {event.message}" if event.reason else event.message
            self._run.fold(event)

    def _pods(self, seen: PodsObserved) -> None:
        key = (seen.cluster, seen.step)
        if self._run is not None and key in self._run.steps:
            self._run.steps[key] = self._run.steps[key].model_copy(update={"pods": seen.pods})

    def _end(self, summary: RunSummary) -> None:
        fields = {name: getattr(summary, name) for name in RunSummary.model_fields}
        if self._run is None:
            self._run = ProjectedRun.of(RunView(**fields))
        else:
            self._run.view = self._run.view.model_copy(update=fields)
        self.ended = True
