"""Folds run events of an application into what is to be stored of it: each document once, however many events."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from shared.contracts.identity import AppUid, RunId
from shared.contracts.projection import ProjectedApp, ProjectedRun
from shared.contracts.runs import AppPhaseChanged, ObjectForgotten, RunAccepted, RunEvent, RunPhaseChanged
from shared.contracts.views import RunView

_FOLDED_AGAIN = 1000
"""Events at most, by whoever goes on from the store."""


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What some events of an application change."""

    views: Sequence[RunView]
    begun: Sequence[RunId]
    """Those of the views that are probably not stored yet."""
    forgotten: Sequence[ObjectForgotten]
    """Objects that were deleted on purpose."""


@dataclass
class FoldedApp:
    """An application as it was folded last; perhaps outdated, which only means that more is folded again."""

    uid: AppUid
    app: ProjectedApp
    stored_n: int = field(init=False)
    """How far it is projected by what is stored; 0 where nothing is."""
    run: ProjectedRun | None = None
    """The one that events were about last."""
    _milestone: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        """Go on from a stored document."""
        self.stored_n = self.app.n

    @property
    def due(self) -> bool:
        """Whether the application itself is to be stored, and not only its runs.

        Who reads it sees every change. How far it is projected may lag behind: then some events are folded again, by
        whoever goes on from the store.
        """
        return self._milestone or self.app.n - self.stored_n >= _FOLDED_AGAIN

    def stored(self) -> None:
        """Note that it is stored as it is now."""
        self.stored_n, self._milestone = self.app.n, False

    def unknown_runs(self, events: Sequence[RunEvent]) -> set[RunId]:
        """Return the runs that have to be read before the events can be folded."""
        known = {event.run for event in events if isinstance(event, RunAccepted)}
        if self.run is not None:
            known.add(self.run.view.run)
        return {event.run for event in events} - known

    def fold(self, events: Sequence[RunEvent], stored: Mapping[RunId, RunView]) -> Changes:
        """Fold events, in order and without a gap after those before; `stored` has the runs that were unknown."""
        runs: dict[RunId, ProjectedRun] = {}
        begun: list[RunId] = []
        for event in events:
            self.app.fold(event)
            self._milestone |= _is_milestone(event)
            if event.run not in runs:
                if (run := self._run(event.run, stored)) is not None:
                    runs[event.run] = run
                elif isinstance(event, RunAccepted):
                    runs[event.run] = ProjectedRun.accepted(event)
                    begun.append(event.run)
                else:
                    # Without its beginning it cannot be shown.
                    continue
            self.run = runs[event.run]
            self.run.fold(event)
        return Changes(
            views=[run.current() for run in runs.values()],
            begun=begun,
            forgotten=[event for event in events if isinstance(event, ObjectForgotten) and not event.retained],
        )

    def _run(self, run: RunId, stored: Mapping[RunId, RunView]) -> ProjectedRun | None:
        if self.run is not None and self.run.view.run == run:
            return self.run
        return ProjectedRun.of(stored[run]) if run in stored else None


def _is_milestone(event: RunEvent) -> bool:
    """Whether it changes the application itself, or is the last for a while."""
    match event:
        case RunAccepted() | AppPhaseChanged():
            return True
        case RunPhaseChanged():
            return event.phase.terminal
        case _:
            return False
