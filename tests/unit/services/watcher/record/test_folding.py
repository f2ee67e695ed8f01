"""Folding run events of an application, in whatever pieces they come and from wherever it goes on."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field

import pytest

from services.watcher.record.domain.folding import FoldedApp
from shared.contracts.identity import RunId
from shared.contracts.projection import ProjectedApp
from shared.contracts.runs import ObjectForgotten, RunEvent
from shared.contracts.views import RunView
from tests.support.recorders import recorded
from tests.unit.services.planner.trace import UID

HISTORIES = ("delivery", "retries", "deletion", "cancellation", "held-back")


@dataclass
class Stored:
    """What a recorder has stored; the application only when it was due."""

    app: ProjectedApp = field(default_factory=ProjectedApp)
    views: dict[RunId, RunView] = field(default_factory=dict)

    def folded(self) -> FoldedApp:
        """An application as somebody goes on with it who knows nothing else."""
        return FoldedApp(UID, deepcopy(self.app))

    def follow(self, folded: FoldedApp, events: Sequence[RunEvent]) -> None:
        """Fold what is new, and store it."""
        following = [event for event in events if event.n > folded.app.n]
        unknown = folded.unknown_runs(following)
        changes = folded.fold(following, {run: view for run, view in self.views.items() if run in unknown})
        self.views |= {view.run: view for view in changes.views}
        if folded.due:
            self.app = deepcopy(folded.app)
            folded.stored()


def whole(events: Sequence[RunEvent]) -> Stored:
    stored = Stored()
    stored.follow(stored.folded(), events)
    return stored


def first_run(name: str) -> list[RunEvent]:
    events = recorded(name)
    return [event for event in events if event.run == events[0].run]


@pytest.mark.parametrize("name", HISTORIES)
def test_who_goes_on_from_the_store_at_any_moment_ends_with_the_same(name: str) -> None:
    events = recorded(name)
    for cut in range(len(events)):
        stored = Stored()
        stored.follow(stored.folded(), events[:cut])
        stored.follow(stored.folded(), events)
        assert stored == whole(events)


@pytest.mark.parametrize("name", HISTORIES)
def test_one_event_at_a_time_gives_the_same_as_all_at_once(name: str) -> None:
    events, stored = recorded(name), Stored()
    folded = stored.folded()
    for event in events:
        stored.follow(folded, [event])
    assert stored == whole(events)


@pytest.mark.parametrize("name", HISTORIES)
def test_every_document_is_stored_once_however_many_events_change_it(name: str) -> None:
    events = recorded(name)
    changes = FoldedApp(UID, ProjectedApp()).fold(events, {})
    runs = list(dict.fromkeys(event.run for event in events))
    assert [view.run for view in changes.views] == list(changes.begun) == runs
    assert list(changes.forgotten) == [e for e in events if isinstance(e, ObjectForgotten) and not e.retained]


def test_application_is_stored_when_a_run_begins_and_ends_and_not_in_between() -> None:
    events, stored = first_run("delivery"), Stored()
    folded, due = stored.folded(), []
    for event in events:
        folded.fold([event], {})
        if folded.due:
            due.append(event.n)
            folded.stored()
    assert due == [1, len(events)]


def test_application_is_stored_after_a_thousand_events_of_a_long_run() -> None:
    first, second, *_ = first_run("delivery")
    folded = FoldedApp(UID, ProjectedApp())
    folded.fold([first], {})
    folded.stored()
    folded.fold([second.model_copy(update={"n": n}) for n in range(2, 1001)], {})
    assert not folded.due
    folded.fold([second.model_copy(update={"n": 1001})], {})
    assert folded.due


def test_run_whose_beginning_is_not_known_is_not_shown() -> None:
    events = first_run("delivery")[1:]
    folded = FoldedApp(UID, ProjectedApp())
    assert folded.unknown_runs(events) == {events[0].run}
    assert folded.fold(events, {}).views == []
