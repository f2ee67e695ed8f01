"""Runs that are held back by what others make: who waits, until when, and what ends it."""

from datetime import UTC, datetime

import pytest

from services.planner.domain.turn import Policy
from shared.contracts.commands import ApplyStep, Command, PrepareRun
from shared.contracts.facts import RunPrepared
from shared.contracts.identity import ClusterName
from shared.contracts.phases import AppPhase, Reason, RunPhase, StepPhase
from shared.contracts.plan import Deadlines, Finding, PlannedStep
from shared.contracts.projection import ProjectedRun
from shared.contracts.runs import RunAccepted, RunPhaseChanged, StepPhaseChanged
from tests.unit.services.planner.trace import HERE, START, World, step

THERE = ClusterName("there")
WAITING = (StepPhase.WAITING, Reason.REFERENCE_NOT_FOUND)


def patient(id_: str, wait_s: float, *, cluster: ClusterName = HERE) -> PlannedStep:
    return step(id_, cluster=cluster, deadlines=Deadlines(reference_s=wait_s))


def prepare_of(commands: list[Command]) -> PrepareRun:
    [command] = commands
    assert isinstance(command, PrepareRun)
    return command


def newest(world: World, cluster: ClusterName = HERE) -> PrepareRun:
    return [c for c in world.commands if isinstance(c, PrepareRun) and c.cluster == cluster][-1]


def last_of(world: World, id_: str) -> StepPhaseChanged:
    return [e for e in world.events if isinstance(e, StepPhaseChanged) and e.step == id_][-1]


def test_step_waits_with_reason_place_and_end_and_its_cluster_may_wait() -> None:
    world = World()
    asked = prepare_of(world.deploy(patient("web", 60), step("other")))
    assert {s.step: s.waits for s in asked.steps} == {"web": True, "other": False}
    assert world.held_back(asked, "web") == []
    assert world.phase("web") == WAITING
    assert world.phase("other") == (StepPhase.WAITING, Reason.NONE)
    told = last_of(world, "web")
    assert told.deadline == datetime.fromtimestamp(START + 60, UTC)
    assert told.message == "web lacks it; waited for until 2023-11-14 22:14:20 UTC"
    assert world.run_phase() is RunPhase.PREPARING
    run = world.state.run
    assert run is not None
    assert (run.reason, run.message) == (Reason.REFERENCE_NOT_FOUND, "here: web lacks it")


def test_run_goes_on_when_it_has_come_and_the_wait_leaves_nothing_behind() -> None:
    world = World()
    asked = prepare_of(world.deploy(patient("web", 60)))
    world.held_back(asked, "web")
    world.later(7)
    (web,) = world.prepared(asked)
    assert isinstance(web, ApplyStep)
    assert (last_of(world, "web").phase, last_of(world, "web").reason) == (StepPhase.APPLYING, Reason.NONE)
    assert last_of(world, "web").deadline == datetime.fromtimestamp(world.now + 600, UTC)
    world.done(web)
    assert world.run_phase() is RunPhase.SUCCEEDED


def test_wait_that_is_over_does_not_end_a_step_that_waits_for_another() -> None:
    world = World()
    waited = step("web", after=["db"], deadlines=Deadlines(reference_s=30))
    asked = prepare_of(world.deploy(step("db"), waited))
    world.held_back(asked, "web")
    (db,) = world.prepared(asked)
    world.applied(db)
    world.later(60)
    assert world.phase("web") == (StepPhase.WAITING, Reason.NONE)
    (web,) = world.saw(db)
    assert web.step == "web"


def test_waiting_cluster_is_asked_again_and_again_but_seldom() -> None:
    world = World()
    asked = prepare_of(world.deploy(patient("web", 3600)))
    for _ in range(20):
        world.held_back(asked, "web")
        sent = world.later(15)
        asked = prepare_of(sent)
        # It looks by itself for as long as the question is valid, which is until the next one at least.
        assert asked.not_after.timestamp() >= world.now + 15
    assert world.phase("web") == WAITING
    assert len([e for e in world.events if isinstance(e, StepPhaseChanged)]) == 1
    # A question that is lost is put again as soon as the first one would be.
    assert len(world.later(10)) == 1


def test_deadline_asks_once_more_and_that_answer_decides() -> None:
    world = World()
    asked = prepare_of(world.deploy(patient("web", 20), step("other")))
    world.held_back(asked, "web")
    world.later(15)
    world.held_back(newest(world), "web")
    final = prepare_of(world.later(5))
    assert [s.waits for s in final.steps] == [False, False]
    world.rejected(final, "web", Reason.REFERENCE_NOT_FOUND)
    assert world.run_phase() is RunPhase.REJECTED
    assert world.phase("web") == (StepPhase.REJECTED, Reason.REFERENCE_NOT_FOUND)
    assert world.phase("other") == (StepPhase.SKIPPED, Reason.RUN_REJECTED)
    assert last_of(world, "web").message == "ReferenceNotFound says the cluster; waited for 20 s in vain"
    assert not any(isinstance(c, ApplyStep) for c in world.commands)


@pytest.mark.parametrize("lacking", [(), ("unheard-of",), ("other",)])
def test_cluster_cannot_hold_a_run_back_for_nothing_that_may_wait(lacking: tuple[str, ...]) -> None:
    world = World()
    asked = prepare_of(world.deploy(patient("web", 3600), step("other")))
    world.held_back(asked, *lacking)
    assert world.phase("other") == (StepPhase.WAITING, Reason.NONE)
    world.later(Policy().prepare_deadline_s)
    assert world.run_phase() is RunPhase.ERROR


def test_cluster_cannot_prolong_a_wait_that_is_over() -> None:
    world = World()
    world.held_back(prepare_of(world.deploy(patient("web", 20))), "web")
    world.later(20)
    world.held_back(newest(world), "web")
    world.later(Policy().prepare_deadline_s)
    assert world.run_phase() is RunPhase.ERROR


def test_what_comes_at_the_last_moment_counts() -> None:
    world = World()
    world.held_back(prepare_of(world.deploy(patient("web", 10))), "web")
    final = prepare_of(world.later(10))
    assert world.prepared(final) != []
    assert world.run_phase() is RunPhase.RUNNING


def test_each_step_waits_as_long_as_it_may_itself() -> None:
    world = World()
    world.held_back(prepare_of(world.deploy(patient("soon", 5), patient("late", 3000))), "soon", "late")
    final = prepare_of(world.later(5))
    assert {s.step: s.waits for s in final.steps} == {"soon": False, "late": True}
    # What soon waited for has come; late goes on waiting, without a deadline of the whole run.
    world.held_back(final, "late")
    assert world.phase("soon") == (StepPhase.WAITING, Reason.NONE)
    for _ in range(100):
        world.later(15)
        world.held_back(newest(world), "late")
    assert world.run_phase() is RunPhase.PREPARING


def test_coming_and_going_does_not_prolong_the_wait() -> None:
    world = World()
    asked = prepare_of(world.deploy(patient("a", 40), patient("b", 40)))
    for n in range(3):
        world.held_back(asked, "ab"[n % 2])
        world.later(14)
        asked = newest(world)
    assert [s.waits for s in asked.steps] == [False, True]


def test_cluster_that_falls_silent_while_it_waits_ends_the_run_after_the_wait() -> None:
    world = World()
    world.held_back(prepare_of(world.deploy(patient("web", 300))), "web")
    world.gone.add(HERE)
    world.later(300 + Policy().prepare_deadline_s - 1)
    assert world.run_phase() is RunPhase.PREPARING
    world.later(1)
    run = world.state.run
    assert run is not None
    assert (run.phase, run.reason) == (RunPhase.ERROR, Reason.CLUSTER_UNREACHABLE)


def test_silent_cluster_is_not_waited_for_any_longer_because_another_waits() -> None:
    world = World()
    world.deploy(patient("web", 3600), step("web", cluster=THERE))
    for _ in range(8):
        world.held_back(newest(world), "web")
        world.later(15)
    run = world.state.run
    assert run is not None
    assert (run.phase, run.reason) == (RunPhase.ERROR, Reason.CLUSTER_UNREACHABLE)
    assert run.message == "no answer from cluster there"


def test_refusal_of_another_cluster_ends_the_wait_at_once() -> None:
    world = World()
    world.deploy(patient("web", 3600), step("web", cluster=THERE))
    world.held_back(newest(world), "web")
    world.rejected(newest(world, THERE), "web", Reason.OWNED_BY_OTHER)
    assert world.run_phase() is RunPhase.REJECTED
    assert world.phase("web") == (StepPhase.SKIPPED, Reason.RUN_REJECTED)


def test_cluster_that_prepared_long_before_another_is_asked_once_more() -> None:
    world = World()
    world.deploy(patient("web", 3600), step("web", cluster=THERE))
    world.prepared(newest(world, THERE))
    for _ in range(20):
        world.held_back(newest(world), "web")
        world.later(15)
    again = prepare_of(world.prepared(newest(world)))
    assert again.cluster == THERE
    assert world.run_phase() is RunPhase.PREPARING
    sent = world.prepared(again)
    assert {type(c) for c in sent} == {ApplyStep}
    assert {c.cluster for c in sent} == {HERE, THERE}


@pytest.mark.parametrize("ending", ["newer generation", "deletion"])
def test_wait_ends_at_once_with_what_supersedes_it(ending: str) -> None:
    world = World()
    asked = prepare_of(world.deploy(patient("web", 3600)))
    world.held_back(asked, "web")
    first = world.events[-1].run
    sent = world.deploy(step("web")) if ending == "newer generation" else world.delete()
    superseded = [e for e in world.events if isinstance(e, RunPhaseChanged) and e.run == first][-1]
    assert (superseded.phase, superseded.reason) == (RunPhase.CANCELLED, Reason.SUPERSEDED)
    assert [type(c) for c in sent] == ([PrepareRun] if ending == "newer generation" else [])
    if ending == "deletion":
        assert world.app_phase() is AppPhase.DELETED
    # What the executor found for the old one comes too late.
    assert world.tell(RunPrepared(**world.header(asked))) == []


def test_answer_to_an_earlier_question_is_not_taken_for_the_last() -> None:
    world = World()
    early = prepare_of(world.deploy(patient("web", 10)))
    world.held_back(early, "web")
    world.later(10)
    assert world.held_back(early, "web") == []
    run = world.state.run
    assert run is not None
    assert not run.clusters[HERE].waiting


def test_warnings_of_clusters_reach_the_view_of_the_run_once() -> None:
    world = World()
    world.deploy(step("web"), step("web", cluster=THERE))
    warning = Finding(path="spec.components[0]", code="ReferenceNotFound", message="it is not there")
    world.tell(RunPrepared(**world.header(newest(world)), warnings=(warning,)))
    world.tell(RunPrepared(**world.header(newest(world, THERE)), warnings=(warning, warning)))
    opened = world.events[0]
    assert isinstance(opened, RunAccepted)
    view = ProjectedRun.accepted(opened)
    for event in world.events:
        view.fold(event)
    assert [(w.path, w.message) for w in view.current().warnings] == [
        ("spec.components[0]", "on here: it is not there"),
        ("spec.components[0]", "on there: it is not there"),
    ]
    assert view.current().phase is RunPhase.RUNNING
