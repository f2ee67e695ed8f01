"""What one cluster's agent says about what is not its own: it counts nowhere, and changes nothing."""

from datetime import UTC, datetime
from typing import Any

import pytest

from dev.layout import TENANT
from shared.bus import Bus, BusUnavailable
from shared.contracts import subjects
from shared.contracts.facts import (
    AppliedObject,
    Fact,
    ObservationOrder,
    PodPhase,
    PodSeen,
    PodsObserved,
    StepApplied,
    StepFailed,
    StepRejected,
    StepSucceeded,
)
from shared.contracts.identity import AppRef, AppUid, ClusterName, StepId, run_id
from shared.contracts.phases import Reason
from shared.contracts.runs import ObjectForgotten, ObjectRecorded, RunEvent, StepPhaseChanged
from shared.store.archive import Archive
from tests.e2e.system import Document, System, application, component, glimpse, simulate, step
from tests.support.strangers import connected

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180, func_only=True)]

WEB = StepId("web")
LATEST = ObservationOrder(incarnation="forged", transitions=10**6, counter=10**6)


class Pending:
    """An application on the first cluster alone, whose only step hangs; and what its executor truly answered."""

    def __init__(self, system: System, app: AppRef, run: Document, applied: StepApplied) -> None:
        self.system = system
        self.app = app
        self.run = run
        self.applied = applied

    @classmethod
    async def of(cls, system: System, namespace: str) -> "Pending":
        web = component("web", "webservice", **simulate("image-pull-backoff"))
        run_id_ = await system.apply(application(namespace, web))
        run = await system.until(lambda: system.run(run_id_), lambda r: glimpse(r, "web").get("phase") == "Pending")
        facts = await system.until(
            lambda: Archive(system.database).facts(AppUid(run["uid"])),
            lambda found: any(isinstance(fact, StepApplied) for fact in found),
        )
        applied = next(fact for fact in facts if isinstance(fact, StepApplied))
        return cls(system, AppRef(tenant=TENANT, namespace=namespace, name="app"), run, applied)

    def observation(self, type_: type[Any], cluster: str, **changes: Any) -> Any:
        """What an observer would say of the object."""
        obj: AppliedObject = self.applied.objects[0]
        said = {
            "app": self.app,
            "uid": self.applied.uid,
            "cluster": cluster,
            "step": WEB,
            "key": obj.key,
            "object_uid": obj.object_uid,
            "digest": obj.digest,
            "generation": 1,
            "metadata_generation": 10**6,
            "order": LATEST,
            "at": datetime.now(UTC),
        }
        return type_.model_validate(said | changes)

    async def events(self) -> list[RunEvent]:
        return await Archive(self.system.database).run_events(self.applied.uid, after=0, limit=1000)

    async def unmoved(self) -> None:
        """Wait until the planner has folded everything, and find the step where it was."""
        async with connected(self.system.stack, "admin") as admin:
            await self.system.until(
                lambda: admin.jetstream.consumer_info(subjects.STREAM_STATUS, "planner-facts"),
                lambda info: not info.num_pending and not info.num_ack_pending,
            )
        events = await self.events()
        moves = [e for e in events if isinstance(e, StepPhaseChanged)]
        assert {e.cluster for e in moves} == {self.system.clusters[0]}
        assert moves[-1].phase == "Pending", moves[-1]
        now = await self.system.run(self.run["run"])
        assert (now["phase"], step(now, "web")["phase"]) == ("Running", "Pending")


async def test_another_clusters_facts_cannot_be_forged(system: System, namespace: str) -> None:
    pending = await Pending.of(system, namespace)
    ours, theirs = (ClusterName(name) for name in system.clusters)
    succeeded = pending.observation(StepSucceeded, ours)
    async with connected(system.stack, f"cluster-{theirs}") as stranger:
        with pytest.raises(BusUnavailable, match="denied"):
            await stranger.publish(subjects.status(ours, pending.app), succeeded, timeout_s=5)
        # On the own subject, in the other's name: parked by whoever reads it.
        await stranger.publish(subjects.status(theirs, pending.app), succeeded)

        async def parked() -> list[str]:
            page = await system.call("GET", "/parked?limit=200")
            mine = [item for item in page.body["items"] if item["namespace"] == namespace]
            return sorted(item["consumer"] for item in mine if item["reason"] == "IdentityMismatch")

        await system.until(parked, lambda found: found == ["planner-facts", "record-facts"])
    await pending.unmoved()


async def test_facts_of_a_cluster_that_was_not_asked_do_not_count(system: System, namespace: str) -> None:
    pending = await Pending.of(system, namespace)
    theirs = ClusterName(system.clusters[1])
    answer = pending.applied.model_copy(update={"cluster": theirs})
    facts: list[Fact] = [
        answer,
        pending.observation(StepSucceeded, theirs),
        pending.observation(StepFailed, theirs, reason=Reason.FAILED),
        StepRejected(**_header(answer), reason=Reason.INVALID, message="forged"),
    ]
    pods = PodsObserved(
        app=pending.app,
        uid=pending.applied.uid,
        cluster=theirs,
        step=WEB,
        order=LATEST,
        at=datetime.now(UTC),
        pods=(PodSeen(name="forged", phase=PodPhase.RUNNING, ready=True),),
        total=1,
    )
    async with connected(system.stack, f"cluster-{theirs}") as stranger:
        await state(stranger, theirs, pending.app, facts)
        await stranger.publish(subjects.progress(theirs, pending.app, WEB), pods)
    await pending.unmoved()
    view = await system.application(namespace, "app")
    assert view["health"] != "Healthy"
    assert "forged" not in str(view)
    await system.deleted(namespace, "app")


async def test_a_cluster_that_was_never_asked_cannot_hand_an_application_its_objects(
    system: System, namespace: str
) -> None:
    """Their deletion would be waited for: a stranger could keep any application from being deleted."""
    pending = await Pending.of(system, namespace)
    theirs = ClusterName(system.clusters[1])
    facts: list[Fact] = [
        pending.applied.model_copy(update={"cluster": theirs}),
        pending.observation(StepSucceeded, theirs, object_uid="forged"),
    ]
    async with connected(system.stack, f"cluster-{theirs}") as stranger:
        await state(stranger, theirs, pending.app, facts)
    await pending.unmoved()
    told = [e for e in await pending.events() if isinstance(e, ObjectRecorded | ObjectForgotten)]
    assert {e.cluster for e in told} == {system.clusters[0]}


async def test_answers_to_what_was_not_asked_do_not_count(system: System, namespace: str) -> None:
    pending = await Pending.of(system, namespace)
    ours = ClusterName(system.clusters[0])
    uid = pending.applied.uid
    wrong: list[dict[str, Any]] = [
        {"attempt": pending.applied.attempt + 1},
        {"nonce": pending.applied.nonce + 1000},
        {"run": run_id(uid, 7), "generation": 7},
        {"step": "wbe"},
        {"step": "=prepare"},
        {"step": "=prune"},
    ]
    rejections: list[Fact] = [
        StepRejected(**(_header(pending.applied) | changes), reason=Reason.INVALID, message="forged")
        for changes in wrong
    ]
    async with connected(system.stack, f"cluster-{ours}") as agent:
        await state(agent, ours, pending.app, rejections)
    await pending.unmoved()


async def test_facts_under_the_name_of_another_application_do_not_count(system: System, namespace: str) -> None:
    pending = await Pending.of(system, namespace)
    ours = ClusterName(system.clusters[0])
    other = pending.app.model_copy(update={"name": "other"})
    forged = pending.observation(StepSucceeded, ours, app=other)
    answer = StepRejected(**(_header(pending.applied) | {"app": other}), reason=Reason.INVALID, message="forged")
    async with connected(system.stack, f"cluster-{ours}") as agent:
        await state(agent, ours, other, [forged, answer])
    await pending.unmoved()


async def state(bus: Bus, cluster: ClusterName, app: AppRef, facts: list[Fact]) -> None:
    for fact in facts:
        await bus.publish(subjects.status(cluster, app), fact)


def _header(fact: StepApplied) -> dict[str, Any]:
    names = ("app", "uid", "run", "generation", "cluster", "step", "attempt", "nonce", "at")
    return {name: getattr(fact, name) for name in names}
