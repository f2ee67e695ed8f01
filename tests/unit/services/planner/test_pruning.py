"""Asking for deletions that take their time."""

from shared.contracts.commands import Command, PruneObjects
from shared.contracts.facts import ObjectsPruned, RemainingObject
from shared.contracts.phases import AppPhase
from tests.unit.services.planner.trace import World, step


def remains(world: World, command: Command) -> list[Command]:
    """Everything is still there."""
    assert isinstance(command, PruneObjects)
    there = tuple(
        RemainingObject(key=o.key, object_uid=o.object_uid, message="it waits for its finalizers")
        for o in command.objects
    )
    return world.tell(ObjectsPruned(**world.header(command), gone=(), remaining=there))


def deleting(world: World) -> Command:
    world.deploy(step("web"))
    [apply] = world.prepared()
    world.done(apply)
    [prune] = world.delete()
    assert remains(world, prune) == []
    return prune


def test_what_remains_is_asked_for_less_and_less_often() -> None:
    world = World()
    deleting(world)
    pauses: list[float] = []
    since = world.now
    while len(pauses) < 7:
        sent = world.later(0.5)
        if sent:
            pauses.append(world.now - since)
            since = world.now
            [prune] = sent
            remains(world, prune)
    assert pauses == [1, 2, 4, 8, 12, 12, 12]


def test_what_vanishes_after_all_is_asked_for_at_once() -> None:
    world = World()
    prune = deleting(world)
    for _ in range(4):
        world.later(12)
        prune = world.commands[-1]
        remains(world, prune)
    apply = next(c for c in world.commands if c.type == "ApplyStep")
    world.tell(*world.observations(apply, "vanished"))
    [again] = world.later(0)
    assert again.nonce == prune.nonce + 1
    world.pruned(again)
    assert world.app_phase() is AppPhase.DELETED
