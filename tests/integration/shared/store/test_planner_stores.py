"""The planner's stores and the projections, on a real server."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.contracts.facts import ObservationOrder, PodPhase, PodSeen, PodsObserved, Progress, StepSucceeded
from shared.contracts.identity import AppRef, AppUid, ClusterName, Digest, Namespace, ObjectKey, RunId, StepId, run_id
from shared.contracts.phases import AppPhase, Health, RunPhase, StepPhase
from shared.contracts.plan import Plan, PlannedObject, PlannedStep
from shared.contracts.projection import ProjectedApp, ProjectedRun, UnseenObject
from shared.contracts.runs import (
    Action,
    AppPhaseChanged,
    ObjectRecorded,
    RunAccepted,
    RunEvent,
    RunPhaseChanged,
    StepOutline,
    StepPhaseChanged,
)
from shared.contracts.views import ObjectView
from shared.store import archive, planner_states, plans, projections
from shared.store.archive import Archive
from shared.store.database import Database
from shared.store.planner_states import PlannerStates, StoredState
from shared.store.plans import Plans
from shared.store.projections import Projections
from shared.store.reads import Reads

APP = AppRef(tenant="acme", namespace="shop", name="web")
UID = AppUid("4f1c")
RUN = run_id(UID, 1)
HERE = ClusterName("here")
KEY = ObjectKey(api_version="apps/v1", kind="Deployment", namespace="shop", name="web")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def state(revision: int, *, body: bytes = b"s", outbox: bytes = b"") -> StoredState:
    return StoredState(uid=UID, revision=revision, body=body, outbox=outbox)


async def test_state_is_changed_by_compare_and_set_alone(database: Database) -> None:
    await database.ensure(planner_states.INDEXES)
    states = PlannerStates(database)
    assert await states.load(UID) is None
    assert await states.save(state(1), next_deadline=5)
    assert not await states.save(state(1, body=b"other"), next_deadline=5)
    assert await states.save(state(2, body=b"next"), next_deadline=5)
    assert not await states.save(state(2, body=b"late"), next_deadline=5)
    stored = await states.load(UID)
    assert stored is not None
    assert (stored.revision, stored.body) == (2, b"next")


async def test_outbox_of_an_older_revision_clears_nothing(database: Database) -> None:
    states = PlannerStates(database)
    await states.save(state(1, outbox=b"one"), next_deadline=5)
    await states.save(state(2, outbox=b"one two"), next_deadline=5)
    await states.clear_outboxes({UID: 1})
    later = datetime.now(UTC) + timedelta(seconds=1)
    assert await states.unsent(later, 10) == [UID]
    await states.clear_outboxes({UID: 2})
    assert await states.unsent(later, 10) == []


async def test_due_finds_what_is_overdue_longest_first(database: Database) -> None:
    states = PlannerStates(database)
    for uid, deadline in (("a", 30.0), ("b", 10.0), ("c", 99.0)):
        stored = StoredState(uid=AppUid(uid), revision=1, body=b"", outbox=b"")
        await states.save(stored, next_deadline=deadline)
    assert await states.due(50, 10) == ["b", "a"]


def planned(name: str, **more: Any) -> PlannedStep:
    metadata = {"name": name, "namespace": "shop"}
    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, **more}
    obj = PlannedObject(key=ObjectKey.of(manifest), manifest=manifest, digest=Digest("d" * 64))
    return PlannedStep(
        cluster=HERE,
        namespace=Namespace("shop"),
        step=StepId(name),
        component=name,
        job_type="worker",
        objects=(obj,),
    )


async def test_plan_comes_back_as_it_was_and_is_written_once(database: Database) -> None:
    stored = Plans(database)
    plan = Plan(app=APP, uid=UID, run=RUN, generation=1, steps=tuple(planned(f"s{i}") for i in range(3)))
    await stored.save(plan)
    await stored.save(plan.model_copy(update={"steps": ()}))
    assert await stored.load(RUN) == plan


async def test_equal_manifests_are_stored_once_where_they_are_large(database: Database) -> None:
    stored = Plans(database)
    small, large = planned("web"), planned("web", data={"text": "x" * 100_000})
    for steps, apart in (((small,), 0), ((large,), 1)):
        for generation in (1, 2):
            run = RunId(f"{UID}-{len(steps[0].objects[0].manifest)}-{generation}")
            plan = Plan(app=APP, uid=UID, run=run, generation=generation, steps=steps)
            assert await stored.save(plan)
            assert await stored.load(run) == plan
        assert len(await database.find(plans.MANIFESTS, {})) == apart


def events() -> list[RunEvent]:
    header = {"app": APP, "uid": UID, "run": RUN, "generation": 1, "at": NOW}
    web = header | {"cluster": HERE, "step": "web"}
    outline = StepOutline(
        cluster=HERE,
        namespace=Namespace("shop"),
        step=StepId("web"),
        component="web",
        job_type="worker",
        objects=(KEY,),
    )
    return [
        RunAccepted.model_validate(
            header | {"n": 1, "action": Action.DEPLOY, "requested_by": "ann", "steps": (outline,)}
        ),
        RunPhaseChanged.model_validate(header | {"n": 2, "phase": RunPhase.RUNNING}),
        StepPhaseChanged.model_validate(web | {"n": 3, "phase": StepPhase.APPLYING}),
        ObjectRecorded.model_validate(web | {"n": 4, "key": KEY, "object_uid": "u1", "digest": "d" * 64}),
        StepPhaseChanged.model_validate(web | {"n": 5, "phase": StepPhase.SUCCEEDED}),
        RunPhaseChanged.model_validate(header | {"n": 6, "phase": RunPhase.SUCCEEDED}),
        AppPhaseChanged.model_validate(header | {"n": 7, "phase": AppPhase.DELETING}),
    ]


async def test_archive_keeps_each_event_once_and_returns_them_in_order(database: Database) -> None:
    await database.ensure(archive.INDEXES)
    history = Archive(database)
    await history.add_run_events(events()[3:])
    await history.add_run_events(events())
    assert [e.n for e in await history.run_events(UID, after=2, limit=3)] == [3, 4, 5]
    assert await history.archived_since(NOW) == {UID: 7}
    assert await history.archived_since(datetime.now(UTC) + timedelta(minutes=1)) == {}
    assert await history.applications() == [UID]


async def test_projection_is_the_same_however_events_are_cut(database: Database) -> None:
    await database.ensure(projections.INDEXES)
    stored = Projections(database)
    whole = ProjectedRun.accepted(events()[0])  # type: ignore[arg-type]
    for event in events():
        whole.fold(event)
    for cut in range(1, len(events())):
        run, app = ProjectedRun.accepted(events()[0]), ProjectedApp()  # type: ignore[arg-type]
        for event in events()[:cut]:
            run.fold(event)
            app.fold(event)
        await stored.save_runs([run.current()])
        await stored.save_apps({UID: app})
        again = ProjectedRun.of((await stored.views([RUN]))[RUN])
        for event in events():
            again.fold(event)
        assert again.current() == whole.current()
    assert (await stored.app(UID)).n == len(events()) - 1


async def test_older_view_does_not_replace_a_newer_one(database: Database) -> None:
    stored = Projections(database)
    run = ProjectedRun.accepted(events()[0])  # type: ignore[arg-type]
    old = run.current()
    for event in events():
        run.fold(event)
    await stored.save_runs([run.current()])
    await stored.save_runs([old])
    found = await Reads(database).run(RUN)
    assert found is not None
    assert (found.phase, found.steps[0].objects[0].object_uid) == (RunPhase.SUCCEEDED, "u1")


def seen(counter: int, *, transitions: int = 1, incarnation: str = "k") -> StepSucceeded:
    return StepSucceeded(
        app=APP,
        uid=UID,
        cluster=HERE,
        step=StepId("web"),
        key=KEY,
        object_uid="u1",
        digest=Digest("d" * 64),
        generation=1,
        metadata_generation=1,
        order=ObservationOrder(incarnation=incarnation, transitions=transitions, counter=counter),
        progress=Progress(ready=counter, desired=9),
        at=NOW,
    )


def view(fact: StepSucceeded) -> ObjectView:
    return ObjectView(key=fact.key, object_uid=fact.object_uid, health=Health.HEALTHY, progress=fact.progress)


async def test_observations_are_ordered_by_their_observer_never_by_arrival(database: Database) -> None:
    stored = Projections(database)
    for fact in (seen(5), seen(3), seen(1, transitions=2), seen(9)):
        await stored.observe([(fact, view(fact))])
    found = await Reads(database).observations([UID], {})
    assert found[UID][HERE, KEY].progress.ready == 1
    other = seen(1, incarnation="another cluster")
    await stored.observe([(other, view(other))])
    assert (await Reads(database).observations([UID], {}))[UID][HERE, KEY].progress.ready == 1


async def test_pods_of_a_step_are_replaced_as_a_whole(database: Database) -> None:
    stored = Projections(database)
    pods = PodsObserved(
        app=APP,
        uid=UID,
        cluster=HERE,
        step=StepId("web"),
        order=ObservationOrder(incarnation="k", transitions=1, counter=1),
        at=NOW,
        pods=(PodSeen(name="web-1", phase=PodPhase.RUNNING),),
        total=1,
    )
    gone = pods.model_copy(
        update={"order": ObservationOrder(incarnation="k", transitions=1, counter=2), "pods": (), "total": 0}
    )
    await stored.observe_pods([pods, pods.model_copy(update={"uid": AppUid(f"{UID}-other")})])
    await stored.observe_pods([gone])
    await stored.observe_pods([pods])
    assert await Reads(database).pods(UID) == [gone]


async def test_what_was_not_seen_since_everything_was_stated_anew_is_missing(database: Database) -> None:
    stored = Projections(database)
    fact = seen(5)
    await stored.observe([(fact, view(fact))])
    for restated, health in ((fact.order, Health.HEALTHY), (seen(6).order, Health.MISSING)):
        found = await Reads(database).observations([UID], {HERE: restated})
        assert found[UID][HERE, KEY].health is health


async def test_what_was_not_seen_since_everything_was_stated_anew_is_found_by_application(database: Database) -> None:
    stored = Projections(database)
    fact = seen(5)
    await stored.observe([(fact, view(fact))])
    unseen = {UID: [UnseenObject(StepId("web"), KEY, "u1")]}
    for restated, found in (
        (seen(5).order, {}),
        (seen(6).order, unseen),
        (seen(1, transitions=2).order, unseen),
        # Of another cluster of this name nothing is known.
        (seen(1, transitions=2, incarnation="another").order, {}),
    ):
        assert await Reads(database).unseen(HERE, restated) == found
    assert await Reads(database).unseen(ClusterName("there"), seen(6).order) == {}
