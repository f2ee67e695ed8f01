import pytest
from pydantic import BaseModel

from cli.sse import ServerEvent
from cli.tracking import TrackedRun, UnknownEventError
from shared.contracts.facts import PodPhase
from shared.contracts.phases import AppPhase, Reason, RunPhase, StepPhase
from shared.contracts.runs import AppPhaseChanged
from shared.contracts.views import RunView, StepView
from tests.unit.cli import views


def event(name: str, model: BaseModel, n: int | None = None) -> ServerEvent:
    return ServerEvent(name, model.model_dump_json(), "" if n is None else str(n))


def tracked(*events: ServerEvent) -> TrackedRun:
    run = TrackedRun()
    for each in events:
        run.take(each)
    return run


def view_of(run: TrackedRun) -> RunView:
    assert run.view is not None
    return run.view


def step_of(run: TrackedRun, name: str) -> StepView:
    return next(step for step in view_of(run).steps if step.step == name)


def test_nothing_is_known_before_the_first_event() -> None:
    assert (TrackedRun().view, TrackedRun().last_id, TrackedRun().ended) == (None, None, False)
    # An `open` is the connection's, not the run's.
    assert tracked(ServerEvent("open", "", "")).view is None


def test_changes_are_folded_onto_the_state() -> None:
    state = views.run(views.step("web", StepPhase.APPLYING), n=3)
    run = tracked(
        event("state", state, 3),
        event("change", views.step_changed(4, "web", StepPhase.PENDING, reason=Reason.UNSCHEDULABLE), 4),
    )
    assert (step_of(run, "web").phase, step_of(run, "web").reason) == (StepPhase.PENDING, Reason.UNSCHEDULABLE)
    assert run.last_id == "4"


def test_change_that_was_folded_before_changes_nothing() -> None:
    state = views.run(views.step("web", StepPhase.SUCCEEDED), n=5)
    run = tracked(event("state", state, 5), event("change", views.step_changed(4, "web", StepPhase.PENDING), 4))
    assert step_of(run, "web").phase is StepPhase.SUCCEEDED


def test_awaited_run_gets_its_steps_when_it_is_taken_up() -> None:
    awaited = views.run(phase=RunPhase.ACCEPTED, n=0)
    run = tracked(event("state", awaited, 0), event("change", views.accepted(1, "db", "web"), 1))
    assert [step.step for step in view_of(run).steps] == ["db", "web"]


def test_pods_are_shown_with_their_step_and_move_no_id() -> None:
    state = views.run(views.step("web", StepPhase.PENDING), n=3)
    run = tracked(event("state", state, 3), event("progress", views.pods_seen("web", views.pod("p", PodPhase.PENDING))))
    assert [pod.name for pod in step_of(run, "web").pods] == ["p"]
    assert run.last_id == "3"
    run.take(event("progress", views.pods_seen("unknown", views.pod())))
    assert [step.step for step in view_of(run).steps] == ["web"]


def test_end_brings_what_no_change_told() -> None:
    state = views.run(phase=RunPhase.ACCEPTED, n=0)
    superseded = views.ended(
        state, RunPhase.CANCELLED, reason=Reason.SUPERSEDED, message="Generation 2 took its place."
    )
    run = tracked(event("state", state, 0), event("end", superseded, 0))
    assert run.ended
    assert (run.phase, view_of(run).reason) == (RunPhase.CANCELLED, Reason.SUPERSEDED)


def test_end_alone_is_enough() -> None:
    run = tracked(event("end", views.ended(views.run())))
    assert (run.ended, run.phase) == (True, RunPhase.SUCCEEDED)


def test_fresh_state_replaces_what_was_known() -> None:
    run = tracked(
        event("state", views.run(views.step("old"), n=1), 1), event("state", views.run(views.step("new"), n=9), 9)
    )
    assert [step.step for step in view_of(run).steps] == ["new"]


def test_slow_deletion_is_explained() -> None:
    slow = AppPhaseChanged(
        **views.header(4),
        phase=AppPhase.DELETING,
        reason=Reason.CLUSTER_UNREACHABLE,
        message="no sign of life from east",
    )
    assert tracked(event("state", views.run(), 3), event("change", slow, 4)).note == (
        "ClusterUnreachable: no sign of life from east"
    )


def test_what_a_newer_gateway_adds_is_passed_over() -> None:
    raw = views.run(views.step("web")).model_dump_json().replace('"tenant"', '"colour":"blue","tenant"', 1)
    run = tracked(ServerEvent("state", raw, "3"), ServerEvent("weather", "sunny", "4"))
    assert [step.step for step in view_of(run).steps] == ["web"]


@pytest.mark.parametrize("name", ["state", "change", "progress", "end"])
def test_event_that_says_something_else_is_told(name: str) -> None:
    run = TrackedRun()
    with pytest.raises(UnknownEventError, match=name):
        run.take(ServerEvent(name, '{"type": "RunTeleported"}', "1"))
    assert run.last_id is None
