"""What policies change of a run: what is deleted, when, in which order, and what is given up instead."""

from services.planner.domain.decide import Deploy
from shared.contracts.commands import ApplyStep, Command, PruneObjects
from shared.contracts.facts import ObjectsPruned
from shared.contracts.phases import AppPhase, Reason, RunPhase, StepPhase
from shared.contracts.plan import Collection, Disposal, PlannedObject, PlannedStep, Retention, Treatment
from shared.contracts.runs import ObjectForgotten
from tests.unit.services.planner.trace import World, claim, deployment, plan, step


def treated(
    obj: PlannedObject,
    retention: Retention = Retention.DEFAULT,
    *,
    orphan: bool = False,
    read_only: bool = False,
    take_over: bool = False,
) -> PlannedObject:
    disposal = Disposal(retention=retention, orphan_dependents=orphan)
    treatment = Treatment(disposal=disposal, read_only=read_only, take_over=take_over)
    return obj.model_copy(update={"treatment": treatment})


def delivered(world: World, *steps: PlannedStep, collection: Collection | None = None) -> list[Command]:
    """Deploy, and have every step succeed; returns what follows."""
    wanted = plan(*steps, generation=world.state.generation + 1)
    world.plan = wanted.model_copy(update={"collection": collection or Collection()})
    world.tell(Deploy(plan=world.plan, requested_by="ann"))
    pending = world.prepared()
    while any(isinstance(c, ApplyStep) for c in pending):
        pending = [f for c in pending for f in (world.done(c) if isinstance(c, ApplyStep) else [c])]
    return pending


def pruned_names(*commands: Command) -> list[str]:
    return [o.key.name for c in commands if isinstance(c, PruneObjects) for o in c.objects]


def retained(world: World) -> list[str]:
    return [e.key.name for e in world.events if isinstance(e, ObjectForgotten) and e.retained]


def held(world: World) -> set[str]:
    return {o.key.name for o in world.state.inventory.values()}


OTHER = step("other")


def test_object_that_lives_as_long_as_its_application_outlives_an_update() -> None:
    world = World()
    delivered(world, step("web", treated(deployment("web"), Retention.ON_APP_DELETE)), OTHER)
    assert pruned_names(*delivered(world, OTHER)) == []
    assert (world.run_phase(), held(world)) == (RunPhase.SUCCEEDED, {"web", "other"})
    assert sorted(pruned_names(*world.delete())) == ["other", "web"]


def test_object_that_is_never_deleted_is_given_up() -> None:
    world = World()
    delivered(world, step("web", treated(deployment("web"), Retention.NEVER)), OTHER)
    (prune,) = delivered(world, OTHER)
    assert isinstance(prune, PruneObjects)
    assert [(o.key.name, o.release) for o in prune.objects] == [("web", True)]
    world.tell(ObjectsPruned(**world.header(prune), gone=(), released=("uid-web",)))
    assert (world.run_phase(), retained(world), held(world)) == (RunPhase.SUCCEEDED, ["web"], {"other"})


def test_volume_goes_only_where_a_rule_names_it() -> None:
    world = World()
    kept, bound, gone = claim("kept"), claim("bound"), claim("gone")
    step_ = step(
        "data",
        kept,
        treated(bound, Retention.ON_APP_DELETE),
        treated(gone, Retention.ON_APP_UPDATE),
        deployment("data"),
    )
    delivered(world, step_, OTHER)
    (prune,) = delivered(world, OTHER)
    assert sorted(pruned_names(prune)) == ["data", "gone"]
    assert isinstance(prune, PruneObjects)
    assert {o.key.name: o.volume for o in prune.objects} == {"data": False, "gone": True}
    assert retained(world) == ["kept"]
    world.pruned(prune)
    assert sorted(pruned_names(*world.delete())) == ["bound", "other"]


def test_what_the_newest_generation_says_of_its_objects_counts() -> None:
    world = World()
    delivered(world, step("web", treated(deployment("web"), Retention.NEVER)), OTHER)
    delivered(world, step("web"), OTHER)
    (prune,) = delivered(world, OTHER)
    assert isinstance(prune, PruneObjects)
    assert [(o.key.name, o.release) for o in prune.objects] == [("web", False)]


def test_rule_that_comes_later_counts_for_a_volume_that_is_there_already() -> None:
    world = World()
    delivered(world, step("data", claim("data")), OTHER)
    named = treated(claim("data"), Retention.ON_APP_UPDATE)
    world.deploy(step("data", named), OTHER)
    data, other = world.prepared()
    world.applied(data, existed=True)
    world.done(other)
    assert pruned_names(*delivered(world, OTHER)) == ["data"]


def test_legacy_objects_stay_until_the_application_goes() -> None:
    world = World()
    delivered(world, step("web"), OTHER)
    assert pruned_names(*delivered(world, OTHER, collection=Collection(keep_legacy=True))) == []
    assert held(world) == {"web", "other"}
    assert sorted(pruned_names(*world.delete())) == ["other", "web"]


def test_failed_run_deletes_only_where_a_policy_says_so() -> None:
    for on_failure in (False, True):
        world = World()
        delivered(world, step("web"), OTHER)
        wanted = plan(step("other", deployment("other", image="web:2")), generation=2)
        world.plan = wanted.model_copy(update={"collection": Collection(on_failure=on_failure)})
        world.tell(Deploy(plan=world.plan, requested_by="ann"))
        (other,) = world.prepared()
        following = world.refused(other, Reason.INVALID)
        assert world.phase("other") == (StepPhase.REJECTED, Reason.INVALID)
        assert pruned_names(*following) == (["web"] if on_failure else [])


def test_dependents_are_deleted_before_what_they_depend_on() -> None:
    world = World()
    steps = step("db"), step("api", after=["db"]), step("web", after=["api"]), OTHER
    delivered(world, *steps, collection=Collection(by_dependency=True))
    (first,) = world.delete()
    assert pruned_names(first) == ["web"]
    (second,) = world.pruned(first)
    assert pruned_names(second) == ["api"]
    (third,) = world.pruned(second)
    assert sorted(pruned_names(third)) == ["db", "other"]
    world.pruned(third)
    assert world.app_phase() is AppPhase.DELETED


def test_without_an_order_all_go_at_once() -> None:
    world = World()
    delivered(world, step("db"), step("web", after=["db"]))
    assert sorted(pruned_names(*world.delete())) == ["db", "web"]


def test_object_that_is_only_read_is_given_up_and_never_deleted() -> None:
    world = World()
    delivered(world, step("web"), OTHER)
    read_only = step("web", treated(deployment("web"), read_only=True))
    world.plan = plan(read_only, OTHER, generation=2)
    world.tell(Deploy(plan=world.plan, requested_by="ann"))
    web, other = world.prepared()
    world.applied(web, existed=True)
    assert world.phase("web") == (StepPhase.SUCCEEDED, Reason.ALREADY_EXISTS)
    world.done(other)
    assert (retained(world), held(world)) == (["web"], {"other"})
    # The observer still sees our marks on it.
    world.saw(web)
    assert held(world) == {"other"}
    assert pruned_names(*world.delete()) == ["other"]


def test_commands_tell_how_objects_are_treated() -> None:
    world = World()
    world.deploy(step("web", treated(deployment("web"), take_over=True, orphan=True)))
    assert [o.treatment.take_over for c in world.commands for s in getattr(c, "steps", ()) for o in s.objects] == [True]
    (apply,) = world.prepared()
    assert isinstance(apply, ApplyStep)
    assert apply.objects[0].treatment.take_over
    world.done(apply)
    (prune,) = world.delete()
    assert isinstance(prune, PruneObjects)
    assert prune.objects[0].orphan_dependents


def test_answer_about_a_superseded_run_tells_what_becomes_of_the_object() -> None:
    world = World()
    world.deploy(step("web", treated(deployment("web"), Retention.NEVER)))
    (web,) = world.prepared()
    world.deploy(OTHER)
    world.tell(world.applied_fact(web))
    (other,) = world.prepared()
    (prune,) = world.done(other)
    assert isinstance(prune, PruneObjects)
    assert [(o.key.name, o.release) for o in prune.objects] == [("web", True)]
