"""What the executor says a plan would change, on the simulator and the real API server; nothing is ever written."""

import secrets
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import pytest

from services.executor.app import build_comparing
from services.executor.handlers.comparing import Comparing, WrongCluster
from shared.contracts.annotations import TENANT_SERVICE_ACCOUNT
from shared.contracts.commands import ObjectToApply, PreparedStep
from shared.contracts.differences import (
    Change,
    CheckSlice,
    CompareSteps,
    ObjectDifference,
    SliceChecked,
    StepsCompared,
    StepToCompare,
    UnwantedDifference,
    UnwantedObject,
)
from shared.contracts.identity import AppRef, ClusterName, Namespace, ObjectKey, StepId, Tenant
from shared.contracts.phases import Reason
from shared.contracts.plan import ApplyMode, KeptField, Manifest, Reference, Treatment
from shared.contracts.sealed import write
from shared.kube import GroupVersionKind, KubeApi
from shared.sealing import Place, open_value, public_key_of, seal
from tests.integration.executor.conftest import CLUSTER, TENANT, Executor, prepared, to_apply
from tests.support.clusters import ADMIN, RunningCluster, key, manifest, written
from tests.support.conditions import until

KINDS = ("v1/ConfigMap", "v1/Secret", "v1/Service", "v1/Event", "apps/v1/Deployment")


def comparing(executor: Executor) -> Comparing:
    return build_comparing(
        executor.kube,
        name=CLUSTER,
        grants=executor.grants,
        open_sealed=lambda text, place: open_value(text, place, CLUSTER, [executor.sealing_key]),
    )


def asked(executor: Executor, generation: int, tenant: str) -> dict[str, Any]:
    app = AppRef(tenant=tenant, namespace=executor.namespace, name="shop")
    return {"app": app, "uid": executor.uid, "generation": generation, "cluster": CLUSTER, "within_s": 20}


async def compared(
    executor: Executor, *objects: ObjectToApply, generation: int = 2, tenant: str = TENANT, job_type: str = "webservice"
) -> Sequence[ObjectDifference]:
    step = StepToCompare(
        step=StepId("web"),
        component="web",
        namespace=Namespace(executor.namespace),
        job_type=job_type,
        objects=objects,
    )
    before = await everything(executor.kube, executor.namespace)
    answer = await comparing(executor).answer(CompareSteps(**asked(executor, generation, tenant), steps=(step,)))
    assert await everything(executor.kube, executor.namespace) == before
    assert isinstance(answer, StepsCompared)
    assert [one.key for one in answer.objects] == [wanted.key for wanted in objects]
    return answer.objects


async def checked(executor: Executor, *steps: PreparedStep, unwanted: Sequence[ObjectKey] = ()) -> SliceChecked:
    request = CheckSlice(
        **asked(executor, 2, TENANT), steps=steps, unwanted=tuple(UnwantedObject(key=key) for key in unwanted)
    )
    answer = await comparing(executor).answer(request)
    assert isinstance(answer, SliceChecked)
    return answer


async def everything(kube: KubeApi, namespace: str) -> dict[str, str]:
    """Every object of the namespace with what any write but a controller's would change, events included."""
    found: dict[str, str] = {}
    for kind in map(GroupVersionKind.parse, KINDS):
        for obj in (await kube.list_objects(kind, namespace=namespace)).objects:
            found[f"{kind}/{obj['metadata']['name']}"] = written(obj["metadata"])
    return found


def deployment(namespace: str, *, app: str = "web", image: str = "web:1", name: str = "web") -> Manifest:
    template = {"metadata": {"labels": {"app": app}}, "spec": {"containers": [{"name": "app", "image": image}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": app}}, "template": template}
    return manifest("Deployment", name, namespace, "apps/v1", spec=spec)


def sealed_secret(executor: Executor, name: str = "s", **values: str) -> Manifest:
    def token(key: str, value: str) -> str:
        place = Place(
            tenant=Tenant(TENANT), namespace=Namespace(executor.namespace), app_uid=executor.uid, name=name, key=key
        )
        return write(seal(value.encode(), place, {CLUSTER: public_key_of(executor.sealing_key)}, mark_key=b"m" * 32))

    return manifest("Secret", name, executor.namespace, data={k: token(k, v) for k, v in values.items()})


async def test_absent_objects_would_be_created(executor: Executor) -> None:
    found = await compared(executor, to_apply(executor.config_map(a="1")), to_apply(deployment(executor.namespace)))
    assert [one.change for one in found] == [Change.CREATED, Change.CREATED]


async def test_what_would_change_is_told_field_by_field_and_as_a_diff(executor: Executor) -> None:
    config = executor.config_map(a="1", b="2")
    web = deployment(executor.namespace)
    await executor.answer(executor.apply(to_apply(config), to_apply(web)))
    changed = to_apply(executor.config_map(a="9", c="3"), generation=2)

    [told, same, image] = await compared(
        executor, changed, to_apply(web), to_apply(deployment(executor.namespace, image="web:2"), generation=2)
    )

    assert told.change is Change.CHANGED
    assert {(f.path, f.before, f.after) for f in told.fields} == {
        ("data.a", "1", "9"),
        ("data.b", "2", None),
        ("data.c", None, "3"),
    }
    assert told.text.splitlines()[:2] == ["--- live", "+++ planned"]
    assert {"-  a: '1'", "+  a: '9'"} <= set(told.text.splitlines())
    assert same.change is Change.UNCHANGED
    assert [(f.path, f.before, f.after) for f in image.fields] == [
        ("spec.template.spec.containers[name=app].image", "web:1", "web:2")
    ]


async def test_drift_that_would_be_reverted_shows(executor: Executor) -> None:
    config = executor.config_map(a="1")
    await executor.answer(executor.apply(to_apply(config)))
    await executor.kube.apply(executor.config_map(a="drifted"), field_manager=ADMIN, force=True)

    [told] = await compared(executor, to_apply(config))

    assert [(f.path, f.before, f.after) for f in told.fields] == [("data.a", "drifted", "1")]


@pytest.mark.parametrize("on_update", [True, False])
async def test_fields_that_policies_keep_do_not_show(executor: Executor, *, on_update: bool) -> None:
    config = executor.config_map(a="1")
    await executor.answer(executor.apply(to_apply(config)))
    await executor.kube.apply(executor.config_map(a="drifted"), field_manager=ADMIN, force=True)
    kept = Treatment(kept=(KeptField(path="data.a", on_update=on_update, on_state_keep=True),))

    [same] = await compared(executor, to_apply(config, treatment=kept))
    [update] = await compared(executor, to_apply(executor.config_map(a="2", b="3"), generation=2, treatment=kept))

    assert same.change is Change.UNCHANGED
    assert {f.path for f in update.fields} == ({"data.b"} if on_update else {"data.a", "data.b"})


async def test_existing_volumes_and_read_only_objects_are_kept(executor: Executor) -> None:
    await executor.kube.create(executor.config_map(a="1"), field_manager=ADMIN)
    volume = to_apply(executor.config_map(a="2"), mode=ApplyMode.CREATE)
    read_only = to_apply(executor.config_map(a="2"), treatment=Treatment(read_only=True))
    absent = to_apply(executor.config_map("nowhere"), treatment=Treatment(read_only=True))

    found = await compared(executor, volume, read_only, absent)

    assert [one.change for one in found] == [Change.KEPT, Change.KEPT, Change.REFUSED]
    assert found[2].reason is Reason.REFERENCE_NOT_FOUND


async def test_replacing_and_making_anew_are_foreseen(executor: Executor) -> None:
    config = executor.config_map(a="1")
    await executor.answer(executor.apply(to_apply(config)))
    await executor.kube.apply(executor.config_map(other="theirs"), field_manager=ADMIN, force=True)
    wanted = executor.config_map(a="2")

    [merged, replaced, anew] = await compared(
        executor,
        to_apply(wanted, generation=2),
        to_apply(wanted, generation=2, treatment=Treatment(replace=True)),
        to_apply(wanted, generation=2, treatment=Treatment(recreate_fields=("data.a",))),
    )

    assert {f.path for f in merged.fields} == {"data.a"}
    assert {f.path for f in replaced.fields} == {"data.a", "data.other"}
    assert (anew.change, {f.path for f in anew.fields}) == (Change.RECREATED, {"data.a"})


async def test_an_object_of_others_is_refused_and_not_shown(executor: Executor) -> None:
    await executor.kube.apply(executor.config_map(a="theirs"), field_manager="kubemin:other", force=True)

    [told] = await compared(executor, to_apply(executor.config_map(a="mine")))

    assert (told.change, told.reason) == (Change.REFUSED, Reason.OWNED_BY_OTHER)
    assert "belongs to" in told.message
    assert (told.fields, told.text) == ((), "")


async def test_taking_over_is_told(executor: Executor) -> None:
    await executor.kube.apply(executor.config_map(a="1"), field_manager=ADMIN, force=True)

    [told] = await compared(executor, to_apply(marked(executor, a="1"), treatment=Treatment(take_over=True)))

    assert (told.change, told.fields) == (Change.CHANGED, ())
    assert "taken over" in told.message


def marked(executor: Executor, **data: str) -> Manifest:
    config = executor.config_map(**data)
    config["metadata"]["annotations"] = {"kubemin.dev/app-uid": executor.uid}
    return config


async def test_immutable_fields_are_refused_in_the_servers_words(executor: Executor) -> None:
    await executor.answer(executor.apply(to_apply(deployment(executor.namespace))))

    [told] = await compared(executor, to_apply(deployment(executor.namespace, app="other"), generation=2))

    assert (told.change, told.reason) == (Change.REFUSED, Reason.IMMUTABLE)
    assert "immutable" in told.message


async def test_a_kind_that_the_cluster_lacks_and_one_that_is_not_granted(executor: Executor) -> None:
    widget = manifest("Widget", "w", executor.namespace, "example.com/v1")
    role = manifest("Role", "r", executor.namespace, "rbac.authorization.k8s.io/v1", rules=[])

    lacking, denied = await compared(executor, to_apply(widget), to_apply(role), job_type="k8s-objects")

    assert (lacking.change, lacking.reason) == (Change.REFUSED, Reason.KIND_NOT_FOUND)
    assert (denied.change, denied.reason) == (Change.REFUSED, Reason.KIND_NOT_ALLOWED)


async def test_another_tenant_reads_nothing(executor: Executor) -> None:
    await executor.answer(executor.apply(to_apply(executor.config_map(a="canary-value"))))

    [told] = await compared(executor, to_apply(executor.config_map(a="guess")), tenant="intruder")

    assert (told.change, told.reason) == (Change.REFUSED, Reason.NAMESPACE_NOT_ENROLLED)
    assert "canary-value" not in told.model_dump_json()
    answer = await comparing(executor).answer(
        CheckSlice(
            **asked(executor, 2, "intruder"),
            steps=(executor.step(prepared(executor.config_map())),),
            unwanted=(UnwantedObject(key=key("ConfigMap", "a", executor.namespace)),),
        )
    )
    assert isinstance(answer, SliceChecked)
    assert not answer.unwanted
    assert "canary-value" not in answer.model_dump_json()


async def test_a_request_for_another_cluster_is_refused(executor: Executor) -> None:
    request = CompareSteps(**asked(executor, 2, TENANT) | {"cluster": ClusterName("other")}, steps=())
    with pytest.raises(WrongCluster):
        await comparing(executor).answer(request)


async def test_a_secret_tells_which_keys_change_and_no_value(executor: Executor) -> None:
    old, new, same = (f"canary-{secrets.token_hex(8)}" for _ in range(3))
    await executor.answer(executor.apply(to_apply(sealed_secret(executor, password=old, user=same))))
    wanted = sealed_secret(executor, password=new, user=same, token=new)

    [told] = await compared(executor, to_apply(wanted, generation=2))

    assert told.change is Change.CHANGED
    assert {(f.path, f.before, f.after) for f in told.fields} == {
        ("data.password", "****** (before)", "****** (after)"),
        ("data.token", None, "****** (after)"),
    }
    assert "  user: '******'" in told.text.replace("+", " ").replace("-", " ")
    answered = told.model_dump_json()
    for value in (old, new, same):
        assert value not in answered
        assert b64encode(value.encode()).decode() not in answered


async def test_a_secret_that_the_server_refuses_is_refused_without_its_values(
    executor: Executor, cluster: RunningCluster
) -> None:
    canary = f"canary-{secrets.token_hex(8)}"
    wanted = sealed_secret(executor, **{".dockerconfigjson": canary})
    wanted["type"] = "kubernetes.io/dockerconfigjson"
    elsewhere = sealed_secret(executor, "elsewhere", password=canary)
    elsewhere["metadata"]["name"] = "moved"
    extra = sealed_secret(executor, password=canary) | {canary: canary}

    found = await compared(executor, to_apply(wanted), to_apply(elsewhere), to_apply(extra))

    assert found[1].reason is Reason.SEALED_VALUE_INVALID
    # The simulator checks neither what is in a Secret nor for unknown fields of one.
    assert (found[0].change is found[2].change is Change.REFUSED) == cluster.enforces_rbac
    answered = "".join(one.model_dump_json() for one in found)
    assert canary not in answered
    assert b64encode(canary.encode()).decode() not in answered


async def test_an_unchanged_secret_is_unchanged(executor: Executor) -> None:
    wanted = to_apply(sealed_secret(executor, password="p"))
    await executor.answer(executor.apply(wanted))
    [told] = await compared(executor, wanted)
    assert told.change is Change.UNCHANGED


async def test_missing_references_are_told_with_who_needs_them(executor: Executor) -> None:
    def needs(name: str, kind: str = "Secret", *, optional: bool = False) -> Reference:
        where = "spec.components[0].properties.env"
        return Reference(kind=kind, namespace=executor.namespace, name=name, optional=optional, path=where)

    await executor.kube.create(manifest("Secret", "there", executor.namespace), field_manager=ADMIN)
    brings = executor.step(prepared(manifest("Secret", "brought", executor.namespace)), step="s")
    web = executor.step(
        references=(
            needs("there"),
            needs("brought"),
            needs("absent"),
            needs("tls", optional=True),
            needs("pvc", "PersistentVolumeClaim"),
        )
    )

    answer = await checked(executor, brings, web)

    assert [(p.step, p.reason) for p in answer.problems] == [("web", Reason.REFERENCE_NOT_FOUND)] * 2
    assert f"Secret {executor.namespace}/absent does not exist; component web needs it" in answer.problems[0].message
    assert "PersistentVolumeClaim" in answer.problems[1].message
    assert [w for w in answer.warnings if "tls" in w and "optionally" in w] == list(answer.warnings)


async def test_what_the_run_waits_for_is_no_reason_to_refuse_it(executor: Executor) -> None:
    later = Reference(
        kind="Secret", namespace=executor.namespace, name="later", path="spec.components[0].properties.env"
    )
    web = executor.step(references=(later,)).model_copy(update={"waits": True})
    answer = await checked(executor, web)
    assert answer.problems == ()
    [warning] = answer.warnings
    assert f"{executor.namespace}/later does not exist" in warning
    assert "the run waits for it" in warning


async def test_what_is_not_wanted_any_more_is_foreseen_by_ownership(executor: Executor) -> None:
    ours, created, foreign = (executor.config_map(name, a="1") for name in ("ours", "created", "foreign"))
    created["metadata"]["annotations"] = {"kubemin.dev/app-uid": executor.uid}
    await executor.answer(executor.apply(to_apply(ours), to_apply(created, mode=ApplyMode.CREATE)))
    await executor.kube.create(foreign, field_manager=ADMIN)
    before = await everything(executor.kube, executor.namespace)

    unwanted = [ObjectKey.of(obj) for obj in (ours, created, foreign, executor.config_map("gone"))]
    answer = await checked(executor, unwanted=unwanted)

    assert answer.unwanted == tuple(UnwantedDifference(key=key, change=Change.DELETED) for key in unwanted[:2])
    assert await everything(executor.kube, executor.namespace) == before


async def test_dry_run_is_denied_where_the_apply_would_be(executor: Executor, cluster: RunningCluster) -> None:
    if not cluster.enforces_rbac:
        pytest.skip("the simulator does not enforce RBAC")
    await executor.kube.delete(
        key("RoleBinding", TENANT_SERVICE_ACCOUNT, executor.namespace, "rbac.authorization.k8s.io/v1")
    )

    async def denied() -> bool:
        [told] = await compared(executor, to_apply(executor.config_map(a="1")))
        return (told.change, told.reason) == (Change.REFUSED, Reason.FORBIDDEN)

    await until(denied)
    [told] = await compared(executor, to_apply(executor.config_map(a="1")))
    assert f"{executor.namespace}:{TENANT_SERVICE_ACCOUNT}" in told.message


async def test_a_generation_that_was_outrun_is_told(executor: Executor) -> None:
    await executor.answer(executor.apply(to_apply(executor.config_map(a="1"), generation=5), generation=5))
    [told] = await compared(executor, to_apply(executor.config_map(a="2"), generation=3), generation=3)
    assert (told.change, told.reason) == (Change.REFUSED, Reason.SUPERSEDED)
