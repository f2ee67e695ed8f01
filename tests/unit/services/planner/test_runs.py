"""Protocol traces of the planner: facts in, commands out."""

from typing import Any

import pytest

from services.planner.domain.turn import COMMAND_GRACE_S, Policy
from shared.contracts.commands import ApplyStep, PrepareRun, PruneObjects
from shared.contracts.facts import ObservationOrder, RunRejected, StepProblem
from shared.contracts.identity import ClusterName, StepId
from shared.contracts.phases import AppPhase, Reason, RunPhase, StepPhase
from shared.contracts.plan import Deadlines
from shared.contracts.runs import ObjectForgotten, RunAccepted, RunPhaseChanged
from tests.unit.services.planner.trace import HERE, World, claim, deployment, step

THERE = ClusterName("there")


def test_nothing_is_applied_before_every_target_has_prepared() -> None:
    world = World()
    asked = world.deploy(step("web"), step("web", cluster=THERE))
    assert [type(c) for c in asked] == [PrepareRun, PrepareRun]
    assert world.prepared(asked[0]) == []
    sent = world.prepared(asked[1])
    assert {(c.cluster, c.step) for c in sent} == {(HERE, "web"), (THERE, "web")}
    assert all(isinstance(c, ApplyStep) for c in sent)


def test_dependents_wait_until_what_they_depend_on_succeeded() -> None:
    world = World()
    world.deploy(step("db"), step("web", after=["db"]))
    (db,) = world.prepared()
    assert db.step == "db"
    assert world.applied(db) == []
    (web,) = world.saw(db)
    assert web.step == "web"
    world.done(web)
    assert world.run_phase() is RunPhase.SUCCEEDED


def test_observation_before_the_answer_joins_all_the_same() -> None:
    world = World()
    world.deploy(step("web"))
    (web,) = world.prepared()
    world.saw(web)
    assert world.phase("web")[0] is StepPhase.APPLYING
    world.applied(web)
    assert world.run_phase() is RunPhase.SUCCEEDED


@pytest.mark.parametrize(
    "stale",
    [{"object_uid": "another"}, {"digest": "0" * 64}, {"metadata_generation": 0}],
    ids=["other uid", "other digest", "older metadata.generation"],
)
def test_stale_healthy_of_the_object_before_is_not_believed(stale: dict[str, Any]) -> None:
    world = World()
    world.deploy(step("web"))
    (web,) = world.prepared()
    world.applied(web)
    world.saw(web, **stale)
    assert world.phase("web")[0] is StepPhase.PENDING


def test_rejected_run_has_created_nothing_and_names_the_step() -> None:
    world = World()
    (prepare,) = world.deploy(step("db"), step("web"))
    assert world.rejected(prepare, "web", Reason.REFERENCE_NOT_FOUND) == []
    assert world.run_phase() is RunPhase.REJECTED
    assert world.phase("web") == (StepPhase.REJECTED, Reason.REFERENCE_NOT_FOUND)
    assert world.phase("db") == (StepPhase.SKIPPED, Reason.RUN_REJECTED)
    assert not any(isinstance(c, ApplyStep) for c in world.commands)


def test_dependents_of_a_failed_step_are_skipped_and_independent_branches_go_on() -> None:
    world = World()
    world.deploy(step("db"), step("web", after=["db"]), step("edge", after=["web"]), step("worker"))
    db, worker = world.prepared()
    world.applied(db)
    world.saw(db, "failed", reason=Reason.PROGRESS_DEADLINE_EXCEEDED)
    assert world.phase("web") == (StepPhase.SKIPPED, Reason.DEPENDENCY_NOT_SUCCEEDED)
    assert world.phase("edge") == (StepPhase.SKIPPED, Reason.DEPENDENCY_NOT_SUCCEEDED)
    assert world.run_phase() is RunPhase.RUNNING
    world.done(worker)
    assert world.run_phase() is RunPhase.FAILED


def test_overridden_step_is_skipped_and_lets_its_dependents_go_on() -> None:
    world = World()
    world.deploy(
        step("a=configmap=settings", overridden_by="b=configmap=settings"),
        step("a", after=["a=configmap=settings"]),
        step("b=configmap=settings"),
    )
    sent = world.prepared()
    assert world.phase("a=configmap=settings") == (StepPhase.SKIPPED, Reason.OVERRIDDEN)
    assert {c.step for c in sent} == {"a", "b=configmap=settings"}


def test_existing_volume_is_done_at_once_and_is_not_ours() -> None:
    world = World()
    world.deploy(step("db=pvc=data", claim("data")), step("db", after=["db=pvc=data"]))
    (volume,) = world.prepared()
    (db,) = world.applied(volume, existed=True)
    assert world.phase("db=pvc=data") == (StepPhase.SUCCEEDED, Reason.ALREADY_EXISTS)
    assert db.step == "db"
    assert world.state.inventory == {}


def test_component_that_is_no_longer_wanted_is_pruned_after_success_by_uid() -> None:
    world = World()
    world.deploy(step("db"), step("web"))
    for command in world.prepared():
        world.done(command)
    world.deploy(step("web"))
    (web,) = world.prepared()
    world.applied(web)
    (prune,) = world.saw(web)
    assert isinstance(prune, PruneObjects)
    assert [o.object_uid for o in prune.objects] == ["uid-db"]
    assert world.run_phase() is RunPhase.RUNNING
    world.pruned(prune)
    assert world.run_phase() is RunPhase.SUCCEEDED


def test_failed_generation_prunes_nothing() -> None:
    world = World()
    world.deploy(step("db"), step("web"))
    for command in world.prepared():
        world.done(command)
    world.deploy(step("web", deployment("web", image="web:2")))
    (web,) = world.prepared()
    world.refused(web, Reason.INVALID)
    assert world.run_phase() is RunPhase.FAILED
    assert not any(isinstance(c, PruneObjects) for c in world.commands)


def test_deleting_removes_all_but_the_volumes() -> None:
    world = World()
    world.deploy(step("db=pvc=data", claim("data")), step("db", after=["db=pvc=data"]))
    (volume,) = world.prepared()
    (db,) = world.applied(volume, final=True)
    world.done(db)
    (prune,) = world.delete()
    assert isinstance(prune, PruneObjects)
    assert [o.key.kind for o in prune.objects] == ["Deployment"]
    assert world.app_phase() is AppPhase.DELETING
    world.pruned(prune)
    assert world.app_phase() is AppPhase.DELETED
    retained = [e for e in world.events if isinstance(e, ObjectForgotten) and e.retained]
    assert [e.key.name for e in retained] == ["data"]


def test_deletion_with_its_cluster_gone_says_so_and_goes_on_when_it_is_back() -> None:
    world = World()
    world.deploy(step("db"))
    (db,) = world.prepared()
    world.done(db)
    world.gone.add(HERE)
    world.delete()
    world.later(3600)
    assert (world.state.phase, world.state.phase_reason) == (AppPhase.DELETING, Reason.CLUSTER_UNREACHABLE)
    world.gone.clear()
    again = world.later(120)[-1]
    world.pruned(again)
    assert world.app_phase() is AppPhase.DELETED


def test_newer_generation_waits_for_commands_under_way() -> None:
    world = World()
    world.deploy(step("web"))
    (first,) = world.prepared()
    assert world.deploy(step("web", deployment("web", image="web:2"))) == []
    assert world.run_phase() is RunPhase.ACCEPTED
    (prepare,) = world.applied(first)
    assert isinstance(prepare, PrepareRun)
    assert prepare.generation == 2


def test_newer_generation_goes_on_once_an_unanswered_command_has_expired() -> None:
    world = World()
    world.deploy(step("web"))
    (first,) = world.prepared()
    world.deploy(step("web", deployment("web", image="web:2")))
    sent = world.later(first.not_after.timestamp() - world.now + COMMAND_GRACE_S + 1)
    assert [type(c) for c in sent] == [PrepareRun]


def test_answer_that_comes_late_still_tells_the_inventory() -> None:
    world = World()
    world.deploy(step("old"))
    (old,) = world.prepared()
    world.deploy(step("web"))
    late = world.applied_fact(old)
    (prepare, *_) = world.tell(late)
    assert isinstance(prepare, PrepareRun)
    (web,) = world.prepared(prepare)
    (prune,) = [*world.applied(web), *world.saw(web)]
    assert isinstance(prune, PruneObjects)
    assert [o.key.name for o in prune.objects] == ["old"]


def test_unanswered_command_is_sent_again_under_a_new_nonce_with_back_off() -> None:
    world = World()
    world.deploy(step("web"))
    (first,) = world.prepared()
    again = world.later(40)
    assert [c.nonce for c in again] == [first.nonce + 1, first.nonce + 2, first.nonce + 3]
    assert all(isinstance(c, ApplyStep) and c.attempt == 1 for c in again)


def test_answers_to_other_attempts_clusters_and_steps_do_not_count() -> None:
    world = World()
    world.deploy(step("web"))
    (web,) = world.prepared()
    good = world.applied_fact(web)
    for wrong in ({"attempt": 2}, {"cluster": THERE}, {"step": "other"}, {"nonce": 99}):
        world.tell(good.model_copy(update=wrong))
        assert world.phase("web")[0] is StepPhase.APPLYING


def test_what_is_applied_but_not_observed_is_asked_for_again() -> None:
    world = World()
    world.deploy(step("web"))
    (web,) = world.prepared()
    world.applied(web)
    nudges = world.later(70)
    assert nudges
    assert all(isinstance(c, ApplyStep) and c.step == "web" for c in nudges)


def test_step_that_does_not_become_ready_times_out_with_its_last_reason() -> None:
    world = World()
    world.deploy(step("web", deadlines=Deadlines(start_s=60)))
    (web,) = world.prepared()
    world.applied(web)
    world.saw(web, "progressing", reason=Reason.IMAGE_PULL_BACK_OFF, message="Back-off pulling image")
    world.later(61)
    assert world.phase("web") == (StepPhase.TIMED_OUT, Reason.START_DEADLINE)
    assert world.state.run is not None
    assert "ImagePullBackOff Back-off pulling image" in world.state.run.steps["here/web"].message
    assert world.run_phase() is RunPhase.TIMED_OUT


def test_unchanged_object_keeps_the_generation_that_introduced_it() -> None:
    world = World()
    world.deploy(step("web"))
    (web,) = world.prepared()
    world.done(web)
    world.deploy(step("web"), step("worker"))
    sent = {str(c.step): c for c in world.prepared()}
    web, worker = sent["web"], sent["worker"]
    assert isinstance(web, ApplyStep)
    assert isinstance(worker, ApplyStep)
    assert (web.objects[0].generation, worker.objects[0].generation) == (1, 2)


def test_cluster_that_never_answers_ends_preparing_as_unreachable() -> None:
    world = World()
    world.gone.add(HERE)
    world.deploy(step("web"))
    world.later(121)
    assert world.run_phase() is RunPhase.ERROR
    assert world.events[-1].reason is Reason.CLUSTER_UNREACHABLE  # type: ignore[union-attr]


def test_run_that_waits_for_a_cluster_says_so_and_stops_saying_it() -> None:
    world = World()
    world.gone.add(HERE)
    world.deploy(step("web"))
    told = world.events[-1]
    assert isinstance(told, RunPhaseChanged)
    assert (told.phase, told.reason) == (RunPhase.PREPARING, Reason.CLUSTER_UNREACHABLE)
    assert HERE in told.message
    world.later(20)
    assert world.events[-1] is told, "the same again says nothing"
    world.gone.clear()
    world.later(30)
    cleared = world.events[-1]
    assert isinstance(cleared, RunPhaseChanged)
    assert (cleared.phase, cleared.reason, cleared.message) == (RunPhase.PREPARING, Reason.NONE, "")


def test_step_that_waits_for_a_cluster_says_so_and_stops_saying_it() -> None:
    world = World()
    world.deploy(step("web"))
    world.prepared()
    world.gone.add(HERE)
    world.later(10)
    assert world.phase("web") == (StepPhase.APPLYING, Reason.CLUSTER_UNREACHABLE)
    world.gone.clear()
    world.later(60)
    assert world.phase("web") == (StepPhase.APPLYING, Reason.NONE)


def test_run_that_waits_until_an_older_command_can_do_nothing_any_more_names_the_cluster() -> None:
    world = World()
    world.deploy(step("web"))
    world.prepared()
    world.gone.add(HERE)
    world.deploy(step("web"))
    told = world.events[-1]
    assert isinstance(told, RunPhaseChanged)
    assert (told.generation, told.phase, told.reason) == (2, RunPhase.ACCEPTED, Reason.CLUSTER_UNREACHABLE)


def test_verdict_about_a_cluster_that_is_gone_waits_and_is_not_taken_when_it_is_back_in_time() -> None:
    world = World()
    world.deploy(step("web", deadlines=Deadlines(start_s=60)))
    (web,) = world.prepared()
    world.applied(web)
    world.gone.add(HERE)
    world.later(300)
    assert world.phase("web") == (StepPhase.PENDING, Reason.CLUSTER_UNREACHABLE)
    world.gone.clear()
    assert any(isinstance(c, ApplyStep) for c in world.later(10))
    world.saw(web)
    assert world.run_phase() is RunPhase.SUCCEEDED


def test_verdict_about_a_cluster_that_stays_away_is_error_in_the_end() -> None:
    world = World()
    world.deploy(step("web", deadlines=Deadlines(start_s=60)))
    (web,) = world.prepared()
    world.applied(web)
    world.gone.add(HERE)
    world.later(60 + 900 + 10)
    assert world.phase("web") == (StepPhase.ERROR, Reason.CLUSTER_UNREACHABLE)


def test_platform_fault_is_error_not_time_out() -> None:
    world = World()
    world.deploy(step("web", deadlines=Deadlines(start_s=60)))
    (web,) = world.prepared()
    world.errored(web)
    assert world.phase("web") == (StepPhase.APPLYING, Reason.API_UNAVAILABLE)
    world.later(61)
    assert world.phase("web") == (StepPhase.ERROR, Reason.API_UNAVAILABLE)
    assert world.run_phase() is RunPhase.ERROR


def test_window_bounds_unanswered_commands_per_cluster() -> None:
    world = World(policy=Policy(window=3))
    world.deploy(*(step(f"w{i}") for i in range(10)))
    sent = world.prepared()
    assert len(sent) == 3
    assert len(world.applied(sent[0])) == 1


def test_the_same_fact_twice_changes_nothing() -> None:
    world = World()
    world.deploy(step("db"), step("web", after=["db"]))
    (db,) = world.prepared()
    answer, seen = world.applied_fact(db), world.observations(db)
    assert len(world.tell(answer, *seen)) == 1
    said = len(world.events)
    assert world.tell(answer, *seen) == []
    assert len(world.events) == said


def test_older_observation_does_not_replace_a_newer_one() -> None:
    world = World()
    world.deploy(step("web"))
    (web,) = world.prepared()
    world.applied(web)
    world.saw(web, "progressing", started=True, order=ObservationOrder(incarnation="k", transitions=2, counter=1))
    world.saw(web, order=ObservationOrder(incarnation="k", transitions=1, counter=99))
    assert world.phase("web")[0] is StepPhase.RUNNING


def test_object_of_ours_that_no_plan_knows_is_pruned_by_uid() -> None:
    world = World()
    world.deploy(step("old"))
    (old,) = world.prepared()
    world.deploy(step("web"))
    world.later(100)
    (web,) = world.prepared()
    world.done(web)
    assert world.run_phase() is RunPhase.SUCCEEDED
    (prune,) = world.saw(old, "progressing")
    assert isinstance(prune, PruneObjects)
    assert [o.object_uid for o in prune.objects] == ["uid-old"]


def test_events_are_numbered_without_a_gap() -> None:
    world = World()
    world.deploy(step("db"), step("web", after=["db"]))
    (db,) = world.prepared()
    for command in world.done(db):
        world.done(command)
    assert [e.n for e in world.events] == list(range(1, len(world.events) + 1))
    assert isinstance(world.events[0], RunAccepted)


def test_older_or_equal_generation_is_ignored() -> None:
    world = World()
    world.deploy(step("web"), generation=3)
    said = len(world.events)
    assert world.deploy(step("web"), generation=3) == []
    assert world.deploy(step("web"), generation=2) == []
    assert len(world.events) == said


def test_document_that_cannot_be_planned_rejects_its_run() -> None:
    world = World()
    world.refuse(generation=1)
    assert world.run_phase() is RunPhase.REJECTED


def test_every_problem_of_a_step_is_told_on_it() -> None:
    world = World()
    (prepare,) = world.deploy(step("web"))
    problems = tuple(
        StepProblem(step=StepId("web"), reason=reason, message=f"{reason} says the cluster")
        for reason in (Reason.REFERENCE_NOT_FOUND, Reason.FORBIDDEN)
    )
    world.tell(RunRejected(**world.header(prepare), problems=problems))
    assert world.state.run is not None
    web = world.state.run.steps["here/web"]
    assert web.reason is Reason.REFERENCE_NOT_FOUND
    assert web.message == "ReferenceNotFound says the cluster; Forbidden says the cluster"
