"""Drift of a run that has succeeded: who noticed it, when it is set back, and when it is left alone."""

from datetime import timedelta

from services.planner.domain.deadlines import next_deadline
from services.planner.domain.decide import Unseen
from services.planner.domain.state import NEVER
from services.planner.domain.turn import Revert
from shared.contracts.commands import ApplyStep, Command
from shared.contracts.facts import ObservationOrder, StepRejected, Superseded
from shared.contracts.phases import Reason, RunPhase, StepPhase
from shared.contracts.plan import KeptField, PlannedObject, PlannedStep, Treatment
from shared.contracts.projection import UnseenObject
from shared.contracts.runs import StepPhaseChanged
from tests.unit.services.planner.trace import World, claim, deployment, job, own_job, step

OURS, THEIRS = "0123456789abcdef", "fedcba9876543210"
WEB = step("web")


def delivered(world: World, *steps: PlannedStep) -> ApplyStep:
    """Deploy, and have every step succeed with its fields known; returns the last apply command."""
    world.deploy(*steps)
    pending, last = [c for c in world.prepared() if isinstance(c, ApplyStep)], None
    while pending:
        last = pending.pop(0)
        told = [*world.applied(last, fields=OURS), *world.saw(last, fields=OURS)]
        pending += [c for c in told if isinstance(c, ApplyStep)]
    assert last is not None
    assert world.run_phase() is RunPhase.SUCCEEDED
    return last


def one(commands: list[Command]) -> ApplyStep:
    (command,) = commands
    assert isinstance(command, ApplyStep)
    return command


def shown(world: World) -> tuple[Reason, str]:
    last = [e for e in world.events if isinstance(e, StepPhaseChanged)][-1]
    assert last.phase is StepPhase.SUCCEEDED
    return last.reason, last.message


def treated(obj: PlannedObject, **treatment: object) -> PlannedObject:
    return obj.model_copy(update={"treatment": Treatment.model_validate(treatment)})


def test_changed_object_is_applied_again_in_the_same_generation() -> None:
    world = World()
    applied = delivered(world, WEB)
    assert world.saw(applied, fields=THEIRS) == []
    assert shown(world) == (Reason.DRIFTED, "Deployment shop/web was changed by others")
    command = one(world.later(2))
    assert (command.run, command.generation, command.reverting) == (applied.run, applied.generation, True)
    assert command.nonce == applied.nonce + 1
    assert [o.known_uid for o in command.objects] == ["uid-web"]
    world.applied(command, fields=OURS, written=True, taken_from=("kubectl-edit (spec.image)",))
    assert shown(world)[0] is Reason.DRIFTED
    world.saw(command, fields=OURS)
    words = "drift was set back 1 time, taken from kubectl-edit (spec.image)"
    assert shown(world) == (Reason.NONE, words)
    assert world.reverts == [Revert.CHANGED]
    assert (world.later(3600), world.run_phase()) == ([], RunPhase.SUCCEEDED)


def test_observer_may_be_faster_than_the_executor() -> None:
    world = World()
    applied = delivered(world, WEB)
    world.saw(applied, fields=THEIRS)
    command = one(world.later(2))
    world.saw(applied, fields=OURS)
    assert shown(world) == (Reason.NONE, "")
    world.applied(command, fields=OURS, written=True, taken_from=("helm (spec.image)",))
    assert shown(world) == (Reason.NONE, "drift was set back 1 time, taken from helm (spec.image)")
    assert world.later(3600) == []


def test_deleted_object_is_created_again_and_known_by_its_new_uid() -> None:
    world = World()
    applied = delivered(world, WEB)
    world.saw(applied, "vanished")
    assert shown(world)[1] == "Deployment shop/web was deleted by others"
    command = one(world.later(2))
    world.applied(command, fields=OURS, written=True, uid="another")
    world.saw(command, fields=OURS, object_uid="another")
    assert shown(world)[0] is Reason.NONE
    assert {o.object_uid for o in world.state.inventory.values()} == {"another"}
    assert world.reverts == [Revert.VANISHED]
    assert world.saw(applied, "vanished") + world.later(600) == []


def test_what_is_as_it_was_applied_asks_for_nothing_and_stores_nothing() -> None:
    world = World()
    applied = delivered(world, WEB)
    before, events = world.state, len(world.events)
    world.saw(applied, fields=OURS)
    world.saw(applied, "progressing", fields=OURS, reason=Reason.NOT_READY)
    # An observer of an older build says nothing of fields.
    world.saw(applied)
    assert (next_deadline(world.state), world.later(3600)) == (NEVER, [])
    assert (world.state, len(world.events)) == (before, events)


def test_drift_that_is_gone_before_it_is_due_is_left_alone() -> None:
    world = World()
    applied = delivered(world, WEB)
    world.saw(applied, fields=THEIRS)
    world.saw(applied, fields=OURS)
    assert shown(world) == (Reason.NONE, "")
    assert world.later(3600) == []


def test_observation_from_before_is_not_believed() -> None:
    world = World()
    applied = delivered(world, WEB)
    old, new = world.observations(applied, fields=THEIRS), world.observations(applied, fields=OURS)
    world.tell(*world.observations(applied, fields=THEIRS))
    assert world.tell(*old) == []
    world.tell(*world.observations(applied, fields=OURS), *new)
    assert shown(world)[0] is Reason.NONE
    assert world.later(3600) == []


def test_two_that_fight_slow_down_and_are_named() -> None:
    world = World()
    command = delivered(world, WEB)
    times = []
    for _ in range(12):
        world.saw(command, fields=THEIRS)
        begun = world.now
        command = one(world.later(next_deadline(world.state) - world.now))
        times.append(world.now - begun)
        world.applied(command, fields=OURS, written=True, taken_from=("argocd (spec.image)",))
        world.saw(command, fields=OURS)
    assert times == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]
    assert shown(world)[1] == "drift was set back 12 times, taken from argocd (spec.image)"
    world.later(3600)
    world.saw(command, fields=THEIRS)
    # After so long a calm it is the first time again.
    assert shown(world)[1] == "Deployment shop/web was changed by others"
    assert len(world.later(2)) == 1


def test_answer_that_found_nothing_changed_ends_it() -> None:
    world = World()
    applied = delivered(world, WEB)
    world.saw(applied, fields=THEIRS)
    # As after an upgrade of the API server that words the fields in another way.
    world.applied(one(world.later(2)), fields=THEIRS, written=False)
    assert shown(world) == (Reason.NONE, "")
    world.saw(applied, fields=THEIRS)
    assert world.later(3600) == []
    assert world.reverts == []


def test_lost_command_is_sent_again_and_trouble_is_told() -> None:
    world = World()
    world.saw(delivered(world, WEB), fields=THEIRS)
    lost = one(world.later(2))
    again = one(world.later(5))
    assert again.nonce == lost.nonce + 1
    refusal = StepRejected(**world.header(again), reason=Reason.FORBIDDEN, message="no right to patch")
    world.tell(refusal)
    assert shown(world)[1].endswith("it cannot be set back: no right to patch")
    third = one(world.later(4))
    world.tell(Superseded(**world.header(third), by_generation=7))
    assert shown(world)[1].endswith("the cluster has objects of generation 7")
    fourth = one(world.later(8))
    world.expired(fourth, retry_after_s=1)
    assert len(world.later(1)) == 1


def test_command_of_before_is_answered_late_and_counts_once() -> None:
    world = World()
    applied = delivered(world, WEB)
    world.saw(applied, fields=THEIRS)
    first = one(world.later(2))
    second = one(world.later(5))
    for command in (first, second, second):
        world.applied(command, fields=OURS, written=True)
    world.saw(applied, fields=OURS)
    assert shown(world)[1] == "drift was set back 1 time"
    assert world.reverts == [Revert.CHANGED]


def test_what_others_may_change_is_left_alone() -> None:
    world = World()
    whole = KeptField(path="*", on_update=False)
    once, updates = treated(deployment("once"), kept=(whole,)), KeptField(path="*", on_state_keep=False)
    kept_in_updates = treated(deployment("updated"), kept=(updates,))
    read = treated(deployment("read"), read_only=True)
    applied = delivered(world, step("all", once, kept_in_updates, read))
    for verdict in ("succeeded", "vanished"):
        facts = world.observations(applied, verdict, fields=THEIRS)
        world.tell(*(fact for fact in facts if fact.key.name != "updated"))
        assert world.later(600) == []
    world.tell(*(f for f in world.observations(applied, fields=THEIRS) if f.key.name == "updated"))
    assert len(world.later(2)) == 1


def test_object_that_was_not_seen_again_is_created_and_one_that_was_is_only_looked_at() -> None:
    world = World()
    applied = delivered(world, step("all", deployment("gone"), deployment("there"), job("task")))
    restated = ObservationOrder(incarnation="k", transitions=2, counter=1)
    keys = [o.key for o in applied.objects]
    objects = [UnseenObject(applied.step, key, f"uid-{key.name}") for key in keys]
    objects.append(UnseenObject(applied.step, keys[0], "old"))
    before = len(world.events)
    assert world.tell(Unseen(cluster=applied.cluster, restated=restated, objects=tuple(objects))) == []
    command = one(world.later(2))
    assert [o.key.name for o in command.objects] == ["gone", "there"]
    # Stated before that, and folded late.
    world.saw(command, fields=OURS)
    world.applied(command, fields=OURS)
    # As it may be wrong, nobody is told before there was something to set back.
    assert len(world.events) == before
    assert len(world.later(4)) == 1
    world.saw(command, fields=OURS, order=ObservationOrder(incarnation="k", transitions=2, counter=2))
    assert world.later(3600) == []
    assert len(world.events) == before


def test_unseen_object_of_an_outdated_plan_or_nobody_changes_nothing() -> None:
    world = World()
    restated = ObservationOrder(incarnation="k", transitions=2, counter=1)
    unseen = UnseenObject(WEB.step, WEB.objects[0].key, "uid-web")
    assert world.tell(Unseen(cluster=WEB.cluster, restated=restated, objects=(unseen,))) == []
    delivered(world, step("other"))
    before = world.state
    assert world.tell(Unseen(cluster=WEB.cluster, restated=restated, objects=(unseen,))) == []
    assert world.state == before


def test_jobs_are_never_created_again() -> None:
    world = World()
    applied = delivered(world, step("all", job("task"), own_job("own"), deployment("web")))
    world.tell(*(f for f in world.observations(applied, "vanished") if f.key.kind == "Job"))
    assert world.later(3600) == []
    world.saw(applied, fields=THEIRS)
    assert [o.key.name for o in one(world.later(2)).objects] == ["web"]


def test_job_that_nobody_waited_for_is_not_sent_again() -> None:
    world = World()
    world.deploy(step("all", own_job("own"), deployment("web")))
    applied = one(world.prepared())
    world.applied(applied, final=True, fields=OURS)
    assert world.run_phase() is RunPhase.SUCCEEDED
    world.tell(*(f for f in world.observations(applied, fields=THEIRS) if f.key.name == "web"))
    assert [o.key.name for o in one(world.later(2)).objects] == ["web"]


def test_volume_that_was_made_is_made_again_and_one_that_existed_is_not() -> None:
    world = World()
    world.deploy(step("data", claim("data")))
    (command,) = world.prepared()
    world.applied(command, existed=True)
    world.saw(command, "vanished", object_uid="uid-other")
    assert world.later(600) == []
    world = World()
    world.deploy(step("data", claim("data")))
    (command,) = world.prepared()
    world.applied(command, final=True)
    world.saw(command, "vanished")
    assert [o.key.name for o in one(world.later(2)).objects] == ["data"]


def test_active_run_and_one_that_failed_set_nothing_back() -> None:
    world = World()
    world.deploy(WEB, step("slow"))
    first, second = (c for c in world.prepared() if isinstance(c, ApplyStep))
    world.applied(first, fields=OURS)
    world.saw(first, fields=OURS)
    world.saw(first, fields=THEIRS)
    assert world.phase("web") == (StepPhase.SUCCEEDED, Reason.NONE)
    world.applied(second, fields=OURS)
    assert [c.step for c in world.later(10) if isinstance(c, ApplyStep)] == []
    world.saw(second, fields=OURS)
    assert [c.step for c in world.later(2)] == ["web"]
    failed = World()
    failed.deploy(WEB, step("bad"))
    first, second = (c for c in failed.prepared() if isinstance(c, ApplyStep))
    failed.applied(first, fields=OURS)
    failed.saw(first, fields=OURS)
    failed.applied(second)
    failed.saw(second, "failed")
    failed.saw(first, fields=THEIRS)
    assert (failed.run_phase(), failed.later(3600)) == (RunPhase.FAILED, [])


def test_newer_generation_waits_for_what_was_being_set_back() -> None:
    world = World()
    world.saw(delivered(world, WEB), fields=THEIRS)
    reverting = one(world.later(2))
    assert world.deploy(step("web", deployment("web", image="web:2"))) == []
    assert world.run_phase() is RunPhase.ACCEPTED
    world.applied(reverting, fields=OURS, written=True)
    assert world.run_phase() is RunPhase.PREPARING
    assert world.later(1) == []


def test_application_that_is_being_deleted_sets_nothing_back() -> None:
    world = World()
    applied = delivered(world, WEB)
    world.saw(applied, fields=THEIRS)
    world.delete()
    world.saw(applied, "vanished")
    assert not [c for c in world.later(600) if isinstance(c, ApplyStep)]


def test_silent_cluster_is_not_asked_before_it_is_back() -> None:
    world = World()
    applied = delivered(world, WEB)
    world.gone.add(applied.cluster)
    world.saw(applied, fields=THEIRS)
    assert world.later(timedelta(hours=1).total_seconds()) == []
    world.gone.clear()
    assert len(world.later(5)) == 1


def test_no_more_is_asked_at_once_than_a_cluster_takes() -> None:
    world = World()
    world.deploy(*(step(f"web-{n}") for n in range(100)))
    applied = [c for c in world.prepared() if isinstance(c, ApplyStep)]
    for command in applied:
        applied += [c for c in world.applied(command, fields=OURS) if isinstance(c, ApplyStep)]
    world.tell(*(fact for command in applied for fact in world.observations(command, fields=OURS)))
    world.tell(*(fact for command in applied for fact in world.observations(command, fields=THEIRS)))
    assert len(world.later(2)) == world.policy.window
