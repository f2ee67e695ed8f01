"""A user ends a run: nothing more of it is applied, what runs once is stopped, and all else stays as it is."""

import re

import pytest

from services.planner.domain.commands import materialise
from services.planner.domain.decide import Cancel, Tick, decide
from services.planner.domain.planned import IndexedPlan
from services.planner.domain.state import JobOutcome
from services.planner.domain.turn import COMMAND_GRACE_S
from shared.contracts.commands import ApplyStep, Command, PrepareRun, PruneObjects
from shared.contracts.desired import Cancellation
from shared.contracts.facts import ObjectsPruned
from shared.contracts.phases import AppPhase, Reason, RunPhase, StepPhase
from shared.contracts.plan import Deadlines, PlannedStep
from shared.contracts.runs import RunAccepted
from tests.unit.services.planner.trace import UID, World, deployment, job, step

CANCELLED = (StepPhase.CANCELLED, Reason.REQUESTED)
WAITS = Deadlines(reference_s=3600)


def told(world: World) -> tuple[RunPhase, Reason, str]:
    """How the newest run ended, as readers are told."""
    run = world.state.run
    assert run is not None
    return run.phase, run.reason, run.message


def names(command: Command) -> list[str]:
    """Its objects, Jobs with their attempt."""
    assert isinstance(command, ApplyStep | PruneObjects)
    return [re.sub(r"-[0-9a-f]{10}-", "-", o.key.name) for o in command.objects]


def deleted(sent: list[Command]) -> list[str]:
    """The objects of the only prune command."""
    (prune,) = [c for c in sent if isinstance(c, PruneObjects)]
    return names(prune)


def test_open_steps_are_cancelled_what_runs_once_is_deleted_and_what_runs_for_ever_stays() -> None:
    world = World()
    world.deploy(step("web"), step("init", job("init")), step("late", after=["init"]), step("slow"))
    sent = {str(c.step): c for c in world.prepared()}
    world.done(sent["web"])
    world.applied(sent["init"])
    world.saw(sent["init"], "progressing", started=True)
    assert deleted(world.cancel(reason="wrong image")) == ["init-1"]
    assert told(world) == (RunPhase.CANCELLED, Reason.REQUESTED, "cancelled by eve: wrong image")
    assert [world.phase(s) for s in ("init", "late", "slow")] == [CANCELLED] * 3
    assert world.phase("web") == (StepPhase.SUCCEEDED, Reason.NONE)
    world.pruned(world.commands[-1])
    world.applied(sent["slow"])
    world.later(100_000)
    assert not [c for c in world.commands if isinstance(c, ApplyStep) and c.nonce > 1]
    assert sorted(held.key.name for held in world.state.inventory.values()) == ["slow", "web"]


def test_nothing_is_pruned_and_no_drift_is_set_back() -> None:
    world = World()
    world.deploy(step("old"), step("web"))
    for command in world.prepared():
        world.done(command)
    world.deploy(step("web"), step("slow"))
    web = world.prepared()[0]
    world.done(web)
    world.cancel()
    world.saw(web, "vanished")
    assert world.later(10_000) == []
    assert "old" in {held.key.name for held in world.state.inventory.values()}


def while_pruning(world: World) -> tuple[Command, Command]:
    """A run that is cancelled while `old` is being deleted; how that was applied, and asked to be deleted."""
    world.deploy(step("old"), step("web"))
    old, first = world.prepared()
    world.done(old)
    world.done(first)
    world.deploy(step("web"))
    (web,) = world.prepared()
    (prune,) = world.done(web)
    assert names(prune) == ["old"]
    assert world.cancel() == []
    assert told(world)[:2] == (RunPhase.CANCELLED, Reason.REQUESTED)
    return old, prune


def test_what_is_being_deleted_for_a_run_that_is_cancelled_is_not_asked_for_again() -> None:
    world = World()
    old, _ = while_pruning(world)
    assert world.saw(old) == []
    assert world.later(1_000) == []


def test_what_was_asked_to_be_deleted_for_a_run_that_is_cancelled_may_be_carried_out_yet() -> None:
    world = World()
    _, prune = while_pruning(world)
    assert world.deploy(step("web")) == []
    assert [type(c) for c in world.pruned(prune)] == [PrepareRun]


@pytest.mark.parametrize("answer", ["none", "held back"])
def test_run_that_has_created_nothing_yet_is_cancelled(answer: str) -> None:
    world = World()
    (prepare,) = world.deploy(step("web", deadlines=WAITS), step("init", job("init"), deadlines=WAITS))
    if answer == "held back":
        world.held_back(prepare, "web")
    assert world.cancel() == []
    assert told(world)[:2] == (RunPhase.CANCELLED, Reason.REQUESTED)
    assert [world.phase(s) for s in ("web", "init")] == [CANCELLED] * 2
    assert world.prepared(prepare) == []
    assert world.later(10_000) == []


def test_run_that_waits_for_what_is_under_way_is_cancelled_and_the_wait_goes_on() -> None:
    world = World()
    world.deploy(step("web"))
    (web,) = world.prepared()
    world.deploy(step("web", deployment("web", image="web:2")))
    world.cancel()
    assert told(world)[:2] == (RunPhase.CANCELLED, Reason.REQUESTED)
    assert world.deploy(step("web", deployment("web", image="web:3"))) == []
    assert world.run_phase() is RunPhase.ACCEPTED
    world.applied(web)
    assert world.run_phase() is RunPhase.PREPARING


def test_same_document_again_runs_a_task_that_was_cancelled_as_another_attempt() -> None:
    world = World()
    steps = [step("web"), step("init", job("init"))]
    world.deploy(*steps)
    web, init = world.prepared()
    world.done(web)
    world.applied(init)
    world.cancel()
    prune = world.commands[-1]
    # The old Job has to be gone first.
    assert world.deploy(*steps) == []
    world.pruned(prune)
    web, second = world.prepared()
    assert names(second) == ["init-2"]
    world.done(web)
    world.done(second)
    assert world.run_phase() is RunPhase.SUCCEEDED


def test_task_that_was_never_asked_for_keeps_its_attempt() -> None:
    world = World()
    steps = [step("web"), step("init", job("init"), after=["web"])]
    world.deploy(*steps)
    (web,) = world.prepared()
    world.cancel()
    world.applied(web)
    world.deploy(*steps)
    (web,) = world.prepared()
    (init,) = world.done(web)
    assert names(init) == ["init-1"]


def test_task_whose_command_is_under_way_is_deleted_when_it_shows_up() -> None:
    world = World()
    world.deploy(step("init", job("init")))
    (init,) = world.prepared()
    assert world.cancel() == []
    assert deleted(world.applied(init)) == ["init-1"]


def test_task_that_was_seen_before_its_command_was_answered_is_deleted_once_it_cannot_come_again() -> None:
    world = World()
    world.deploy(step("init", job("init")))
    (init,) = world.prepared()
    world.saw(init, "progressing", started=True)
    assert world.cancel() == []
    sent = world.later(init.not_after.timestamp() - world.now + COMMAND_GRACE_S + 1)
    assert deleted(sent[:1]) == ["init-1"]


def test_task_of_the_run_before_is_stopped_with_the_one_that_took_its_place() -> None:
    world = World()
    world.deploy(step("init", job("init")), step("load", job("load")))
    init, load = world.prepared()
    world.applied(init)
    world.applied(load)
    world.deploy(step("load", job("load")))
    assert world.run_phase() is RunPhase.PREPARING
    assert sorted(deleted(world.cancel())) == ["init-1", "load-1"]


@pytest.mark.parametrize("newer", [step("init", job("init")), step("web")], ids=["wanted", "not wanted"])
def test_task_of_the_run_before_that_shows_up_late_is_stopped_as_well(newer: PlannedStep) -> None:
    world = World()
    world.deploy(step("init", job("init")))
    (init,) = world.prepared()
    world.deploy(newer)
    world.cancel()
    sent = [*world.applied(init), *world.saw(init, "progressing", started=True)]
    sent += world.later(init.not_after.timestamp() - world.now + COMMAND_GRACE_S + 1)
    prunes = [c for c in sent if isinstance(c, PruneObjects)]
    assert names(prunes[0]) == ["init-1"]


def test_task_of_the_run_before_is_deleted_only_once_no_command_can_create_it_again() -> None:
    world = World()
    world.deploy(step("init", job("init")))
    (init,) = world.prepared()
    world.deploy(step("web"))
    world.cancel()
    assert world.saw(init, "progressing", started=True) == []
    sent = world.later(init.not_after.timestamp() - world.now + COMMAND_GRACE_S + 1)
    assert deleted(sent[:1]) == ["init-1"]


def test_task_that_was_given_up_before_and_shows_up_late_is_deleted() -> None:
    world = World()
    task = step("init", job("init"), deadlines=Deadlines(start_s=30))
    world.deploy(task)
    (init,) = world.prepared()
    world.later(31)
    assert world.phase("init") == (StepPhase.TIMED_OUT, Reason.START_DEADLINE)
    world.deploy(task)
    world.cancel()
    sent = [*world.saw(init, "progressing", started=True), *world.later(120)]
    prunes = [c for c in sent if isinstance(c, PruneObjects)]
    assert names(prunes[0]) == ["init-1"]


def test_task_that_succeeds_before_it_is_deleted_has_succeeded() -> None:
    world = World()
    world.deploy(step("init", job("init")))
    (init,) = world.prepared()
    world.applied(init)
    world.cancel()
    world.saw(init)
    assert [entry.outcome for entry in world.state.ledger.values()] == [JobOutcome.SUCCEEDED]
    assert world.phase("init") == CANCELLED


def test_run_that_has_ended_stays_as_it_ended_and_goes_on_being_looked_after() -> None:
    world = World()
    world.deploy(step("web"))
    (web,) = world.prepared()
    world.done(web)
    events = len(world.events)
    assert world.cancel() == []
    assert (world.run_phase(), len(world.events)) == (RunPhase.SUCCEEDED, events)
    world.saw(web, "vanished")
    assert [c.step for c in world.later(3)] == ["web"]


def test_what_is_set_back_after_a_cancellation_that_came_too_late_is_of_the_generation_of_its_run() -> None:
    world = World()
    world.deploy(step("web"))
    (web,) = world.prepared()
    world.applied(web, fields="ours")
    world.saw(web, fields="ours")
    world.cancel()
    # Somebody deleted it and put another in its place.
    uid = next(iter(world.state.inventory.values())).object_uid
    world.tell(ObjectsPruned(**world.header(web), gone=(uid,)))
    world.saw(web, digest="theirs", fields="theirs")
    (again,) = world.later(3)
    assert isinstance(again, ApplyStep)
    # Of a later one it would be fenced off against the run's own commands.
    assert {again.generation, *(o.generation for o in again.objects)} == {1}


def test_cancelling_again_changes_nothing() -> None:
    world = World()
    world.deploy(step("web"))
    world.prepared()
    world.cancel(reason="first")
    before = world.events[:]
    world.cancel(reason="second")
    assert (world.events, told(world)[2]) == (before, "cancelled by eve: first")


def test_newer_document_wins_and_is_not_cancelled() -> None:
    world = World()
    world.deploy(step("web"))
    world.prepared()
    stale = Cancel(generation=2, requested_by="eve", cancellation=Cancellation(generation=1, requested_by="ann"))
    world.deploy(step("web", deployment("web", image="web:2")), generation=3)
    assert world.tell(stale) == []
    assert (told(world)[0], world.state.generation) == (RunPhase.ACCEPTED, 3)
    # Nor one that another generation came before.
    world.cancel(of=1)
    assert told(world)[0] is RunPhase.ACCEPTED


def test_generation_that_was_cancelled_before_it_was_taken_up_is_told_to_who_follows_it() -> None:
    world = World()
    world.deploy(step("init", job("init")))
    (init,) = world.prepared()
    world.applied(init)
    assert deleted(world.cancel(of=2)) == ["init-1"]
    accepted = [e for e in world.events if isinstance(e, RunAccepted)]
    assert [(e.run, e.requested_by) for e in accepted] == [(f"{UID}-1", "ann"), (f"{UID}-2", "ann")]
    assert told(world)[:2] == (RunPhase.CANCELLED, Reason.REQUESTED)
    assert [e.n for e in world.events] == list(range(1, len(world.events) + 1))
    # Planning it took longer than cancelling it.
    world.deploy(step("web"), generation=2)
    assert told(world)[0] is RunPhase.CANCELLED
    assert world.state.generation == 3


def test_first_generation_of_all_may_be_cancelled_before_it_was_taken_up() -> None:
    world = World()
    assert world.cancel(of=1) == []
    assert told(world)[:2] == (RunPhase.CANCELLED, Reason.REQUESTED)


def test_deletion_is_not_cancelled() -> None:
    world = World()
    world.deploy(step("web"))
    (web,) = world.prepared()
    world.done(web)
    (prune,) = world.delete()
    world.cancel()
    assert world.run_phase() is RunPhase.RUNNING
    world.pruned(prune)
    assert world.app_phase() is AppPhase.DELETED


def test_command_that_was_not_sent_before_the_end_is_not_sent_after_it() -> None:
    world = World()
    world.deploy(step("init", job("init")), step("web"))
    world.prepared()
    left = decide(world.state, [Tick()], now=world.now + 10, policy=world.policy, reachable=lambda _: True)
    cancel = Cancel(generation=2, requested_by="eve", cancellation=Cancellation(generation=1, requested_by="ann"))
    ended = decide(left.state, [cancel], now=world.now + 11, policy=world.policy, reachable=lambda _: True)
    assert world.plan is not None
    assert len(left.sends) == 2
    assert [materialise(ended.state, IndexedPlan.of(world.plan), send) for send in left.sends] == [None, None]


def test_who_asked_and_for_whom_is_told() -> None:
    world = World()
    world.deploy(step("web"))
    cancellation = Cancellation(generation=1, requested_by="ann", on_behalf_of="bob", reason="night is over")
    world.tell(Cancel(generation=2, requested_by="ci", cancellation=cancellation))
    assert told(world)[2] == "cancelled by ci on behalf of bob: night is over"
