"""The ledger: what ran is never run twice, and what failed is run again when it is wanted again."""

import pytest

from services.planner.domain.turn import COMMAND_GRACE_S, Policy
from shared.contracts.commands import ApplyStep, Command, PruneObjects
from shared.contracts.phases import Reason, RunPhase, StepPhase
from shared.contracts.plan import Deadlines
from tests.unit.services.planner.trace import World, deployment, job, own_job, step


def names(command: Command) -> list[str]:
    """The objects of a command."""
    assert isinstance(command, ApplyStep | PruneObjects)
    return [o.key.name for o in command.objects]


def the_prune(sent: list[Command]) -> PruneObjects:
    """The only prune command."""
    (prune,) = [c for c in sent if isinstance(c, PruneObjects)]
    return prune


def test_job_written_out_that_has_succeeded_is_never_created_again_but_its_siblings_are_applied() -> None:
    world = World()
    world.deploy(step("raw", own_job("load"), deployment("web")))
    (first,) = world.prepared()
    world.done(first)
    world.deploy(step("raw", own_job("load"), deployment("web", image="web:2")))
    (second,) = world.prepared()
    assert names(second) == ["web"]
    world.done(second)
    assert world.run_phase() is RunPhase.SUCCEEDED


def test_step_of_nothing_but_a_job_that_has_succeeded_is_done_at_once() -> None:
    world = World()
    world.deploy(step("raw", own_job("load")))
    (first,) = world.prepared()
    world.done(first)
    world.deploy(step("raw", own_job("load")), step("web"))
    (web,) = world.prepared()
    assert web.step == "web"
    assert world.phase("raw") == (StepPhase.SUCCEEDED, Reason.ALREADY_COMPLETED)


def test_nudge_leaves_out_a_job_that_has_succeeded_meanwhile() -> None:
    world = World()
    world.deploy(step("raw", own_job("load"), deployment("web")))
    (first,) = world.prepared()
    world.applied(first)
    load, _ = world.observations(first)
    world.tell(load)
    assert {tuple(names(c)) for c in world.later(25)} == {("web",)}


def test_job_whose_success_is_seen_without_the_answer_about_it_is_done() -> None:
    world = World()
    world.deploy(step("init", job("init")))
    (init,) = world.prepared()
    world.saw(init)
    assert world.run_phase() is RunPhase.SUCCEEDED
    assert world.later(60) == []


def test_every_job_is_marked_as_running_once() -> None:
    world = World()
    world.deploy(step("init", job("init")), step("raw", own_job("load"), deployment("web")))
    sent = [c for c in world.prepared() if isinstance(c, ApplyStep)]
    assert {o.key.name: o.once for c in sent for o in c.objects} == {
        next(n for c in sent for n in names(c) if n.startswith("init-")): True,
        "load": True,
        "web": False,
    }


def test_going_back_to_an_earlier_template_does_not_run_it_again() -> None:
    world = World()
    for image in ("job:1", "job:2", "job:1"):
        world.deploy(step("init", job("init", image=image)))
        for apply in [c for c in world.prepared() if isinstance(c, ApplyStep)]:
            world.done(apply)
        for prune in [c for c in world.commands if isinstance(c, PruneObjects)]:
            world.pruned(prune)
    assert world.phase("init") == (StepPhase.SUCCEEDED, Reason.ALREADY_COMPLETED)
    assert len([c for c in world.commands if isinstance(c, ApplyStep)]) == 2


def test_jobs_of_the_present_plan_are_never_forgotten_however_many_there_are() -> None:
    world = World(policy=Policy(ledger_limit=3))
    many = [step(f"j{i}", job(f"j{i}")) for i in range(20)]
    world.deploy(*many)
    for command in world.prepared():
        world.done(command)
    world.deploy(*many, step("web"))
    assert [c.step for c in world.prepared()] == ["web"]
    world.deploy(step("web"))
    assert len(world.state.ledger) == 3


def test_attempt_does_not_rise_when_the_run_that_wanted_it_was_rejected() -> None:
    world = World()
    world.deploy(step("init", job("init")))
    (first,) = world.prepared()
    world.applied(first)
    world.saw(first, "failed")
    (prepare,) = world.deploy(step("init", job("init")))
    world.rejected(prepare, "init", Reason.FORBIDDEN)
    world.deploy(step("init", job("init")))
    (third,) = world.prepared()
    assert third.attempt == 2


def test_job_that_vanished_gets_a_new_attempt_when_it_is_wanted_again() -> None:
    world = World()
    world.deploy(step("init", job("init")))
    (first,) = world.prepared()
    world.applied(first)
    world.saw(first, "vanished")
    assert world.phase("init") == (StepPhase.FAILED, Reason.VANISHED)
    world.deploy(step("init", job("init")))
    (second,) = world.prepared()
    assert second.attempt == 2


def test_job_that_the_executor_found_gone_gets_a_new_attempt_when_it_is_wanted_again() -> None:
    world = World()
    world.deploy(step("init", job("init")))
    (first,) = world.prepared()
    world.refused(first, Reason.VANISHED)
    assert world.phase("init") == (StepPhase.FAILED, Reason.VANISHED)
    world.deploy(step("init", job("init")))
    (second,) = world.prepared()
    assert second.attempt == 2


def test_failed_job_written_out_is_deleted_before_it_is_created_again() -> None:
    world = World()
    world.deploy(step("raw", own_job("load")))
    (first,) = world.prepared()
    world.applied(first, uid="one")
    world.saw(first, "failed", object_uid="one")
    world.deploy(step("raw", own_job("load")))
    (prune,) = world.prepared()
    assert isinstance(prune, PruneObjects)
    assert [o.object_uid for o in prune.objects] == ["one"]
    assert world.saw(first, "failed", object_uid="one") == []
    (second,) = world.pruned(prune)
    assert isinstance(second, ApplyStep)
    assert second.objects[0].known_uid is None
    world.applied(second, uid="two")
    world.saw(second, object_uid="two")
    assert world.run_phase() is RunPhase.SUCCEEDED


def test_job_that_timed_out_is_not_the_one_that_is_wanted_again() -> None:
    world = World()
    world.deploy(step("init", job("init"), deadlines=Deadlines(start_s=60)))
    (first,) = world.prepared()
    world.applied(first)
    prune = the_prune(world.later(61))
    assert world.run_phase() is RunPhase.TIMED_OUT
    world.pruned(prune)
    world.deploy(step("init", job("init")))
    world.drained()
    (second,) = world.prepared()
    assert second.attempt == 2


def test_new_attempt_waits_until_the_one_that_was_given_up_is_gone() -> None:
    world = World()
    world.deploy(step("init", job("init"), deadlines=Deadlines(start_s=60)))
    (first,) = world.prepared()
    world.applied(first)
    world.later(61)
    world.deploy(step("init", job("init")))
    world.drained()
    assert not any(isinstance(c, ApplyStep) for c in world.prepared())
    world.later(10)
    *_, prune = [c for c in world.commands if isinstance(c, PruneObjects)]
    (second,) = world.pruned(prune)
    assert second.attempt == 2


def test_success_that_is_learnt_after_the_time_out_counts() -> None:
    world = World()
    world.deploy(step("init", job("init"), deadlines=Deadlines(start_s=60)))
    (first,) = world.prepared()
    world.applied(first)
    prune = the_prune(world.later(61))
    world.saw(first)
    world.pruned(prune)
    world.deploy(step("init", job("init")))
    world.drained()
    world.prepared()
    assert world.phase("init") == (StepPhase.SUCCEEDED, Reason.ALREADY_COMPLETED)


@pytest.mark.parametrize("told_by", ["answer", "observer"])
def test_job_that_shows_up_after_its_time_out_is_deleted_when_no_command_can_create_it_again(told_by: str) -> None:
    world = World()
    world.deploy(step("init", job("init"), deadlines=Deadlines(start_s=60)))
    (first,) = world.prepared()
    late = world.applied_fact(first)
    world.later(61)
    assert world.phase("init")[0] is StepPhase.TIMED_OUT
    assert (world.tell(late) if told_by == "answer" else world.saw(first, "progressing", started=True)) == []
    expires_s = max(c.not_after.timestamp() for c in world.commands if isinstance(c, ApplyStep)) + COMMAND_GRACE_S
    assert world.later(expires_s - world.now - 1) == []
    (prune,) = world.later(2)
    assert isinstance(prune, PruneObjects)
    assert [o.object_uid for o in prune.objects] == [f"uid-{prune.objects[0].key.name}"]


def test_job_that_shows_up_after_its_time_out_is_deleted_at_once_when_its_last_command_was_answered() -> None:
    world = World()
    world.deploy(step("init", job("init"), deadlines=Deadlines(start_s=60)))
    (first,) = world.prepared()
    *_, last = world.later(59)
    world.later(2)
    world.saw(first, "progressing", started=True)
    (prune,) = world.applied(last)
    assert isinstance(prune, PruneObjects)


def test_verbatim_job_is_deleted_by_its_time_out_and_what_runs_for_ever_stays() -> None:
    world = World()
    world.deploy(step("raw", own_job("load"), deployment("web"), deadlines=Deadlines(start_s=60)))
    (first,) = world.prepared()
    world.applied(first)
    assert names(the_prune(world.later(61))) == ["load"]


def test_job_of_a_superseded_run_is_deleted_once_the_new_plan_has_been_accepted_by_every_cluster() -> None:
    world = World()
    world.deploy(step("init", job("init")))
    (first,) = world.prepared()
    world.applied(first)
    world.saw(first, "progressing", started=True)
    (prepare,) = world.deploy(step("init", job("init", image="job:2")))
    assert not any(isinstance(c, PruneObjects) for c in world.commands)
    assert names(the_prune(world.prepared(prepare))) == names(first)


def test_run_deadline_is_not_put_off_by_a_pod_that_is_pending_in_between() -> None:
    world = World()
    world.deploy(step("init", job("init"), deadlines=Deadlines(start_s=60, run_s=600)))
    (init,) = world.prepared()
    world.applied(init)
    for _ in range(10):
        world.saw(init, "progressing", started=True)
        world.later(59)
        world.saw(init, "progressing", started=False)
    world.later(15)
    assert world.phase("init") == (StepPhase.TIMED_OUT, Reason.RUN_DEADLINE)


def test_ended_job_is_deleted_when_its_lifetime_is_over_and_no_command_can_create_it_again() -> None:
    world = World()
    world.deploy(step("raw", own_job("load", lifetime_s=5)))
    (first,) = world.prepared()
    world.done(first)
    assert world.run_phase() is RunPhase.SUCCEEDED
    expires_s = first.not_after.timestamp() + COMMAND_GRACE_S - world.now
    assert world.later(expires_s - 1) == []
    (prune,) = world.later(2)
    assert isinstance(prune, PruneObjects)
    assert names(prune) == ["load"]
    world.pruned(prune)
    assert world.state.prunes == {}
    world.deploy(step("raw", own_job("load", lifetime_s=5)))
    assert world.prepared() == []
    assert world.phase("raw") == (StepPhase.SUCCEEDED, Reason.ALREADY_COMPLETED)


def test_lifetime_counts_from_the_end_and_waits_for_the_run() -> None:
    world = World()
    world.deploy(step("raw", own_job("load", lifetime_s=100)), step("web"))
    load, web = world.prepared()
    world.done(load)
    world.later(150)
    assert not any(isinstance(c, PruneObjects) for c in world.commands)
    world.done(web)
    assert names(world.later(60)[0]) == ["load"]


def test_job_without_a_lifetime_stays() -> None:
    world = World()
    world.deploy(step("raw", own_job("load")))
    (first,) = world.prepared()
    world.done(first)
    assert world.later(1_000_000) == []


def test_job_that_has_started_is_measured_by_the_run_deadline() -> None:
    world = World()
    world.deploy(step("init", job("init"), deadlines=Deadlines(start_s=60, run_s=600)))
    (init,) = world.prepared()
    world.applied(init)
    world.saw(init, "progressing", started=True)
    world.later(599)
    assert world.phase("init")[0] is StepPhase.RUNNING
    sent = world.later(2)
    assert world.phase("init") == (StepPhase.TIMED_OUT, Reason.RUN_DEADLINE)
    prunes = [c for c in sent if isinstance(c, PruneObjects)]
    assert [o.key.kind for o in prunes[0].objects] == ["Job"]


def test_finished_job_is_never_run_again_by_a_new_generation() -> None:
    world = World()
    world.deploy(step("init", job("init")), step("web", after=["init"]))
    (init,) = world.prepared()
    (web,) = world.done(init)
    world.done(web)
    world.deploy(step("init", job("init")), step("web", deployment("web", image="web:2"), after=["init"]))
    (web,) = world.prepared()
    assert web.step == "web"
    assert world.phase("init") == (StepPhase.SUCCEEDED, Reason.ALREADY_COMPLETED)


def test_failed_job_gets_a_new_attempt_and_name_when_it_is_wanted_again() -> None:
    world = World()
    world.deploy(step("init", job("init")))
    (first,) = world.prepared()
    world.applied(first)
    world.saw(first, "failed", reason=Reason.BACKOFF_LIMIT_EXCEEDED)
    assert world.phase("init") == (StepPhase.FAILED, Reason.BACKOFF_LIMIT_EXCEEDED)
    world.deploy(step("init", job("init")))
    (second,) = world.prepared()
    assert isinstance(first, ApplyStep)
    assert isinstance(second, ApplyStep)
    assert second.attempt == 2
    assert second.objects[0].key.name != first.objects[0].key.name
    (prune,) = world.done(second)
    assert isinstance(prune, PruneObjects)
    assert [o.key.name for o in prune.objects] == [first.objects[0].key.name]


def test_running_job_that_the_new_plan_has_unchanged_is_kept() -> None:
    world = World()
    world.deploy(step("init", job("init")))
    (first,) = world.prepared()
    world.applied(first)
    world.saw(first, "progressing", started=True)
    world.deploy(step("init", job("init")), step("web"))
    again = next(c for c in world.prepared() if c.step == "init")
    assert isinstance(again, ApplyStep)
    assert isinstance(first, ApplyStep)
    assert again.objects[0].key == first.objects[0].key
    assert again.objects[0].known_uid == f"uid-{first.objects[0].key.name}"


def test_job_that_ended_although_its_run_was_superseded_counts_as_done() -> None:
    world = World()
    world.deploy(step("init", job("init")))
    (first,) = world.prepared()
    world.applied(first)
    world.deploy(step("web"))
    prune, web = world.prepared()
    world.saw(first)
    world.pruned(prune)
    world.done(web)
    world.deploy(step("init", job("init")))
    world.prepared()
    assert world.phase("init") == (StepPhase.SUCCEEDED, Reason.ALREADY_COMPLETED)
