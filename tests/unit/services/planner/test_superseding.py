"""A newer generation: what is under way is waited for, and nothing of an old run gets out under a new one's name."""

import pytest

from services.planner.domain import outbox
from services.planner.domain.commands import materialise
from services.planner.domain.decide import Deploy, Tick, decide
from services.planner.domain.outbox import Outbox
from services.planner.domain.planned import IndexedPlan
from services.planner.domain.turn import COMMAND_GRACE_S, Policy
from shared.bus.topology import ACK_WAIT_S
from shared.contracts.commands import ApplyStep, Command, PrepareRun, PruneObjects
from shared.contracts.phases import AppPhase, Reason, RunPhase, StepPhase
from shared.contracts.plan import Deadlines
from tests.unit.services.planner.trace import World, deployment, job, plan, step


def test_command_that_was_not_sent_is_not_sent_under_the_name_of_the_next_run() -> None:
    world = World()
    world.deploy(step("web"))
    world.prepared()
    left = decide(
        world.state, [Tick()], now=world.now + 10, policy=world.policy, reachable=lambda _: True
    )  # sent again, but the bus is away
    second = plan(step("web", deployment("web", image="web:2")), generation=2)
    newer = decide(
        left.state,
        [Deploy(plan=second, requested_by="ann")],
        now=world.now + 11,
        policy=world.policy,
        reachable=lambda _: True,
    )
    merged = outbox.read(outbox.write(Outbox().then(left.events, left.sends).then(newer.events, newer.sends)))
    commands = [materialise(newer.state, IndexedPlan.of(second), send) for send in merged.sends]
    assert commands == [None]


def test_command_that_was_not_sent_before_a_time_out_does_not_start_the_job_after_it() -> None:
    world = World()
    world.deploy(step("init", job("init"), deadlines=Deadlines(start_s=60)), step("web"))
    world.prepared()
    left = decide(world.state, [Tick()], now=world.now + 59, policy=world.policy, reachable=lambda _: True)
    late = decide(left.state, [Tick()], now=world.now + 61, policy=world.policy, reachable=lambda _: True)
    assert world.plan is not None
    steps = [send for send in left.sends if send.step == "init"]
    assert steps
    assert [materialise(late.state, IndexedPlan.of(world.plan), send) for send in steps] == [None]


def test_answer_to_an_earlier_command_does_not_end_the_wait_for_a_later_one() -> None:
    world = World()
    world.deploy(step("web"))
    (first,) = world.prepared()
    (second,) = world.later(6)
    world.deploy(step("web", deployment("web", image="web:2")))
    assert world.applied(first) == []
    assert [type(c) for c in world.applied(second)] == [PrepareRun]


def test_command_that_outlived_the_answer_to_an_earlier_one_is_waited_for() -> None:
    world = World()
    world.deploy(step("web"), step("slow"))
    first, slow = world.prepared()
    (second, _) = world.later(6)
    world.applied(first)
    world.applied(slow)
    assert [c for c in world.deploy(step("web")) if isinstance(c, PrepareRun)] == []
    world.applied(second)
    assert world.run_phase() is RunPhase.ACCEPTED
    world.later(second.not_after.timestamp() - world.now + COMMAND_GRACE_S + 1)
    assert world.run_phase() is RunPhase.PREPARING


def test_command_of_a_run_that_has_ended_is_waited_for_as_well() -> None:
    world = World()
    world.deploy(step("web", deadlines=Deadlines(start_s=30)))
    world.prepared()
    world.later(31)
    assert world.run_phase() is RunPhase.TIMED_OUT
    assert world.deploy(step("web")) == []
    assert world.run_phase() is RunPhase.ACCEPTED


def test_answered_command_has_expired_when_its_lost_acknowledgement_brings_it_back() -> None:
    world = World()
    world.deploy(step("web", deadlines=Deadlines(start_s=10_000)))
    world.prepared()
    sent: list[tuple[float, Command]] = []
    for _ in range(600):
        world.now += 1
        sent += [(world.now, c) for c in world.tell(Tick())]
    assert len(sent) > 8
    assert max(c.not_after.timestamp() - at for at, c in sent) < ACK_WAIT_S


def test_command_that_was_taken_up_too_late_is_sent_again_soon() -> None:
    world = World()
    (prepare,) = world.deploy(step("web"))
    *_, prepare = world.later(60)
    world.expired(prepare)
    assert world.later(1) == []
    (again,) = world.later(1)
    assert isinstance(again, PrepareRun)
    (web,) = world.prepared(again)
    world.expired(web)
    (again,) = world.later(2)
    assert (again.step, again.nonce) == ("web", web.nonce + 1)
    assert world.phase("web") == (StepPhase.APPLYING, Reason.NONE)


def test_another_executor_may_be_at_work_on_a_command_that_one_took_up_too_late() -> None:
    world = World()
    world.deploy(step("web"))
    (web,) = world.prepared()
    world.expired(web)
    assert world.deploy(step("web")) == []
    assert world.run_phase() is RunPhase.ACCEPTED


def test_answered_nudge_is_not_waited_for() -> None:
    world = World()
    world.deploy(step("web"))
    (web,) = world.prepared()
    world.applied(web)
    (nudge,) = world.later(21)
    world.saw(web)
    world.applied(nudge)
    assert [type(c) for c in world.deploy(step("web", deployment("web", image="web:2")))] == [PrepareRun]


def test_rejected_generation_leaves_the_one_before_intact() -> None:
    world = World()
    world.deploy(step("db"), step("init", job("init")))
    for command in world.prepared():
        world.done(command)
    held = dict(world.state.inventory)
    (prepare,) = world.deploy(step("web"))
    world.rejected(prepare, "web", Reason.FORBIDDEN)
    world.later(10_000)
    assert world.state.inventory == held
    assert not any(isinstance(c, PruneObjects) for c in world.commands)
    world.deploy(step("db"), step("init", job("init")))
    assert [c.step for c in world.prepared()] == ["db"]


def test_delete_while_preparing_does_not_wait_for_a_cluster_that_was_only_asked() -> None:
    world = World()
    world.deploy(step("web"))
    world.delete()
    assert world.app_phase() is AppPhase.DELETED


def test_delete_waits_for_commands_under_way_and_deletes_what_they_created() -> None:
    world = World()
    world.deploy(step("web"))
    (web,) = world.prepared()
    assert world.delete() == []
    assert world.app_phase() is AppPhase.DELETING
    (prune,) = world.applied(web)
    assert isinstance(prune, PruneObjects)
    assert [o.key.name for o in prune.objects] == ["web"]


def test_prune_answered_after_its_run_was_superseded_tells_the_inventory() -> None:
    world = World()
    world.deploy(step("old"), step("web"))
    for command in world.prepared():
        world.done(command)
    world.deploy(step("web"))
    (web,) = world.prepared()
    (prune,) = [*world.applied(web), *world.saw(web)]
    world.deploy(step("old"), step("web"))
    assert [type(c) for c in world.pruned(prune)] == [PrepareRun]
    assert [held.key.name for held in world.state.inventory.values()] == ["web"]


def test_late_answer_about_an_object_that_nobody_wants_any_more_gets_it_deleted() -> None:
    world = World()
    world.deploy(step("old"))
    (old,) = world.prepared()
    world.deploy(step("web"))
    world.drained()
    (web,) = world.prepared()
    world.done(web)
    assert world.run_phase() is RunPhase.SUCCEEDED
    (prune,) = world.tell(world.applied_fact(old))
    assert isinstance(prune, PruneObjects)
    assert [o.key.name for o in prune.objects] == ["old"]


def test_prune_commands_have_names_of_their_own_also_when_nothing_was_left_in_between() -> None:
    world = World()
    deadlines = [Deadlines(start_s=30), Deadlines(start_s=200)]
    world.deploy(*(step(f"j{i}", job(f"j{i}"), deadlines=d) for i, d in enumerate(deadlines)), step("web"))
    for command in world.prepared():
        world.applied(command)
    for seconds in (31, 170):
        for prune in [c for c in world.later(seconds) if isinstance(c, PruneObjects)][-1:]:
            world.pruned(prune)
    nonces = [c.nonce for c in world.commands if isinstance(c, PruneObjects)]
    assert len(set(nonces)) == len(nonces) >= 2


@pytest.mark.parametrize("answer", ["superseded", "errored"])
def test_deletion_that_is_refused_says_why(answer: str) -> None:
    world = World()
    world.deploy(step("db"))
    (db,) = world.prepared()
    world.done(db)
    (prune,) = world.delete()
    if answer == "superseded":
        world.superseded(prune)
    else:
        world.not_pruned(prune, reason=Reason.FORBIDDEN)
    expected = Reason.SUPERSEDED if answer == "superseded" else Reason.FORBIDDEN
    assert (world.app_phase(), world.state.phase_reason) == (AppPhase.DELETING, expected)
    assert isinstance(world.later(60)[-1], PruneObjects)


def test_object_whose_uid_changed_does_not_hold_up_the_deletion() -> None:
    world = World()
    world.deploy(step("db"))
    (db,) = world.prepared()
    world.done(db)
    (first,) = world.delete()
    (second,) = world.saw(db, object_uid="another")
    assert isinstance(second, PruneObjects)
    assert {o.object_uid for o in second.objects} == {"uid-db", "another"}
    world.pruned(first)
    world.pruned(second)
    assert world.app_phase() is AppPhase.DELETED


def test_object_of_a_step_that_was_refused_halfway_is_deleted_with_the_application() -> None:
    world = World()
    world.deploy(step("raw", deployment("one"), deployment("two")))
    (raw,) = world.prepared()
    one, _ = world.observations(raw)
    world.tell(one)
    world.refused(raw, Reason.INVALID)
    (prune,) = world.delete()
    assert isinstance(prune, PruneObjects)
    assert [o.key.name for o in prune.objects] == ["one"]


def test_facts_that_name_another_application_do_not_count() -> None:
    world = World()
    world.deploy(step("web"))
    (web,) = world.prepared()
    other = world.applied_fact(web).app.model_copy(update={"name": "other"})
    world.tell(world.applied_fact(web).model_copy(update={"app": other}))
    assert world.phase("web")[0] is StepPhase.APPLYING


def test_queued_step_waits_under_the_queue_deadline_and_then_under_its_own() -> None:
    world = World()
    world.deploy(step("web", deadlines=Deadlines(queue_s=1000, start_s=60)))
    (web,) = world.prepared()
    world.queued(web)
    again = world.later(600)[-1]
    assert world.phase("web") == (StepPhase.QUEUED, Reason.UNSCHEDULABLE)
    queued = [e for e in world.events if getattr(e, "phase", None) is StepPhase.QUEUED]
    assert [e.needed for e in queued] == [{"cpu": "4"}]  # type: ignore[union-attr]
    assert isinstance(again, ApplyStep)
    world.applied(again)
    world.saw(again, "progressing")
    world.later(59)
    assert world.phase("web")[0] is StepPhase.PENDING
    world.later(2)
    assert world.phase("web") == (StepPhase.TIMED_OUT, Reason.START_DEADLINE)


def test_queued_step_that_never_fits_times_out_in_the_queue() -> None:
    world = World()
    world.deploy(step("web", deadlines=Deadlines(queue_s=100, start_s=60)), step("other"))
    web, other = world.prepared()
    world.queued(web)
    world.done(other)
    world.later(101)
    assert world.phase("web") == (StepPhase.TIMED_OUT, Reason.QUEUE_DEADLINE)


def test_nudges_become_rare_and_never_flood_a_cluster() -> None:
    world = World(policy=Policy(window=3))
    world.deploy(*(step(f"w{i}", deadlines=Deadlines(start_s=100_000)) for i in range(9)))
    waiting = world.prepared()
    while waiting:
        waiting = [c for command in waiting for c in world.applied(command)]
    world.now += 21
    first = world.tell(Tick())
    assert len(first) == 3
    for _ in range(40):
        for nudge in [c for c in world.later(30) if isinstance(c, ApplyStep)]:
            world.applied(nudge)
    assert len([c for c in world.later(300) if isinstance(c, ApplyStep)]) <= 3 * 9
