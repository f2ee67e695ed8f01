"""What becomes of commands when the cluster does not play along; the rest is seen against clusters."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.executor.adapters.meter import PrometheusMeter
from services.executor.app import build
from services.executor.domain.grants import Grants
from services.executor.handlers.commands import Commands
from shared.contracts.annotations import LABEL_TENANT
from shared.contracts.canonical import digest
from shared.contracts.commands import (
    ApplyStep,
    ObjectToApply,
    PreparedObject,
    PreparedStep,
    PrepareRun,
    PruneObjects,
)
from shared.contracts.facts import Answer, StepApplied, StepErrored
from shared.contracts.identity import PREPARE, PRUNE, AppRef, AppUid, ClusterName, Namespace, ObjectKey, StepId, run_id
from shared.contracts.nudge import Nudge
from shared.contracts.phases import Reason
from shared.contracts.plan import ApplyMode
from shared.errors import Retryable
from shared.kube import ApiUnavailable, Conflict, GroupVersionKind, Impersonation, Resource, TooManyRequests
from shared.kube.kinds import Object
from shared.metrics import Metrics
from tests.support.conditions import until

APP = AppRef(tenant="acme", namespace="shop", name="shop")
UID = AppUid("u1")
ACCOUNT = {"metadata": {"labels": {LABEL_TENANT: "acme"}}}


@dataclass
class Answers:
    facts: list[Answer] = field(default_factory=list)
    nudges: list[Nudge] = field(default_factory=list)
    away: bool = False

    async def state(self, fact: Answer) -> None:
        if self.away:
            raise Retryable("no bus")
        self.facts.append(fact)

    async def nudge(self, nudge: Nudge) -> None:
        self.nudges.append(nudge)


class Cluster:
    """An API server that has the tenant's account, and otherwise does what a test says."""

    def __init__(self, on_apply: Callable[[Object], Any] = lambda manifest: manifest) -> None:
        self.on_apply = on_apply
        self.error: Exception | None = None
        self.applied: list[str] = []
        self.looked: list[str] = []
        """Kinds, in the order in which they were read."""

    async def resource(self, gvk: GroupVersionKind) -> Resource:
        return Resource(gvk, "configmaps", namespaced=True, verbs=frozenset())

    async def find(
        self, key: ObjectKey, *, acting_as: Impersonation | None = None, metadata_only: bool = False
    ) -> Object | None:
        del acting_as, metadata_only
        self.looked.append(key.kind)
        if self.error is not None:
            raise self.error
        return ACCOUNT if key.kind == "ServiceAccount" else None

    async def may(self, verb: str, gvk: GroupVersionKind, namespace: str, *, acting_as: Impersonation) -> bool:
        del verb, gvk, namespace, acting_as
        return True

    async def create(self, manifest: Object, *, field_manager: str, acting_as: Impersonation | None = None) -> Object:
        raise NotImplementedError(manifest, field_manager, acting_as)

    async def apply(
        self, manifest: Object, *, field_manager: str, force: bool, acting_as: Impersonation | None = None
    ) -> Object:
        del field_manager, force, acting_as
        result = self.on_apply(manifest)
        if asyncio.iscoroutine(result):
            await result
        self.applied.append(manifest["metadata"]["name"])
        return {"metadata": {"uid": "x", **manifest["metadata"]}}

    async def patch(
        self, key: ObjectKey, patch: Object, *, field_manager: str, acting_as: Impersonation | None = None
    ) -> Object:
        raise NotImplementedError(key, patch, field_manager, acting_as)

    async def replace(self, manifest: Object, *, field_manager: str, acting_as: Impersonation | None = None) -> Object:
        raise NotImplementedError(manifest, field_manager, acting_as)

    async def delete(
        self,
        key: ObjectKey,
        *,
        uid: str = "",
        propagation: str = "Background",
        acting_as: Impersonation | None = None,
    ) -> None:
        raise NotImplementedError(key, uid, propagation, acting_as)


def commands_of(cluster: Cluster, answers: Answers) -> Commands:
    return build(
        cluster,
        answers,
        name=ClusterName("edge"),
        grants=Grants({}, frozenset({"v1/ConfigMap"})),
        open_sealed=lambda _text, _place: b"",
        meter=PrometheusMeter(Metrics()),
    )


def header(step: str) -> dict[str, Any]:
    return {
        "app": APP,
        "uid": UID,
        "run": run_id(UID, 1),
        "generation": 1,
        "cluster": ClusterName("edge"),
        "step": StepId(step),
        "not_after": datetime.now(UTC) + timedelta(minutes=1),
    }


def apply(step: str = "a", *names: str, **more: Any) -> ApplyStep:
    objects = []
    for name in names or (step,):
        manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}}
        key = ObjectKey.of(manifest)
        objects.append(
            ObjectToApply(key=key, manifest=manifest, digest=digest(manifest), generation=1, mode=ApplyMode.APPLY)
        )
    given = {"component": step, "namespace": Namespace("shop"), "job_type": "web", "objects": objects}
    return ApplyStep.model_validate(header(step) | given | more)


def prepare() -> PrepareRun:
    key = ObjectKey(api_version="v1", kind="ConfigMap", namespace="shop", name="a")
    step = PreparedStep(
        step=StepId("a"),
        component="a",
        namespace=Namespace("shop"),
        job_type="web",
        objects=(PreparedObject(key=key, mode=ApplyMode.APPLY),),
        references=(),
    )
    return PrepareRun.model_validate(header(PREPARE) | {"steps": (step,)})


@pytest.mark.parametrize("make", [apply, prepare])
async def test_outage_is_answered_with_when_to_come_back(make: Callable[[], ApplyStep | PrepareRun]) -> None:
    command = make()
    cluster, answers = Cluster(), Answers()
    cluster.error = TooManyRequests("slow down", retry_after_s=9.0)

    await commands_of(cluster, answers).handle(command)

    [fact] = answers.facts
    assert isinstance(fact, StepErrored)
    assert (fact.step, fact.reason, fact.retry_after_s) == (command.step, Reason.API_UNAVAILABLE, 9.0)


async def test_own_defect_is_answered_without_its_words() -> None:
    def broken(_manifest: Object) -> None:
        raise ZeroDivisionError("s3cret")

    cluster, answers = Cluster(broken), Answers()

    await commands_of(cluster, answers).handle(apply())

    [fact] = answers.facts
    assert isinstance(fact, StepErrored)
    assert fact.reason is Reason.INTERNAL
    assert "s3cret" not in fact.message


async def test_answer_that_cannot_be_stated_hands_the_command_back_and_nudges_nobody() -> None:
    answers = Answers(away=True)

    with pytest.raises(Retryable):
        await commands_of(Cluster(), answers).handle(apply())

    assert answers.nudges == []


async def test_object_that_nobody_has_recorded_is_made_without_a_look() -> None:
    cluster, answers = Cluster(), Answers()

    await commands_of(cluster, answers).handle(apply())

    assert isinstance(answers.facts[0], StepApplied)
    assert cluster.looked == ["ServiceAccount"]


async def test_object_that_keeps_changing_is_given_up_for_now() -> None:
    tries = 0

    def changed(_manifest: Object) -> None:
        nonlocal tries
        tries += 1
        raise Conflict("the object has been modified")

    answers = Answers()

    await commands_of(Cluster(changed), answers).handle(apply())

    [fact] = answers.facts
    assert isinstance(fact, StepErrored)
    assert fact.reason is Reason.CONFLICT
    assert tries == 6


async def test_object_that_changed_once_is_applied() -> None:
    tries = 0

    def changed_once(_manifest: Object) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise Conflict("the object has been modified")

    answers = Answers()

    await commands_of(Cluster(changed_once), answers).handle(apply())

    assert isinstance(answers.facts[0], StepApplied)


async def test_time_that_runs_out_between_two_objects_stops_before_the_second() -> None:
    not_after = datetime.now(UTC) + timedelta(seconds=2)

    async def until_late() -> None:
        await until(lambda: datetime.now(UTC) >= not_after)

    cluster, answers = Cluster(lambda _manifest: until_late()), Answers()

    await commands_of(cluster, answers).handle(apply("a", "one", "two", not_after=not_after))

    assert cluster.applied == ["one"]
    assert [f.reason for f in answers.facts if isinstance(f, StepErrored)] == [Reason.COMMAND_EXPIRED]


async def test_commands_of_one_step_wait_for_each_other_and_others_do_not() -> None:
    at_work: list[str] = []
    go_on = asyncio.Event()

    async def work(name: str) -> None:
        at_work.append(name)
        await go_on.wait()

    cluster, answers = Cluster(lambda manifest: work(manifest["metadata"]["name"])), Answers()
    commands = commands_of(cluster, answers)

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        for name, nonce in (("a", 0), ("a", 1), ("b", 0)):
            group.create_task(commands.handle(apply(name, nonce=nonce)))
        await until(lambda: "b" in at_work)
        assert sorted(at_work) == ["a", "b"]
        go_on.set()

    assert [(fact.step, fact.nonce) for fact in answers.facts if fact.step == "a"] == [("a", 0), ("a", 1)]
    assert commands._locks == {}


async def test_prune_of_nothing_asks_nobody() -> None:
    cluster, answers = Cluster(), Answers()
    cluster.error = ApiUnavailable("down")

    await commands_of(cluster, answers).handle(PruneObjects.model_validate(header(PRUNE) | {"objects": ()}))

    [fact] = answers.facts
    assert fact.type == "ObjectsPruned"
