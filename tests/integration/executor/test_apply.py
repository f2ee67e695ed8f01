from base64 import b64decode
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.contracts import annotations
from shared.contracts.commands import ApplyStep
from shared.contracts.completion import Compare, CompletionRule, FieldOperand, ValueOperand
from shared.contracts.facts import Answer, AppliedObject, StepApplied, StepErrored, StepRejected, Superseded
from shared.contracts.identity import AppUid, ClusterName, Namespace, Tenant
from shared.contracts.phases import Reason
from shared.contracts.plan import ApplyMode, Manifest
from shared.contracts.sealed import write
from shared.kube import KubeApi
from shared.kube.kinds import Object
from shared.sealing import Place, public_key_of, seal
from tests.integration.executor.conftest import CLUSTER, TENANT, Executor, commands_over, to_apply
from tests.support.clusters import ADMIN, deployment, key, manifest

RULE = CompletionRule(
    success=Compare(
        left=FieldOperand(path="status.availableReplicas", default=0), comparison=">=", right=ValueOperand(value=1)
    )
)


def applied(fact: Answer) -> AppliedObject:
    assert isinstance(fact, StepApplied), fact
    [obj] = fact.objects
    return obj


async def test_step_is_applied_in_order_and_stamped(executor: Executor) -> None:
    first = to_apply(executor.config_map(a="1"), generation=3)
    second = to_apply(deployment(executor.namespace), generation=3, rule=RULE)

    fact = await executor.answer(executor.apply(first, second, generation=3))

    assert isinstance(fact, StepApplied)
    live = await executor.live(second.key)
    stamps = live["metadata"]["annotations"]
    assert stamps[annotations.ANNOTATION_DIGEST] == second.digest
    assert stamps[annotations.ANNOTATION_GENERATION] == "3"
    assert CompletionRule.model_validate_json(stamps[annotations.ANNOTATION_RULE]) == RULE
    assert annotations.ANNOTATION_DIGEST not in live["spec"]["template"]["metadata"].get("annotations", {})
    assert [(o.key, o.final, o.existed) for o in fact.objects] == [
        (first.key, True, False),
        (second.key, False, False),
    ]
    assert fact.objects[0].metadata_generation is None
    assert fact.objects[1].metadata_generation == live["metadata"]["generation"]
    assert fact.objects[1].object_uid == live["metadata"]["uid"]
    assert (fact.app.name, fact.step, fact.generation, fact.attempt) == ("shop", "web", 3, 1)


async def test_health_only_rule_needs_no_waiting_and_is_stamped(executor: Executor) -> None:
    wanted = to_apply(executor.config_map(a="1"), rule=RULE.model_copy(update={"health_only": True}))

    assert applied(await executor.answer(executor.apply(wanted))).final
    live = await executor.live(wanted.key)
    assert annotations.ANNOTATION_RULE in live["metadata"]["annotations"]


async def test_same_step_again_changes_nothing(executor: Executor) -> None:
    wanted = to_apply(deployment(executor.namespace), rule=RULE)
    first = applied(await executor.answer(executor.apply(wanted)))
    before = await executor.live(wanted.key)

    again = applied(await executor.answer(executor.apply(wanted.model_copy(update={"known_uid": first.object_uid}))))

    assert again == first.model_copy(update={"written": False})
    after = await executor.live(wanted.key)
    assert after["metadata"]["generation"] == before["metadata"]["generation"]


async def test_observer_is_nudged_with_the_kinds(executor: Executor) -> None:
    await executor.answer(executor.apply(to_apply(executor.config_map(a="1"))))

    [nudge] = executor.answers.nudges
    assert nudge.kinds == ("v1/ConfigMap",)
    assert nudge.step == "web"


@pytest.mark.parametrize("waited_for", [True, False])
async def test_observer_is_to_state_only_what_somebody_waits_for(executor: Executor, *, waited_for: bool) -> None:
    rule = RULE if waited_for else None
    await executor.answer(executor.apply(to_apply(deployment(executor.namespace), rule=rule)))
    [nudge] = executor.answers.nudges
    assert nudge.restate is waited_for
    await executor.answer(executor.apply(to_apply(deployment(executor.namespace), rule=rule), reverting=True))
    assert executor.answers.nudges[-1].restate


async def test_drift_is_reverted(executor: Executor) -> None:
    wanted = executor.config_map(a="1")
    await executor.answer(executor.apply(to_apply(wanted)))
    await executor.kube.apply(executor.config_map(a="drifted"), field_manager="kubectl", force=True)

    applied(await executor.answer(executor.apply(to_apply(wanted))))

    assert (await executor.live(wanted))["data"] == {"a": "1"}


async def test_foreign_object_is_refused_naming_its_manager_and_left_alone(executor: Executor) -> None:
    foreign = await executor.kube.apply(executor.config_map(a="theirs"), field_manager="helm", force=False)

    fact = await executor.answer(executor.apply(to_apply(executor.config_map(a="theirs"))))

    assert isinstance(fact, StepRejected)
    assert fact.reason is Reason.OWNED_BY_OTHER
    assert "helm (data.a)" in fact.message
    assert (await executor.live(foreign_key(foreign))) == foreign


def foreign_key(obj: dict[str, Any]) -> Any:
    return key("ConfigMap", "a", obj["metadata"]["namespace"])


async def test_object_of_another_application_is_refused_by_its_name(executor: Executor) -> None:
    other = AppUid("other-uid")
    theirs = executor.config_map(a="1")
    theirs["metadata"]["annotations"] = {
        annotations.ANNOTATION_APP_UID: other,
        annotations.ANNOTATION_NAMESPACE: executor.namespace,
        annotations.ANNOTATION_APP: "blog",
    }
    await executor.answer(executor.apply(to_apply(theirs), uid=other))

    fact = await executor.answer(executor.apply(to_apply(executor.config_map(a="1"))))

    assert isinstance(fact, StepRejected)
    assert fact.reason is Reason.OWNED_BY_OTHER
    assert f"the application {executor.namespace}/blog" in fact.message


async def test_labels_are_no_proof(executor: Executor) -> None:
    theirs = executor.config_map(a="theirs")
    theirs["metadata"]["labels"] = {"app.oam.dev/name": "shop", "app.kubernetes.io/managed-by": "kubemin"}
    theirs["metadata"]["annotations"] = {annotations.ANNOTATION_APP_UID: executor.uid}
    await executor.kube.create(theirs, field_manager=ADMIN)

    fact = await executor.answer(executor.apply(to_apply(executor.config_map(a="1"))))

    assert isinstance(fact, StepRejected)
    assert fact.reason is Reason.OWNED_BY_OTHER


async def test_field_manager_of_an_update_is_no_proof(executor: Executor) -> None:
    await executor.kube.create(executor.config_map(a="theirs"), field_manager=annotations.field_manager(executor.uid))

    fact = await executor.answer(executor.apply(to_apply(executor.config_map(a="1"))))

    assert isinstance(fact, StepRejected)
    assert fact.reason is Reason.OWNED_BY_OTHER


class SomebodyWasFaster:
    """The API, where somebody creates an object a moment before our first apply."""

    def __init__(self, kube: KubeApi, theirs: Manifest) -> None:
        self._kube = kube
        self._theirs: Manifest | None = theirs

    async def apply(self, manifest: Manifest, **how: Any) -> Object:
        if self._theirs is not None:
            theirs, self._theirs = self._theirs, None
            await self._kube.create(theirs, field_manager="helm")
        return await self._kube.apply(manifest, **how)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._kube, name)


@pytest.mark.parametrize("value", ["equal", "different"])
async def test_object_that_somebody_created_meanwhile_stays_theirs(executor: Executor, value: str) -> None:
    theirs = executor.config_map(a="equal")
    faster: Any = SomebodyWasFaster(executor.kube, theirs)
    commands = commands_over(faster, executor.answers, executor.grants, executor.sealing_key)
    wanted = executor.config_map(a=value)

    await commands.handle(executor.apply(to_apply(wanted)))

    [fact] = executor.answers.facts
    assert isinstance(fact, StepRejected)
    assert fact.reason is Reason.OWNED_BY_OTHER
    assert "the field managers helm (data.a);" in fact.message
    live = await executor.live(theirs)
    assert live["data"] == {"a": "equal"}
    assert [entry["manager"] for entry in live["metadata"]["managedFields"]] == ["helm"]
    assert "annotations" not in live["metadata"]


async def test_recorded_uid_is_proof(executor: Executor) -> None:
    made = await executor.kube.create(executor.config_map(a="theirs"), field_manager=ADMIN)
    wanted = to_apply(executor.config_map(a="1"), known_uid=made["metadata"]["uid"])

    applied(await executor.answer(executor.apply(wanted)))

    assert (await executor.live(wanted.key))["data"] == {"a": "1"}


async def test_recreated_by_somebody_else_is_theirs(executor: Executor) -> None:
    wanted = to_apply(executor.config_map(a="1"))
    first = applied(await executor.answer(executor.apply(wanted)))
    await executor.kube.delete(wanted.key)
    await executor.kube.create(executor.config_map(a="theirs"), field_manager=ADMIN)

    fact = await executor.answer(executor.apply(wanted.model_copy(update={"known_uid": first.object_uid})))

    assert isinstance(fact, StepRejected)
    assert fact.reason is Reason.OWNED_BY_OTHER


async def test_deleted_object_is_made_again(executor: Executor) -> None:
    wanted = to_apply(executor.config_map(a="1"))
    first = applied(await executor.answer(executor.apply(wanted)))
    await executor.kube.delete(wanted.key)

    second = applied(await executor.answer(executor.apply(wanted.model_copy(update={"known_uid": first.object_uid}))))

    assert second.object_uid != first.object_uid


async def test_finished_work_that_was_deleted_is_not_run_again(executor: Executor) -> None:
    wanted = to_apply(executor.config_map(a="1"), once=True)
    first = applied(await executor.answer(executor.apply(wanted)))
    await executor.kube.delete(wanted.key)

    fact = await executor.answer(executor.apply(wanted.model_copy(update={"known_uid": first.object_uid})))

    assert isinstance(fact, StepRejected)
    assert fact.reason is Reason.VANISHED
    assert await executor.kube.find(wanted.key) is None


async def test_command_of_an_older_generation_changes_nothing(executor: Executor) -> None:
    newer, older = executor.config_map(a="new"), executor.config_map(a="old")
    await executor.answer(executor.apply(to_apply(newer, generation=5), generation=5))

    fact = await executor.answer(executor.apply(to_apply(older, generation=4), generation=4))

    assert isinstance(fact, Superseded)
    assert fact.by_generation == 5
    assert (await executor.live(newer))["data"] == {"a": "new"}


async def test_command_past_its_time_changes_nothing_and_is_asked_for_again(executor: Executor) -> None:
    wanted = to_apply(executor.config_map(a="1"))
    late = executor.apply(wanted, not_after=datetime.now(UTC) - timedelta(seconds=1))

    fact = await executor.answer(late)

    assert isinstance(fact, StepErrored)
    assert fact.reason is Reason.COMMAND_EXPIRED
    assert fact.retry_after_s is not None
    assert await executor.kube.find(wanted.key) is None


async def test_volume_is_created_once_and_never_touched(executor: Executor) -> None:
    wanted = manifest(
        "PersistentVolumeClaim",
        "data",
        executor.namespace,
        spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    )
    step = to_apply(wanted, mode=ApplyMode.CREATE, volume=True, rule=RULE)
    first = applied(await executor.answer(executor.apply(step, job_type="k8s-objects")))
    before = await executor.live(step.key)
    larger = {**wanted, "spec": {**wanted["spec"], "resources": {"requests": {"storage": "2Gi"}}}}
    again_step = to_apply(larger, mode=ApplyMode.CREATE, volume=True, rule=RULE)

    again = applied(await executor.answer(executor.apply(again_step, job_type="k8s-objects")))

    assert (first.final, first.existed) == (True, False)
    assert (again.final, again.existed, again.object_uid) == (True, True, first.object_uid)
    after = await executor.live(step.key)
    assert after["spec"]["resources"] == before["spec"]["resources"]


def with_secret(executor: Executor, value: str) -> ApplyStep:
    secret = manifest("Secret", "db", executor.namespace, type="Opaque", data={"password": value})
    return executor.apply(to_apply(secret))


def sealed_for(executor: Executor, name: str = "db", cluster: str = CLUSTER) -> str:
    place = Place(Tenant(TENANT), Namespace(executor.namespace), executor.uid, name, "password")
    clusters = {ClusterName(cluster): public_key_of(executor.sealing_key)}
    return write(seal(b"s3cret \xff", place, clusters, mark_key=b"x" * 32))


async def test_sealed_value_is_opened_in_the_cluster(executor: Executor) -> None:
    fact = await executor.answer(with_secret(executor, sealed_for(executor)))

    applied(fact)
    live = await executor.live(key("Secret", "db", executor.namespace))
    assert b64decode(live["data"]["password"]) == b"s3cret \xff"


async def test_opened_value_stands_in_no_answer_and_no_log(
    executor: Executor, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    fact = await executor.answer(with_secret(executor, sealed_for(executor)))

    written = fact.model_dump_json() + caplog.text + "".join(capsys.readouterr())
    assert "s3cret" not in written
    assert "czNjcmV0" not in written


@pytest.mark.parametrize("wrong", ["name", "cluster", "damage"])
async def test_sealed_value_of_another_place_does_not_open(executor: Executor, wrong: str) -> None:
    value = {
        "name": sealed_for(executor, name="other"),
        "cluster": sealed_for(executor, cluster="west"),
        "damage": sealed_for(executor)[:-10],
    }[wrong]

    fact = await executor.answer(with_secret(executor, value))

    assert isinstance(fact, StepRejected)
    assert fact.reason is Reason.SEALED_VALUE_INVALID
    assert await executor.kube.find(key("Secret", "db", executor.namespace)) is None
