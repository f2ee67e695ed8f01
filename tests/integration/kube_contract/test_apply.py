"""What we build on in server-side apply; the simulator and a real control plane must agree."""

from typing import Any

import pytest

from shared.kube import AlreadyExists, Conflict, Invalid, KindUnknown, KubeApi, NotFound
from shared.kube.kinds import GroupVersionKind
from tests.support.clusters import ADMIN, deployment, key, manifest

A, B = "kubemin:a", "kubemin:b"


def config_map(namespace: str, name: str = "a", **data: str) -> dict[str, Any]:
    return manifest("ConfigMap", name, namespace, data=data)


async def test_apply_creates_and_applying_the_same_changes_nothing(kube: KubeApi, kube_namespace: str) -> None:
    wanted = config_map(kube_namespace, a="1")

    created = await kube.apply(wanted, field_manager=A, force=False)
    again = await kube.apply(wanted, field_manager=A, force=True)

    assert created["data"] == {"a": "1"}
    assert again["metadata"]["resourceVersion"] == created["metadata"]["resourceVersion"]
    assert "generation" not in created["metadata"]
    [entry] = created["metadata"]["managedFields"]
    assert (entry["manager"], entry["operation"]) == (A, "Apply")


async def test_manifest_that_was_given_is_left_as_it_was(kube: KubeApi, kube_namespace: str) -> None:
    wanted = config_map(kube_namespace, a="1")
    before = repr(wanted)

    await kube.apply(wanted, field_manager=A, force=False)

    assert repr(wanted) == before


async def test_applying_less_removes_what_was_ours(kube: KubeApi, kube_namespace: str) -> None:
    await kube.apply(config_map(kube_namespace, a="1", b="2"), field_manager=A, force=False)

    applied = await kube.apply(config_map(kube_namespace, b="2"), field_manager=A, force=False)

    assert applied["data"] == {"b": "2"}


async def test_unforced_apply_of_anothers_field_names_manager_and_field(kube: KubeApi, kube_namespace: str) -> None:
    await kube.apply(config_map(kube_namespace, a="1"), field_manager=A, force=False)

    with pytest.raises(Conflict) as raised:
        await kube.apply(config_map(kube_namespace, a="2"), field_manager=B, force=False)

    [conflict] = raised.value.field_managers
    assert conflict.manager == A
    assert conflict.field == ".data.a"


async def test_forced_apply_takes_the_field(kube: KubeApi, kube_namespace: str) -> None:
    await kube.apply(config_map(kube_namespace, a="1"), field_manager=A, force=False)

    applied = await kube.apply(config_map(kube_namespace, a="2"), field_manager=B, force=True)

    assert applied["data"] == {"a": "2"}


async def test_stale_resource_version_is_a_conflict_without_managers(kube: KubeApi, kube_namespace: str) -> None:
    first = await kube.apply(config_map(kube_namespace, a="1"), field_manager=A, force=False)
    await kube.apply(config_map(kube_namespace, a="2"), field_manager=A, force=False)
    wanted = config_map(kube_namespace, a="3")
    wanted["metadata"] |= {f: first["metadata"][f] for f in ("uid", "resourceVersion")}

    with pytest.raises(Conflict) as raised:
        await kube.apply(wanted, field_manager=A, force=True)

    assert raised.value.field_managers == ()


async def test_apply_with_uid_does_not_create_what_was_deleted(kube: KubeApi, kube_namespace: str) -> None:
    first = await kube.apply(config_map(kube_namespace, a="1"), field_manager=A, force=False)
    await kube.delete(key("ConfigMap", "a", kube_namespace))
    wanted = config_map(kube_namespace, a="1")
    wanted["metadata"] |= {f: first["metadata"][f] for f in ("uid", "resourceVersion")}

    with pytest.raises(Conflict):
        await kube.apply(wanted, field_manager=A, force=True)
    assert await kube.find(key("ConfigMap", "a", kube_namespace)) is None


async def test_no_op_with_preconditions_stays_a_no_op(kube: KubeApi, kube_namespace: str) -> None:
    first = await kube.apply(config_map(kube_namespace, a="1"), field_manager=A, force=False)
    wanted = config_map(kube_namespace, a="1")
    wanted["metadata"] |= {f: first["metadata"][f] for f in ("uid", "resourceVersion")}

    again = await kube.apply(wanted, field_manager=A, force=True)

    assert again["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]


async def test_annotation_raises_the_generation_of_a_deployment(kube: KubeApi, kube_namespace: str) -> None:
    wanted = deployment(kube_namespace)
    first = await kube.apply(wanted, field_manager=A, force=False)
    wanted["metadata"]["annotations"] = {"kubemin.dev/digest": "d"}

    second = await kube.apply(wanted, field_manager=A, force=True)

    assert second["metadata"]["generation"] > first["metadata"]["generation"]


async def test_selector_is_immutable_in_words(kube: KubeApi, kube_namespace: str) -> None:
    await kube.apply(deployment(kube_namespace), field_manager=A, force=False)

    with pytest.raises(Invalid, match="field is immutable") as raised:
        await kube.apply(deployment(kube_namespace, app="other"), field_manager=A, force=True)

    assert any(cause.field == "spec.selector" for cause in raised.value.causes)


async def test_dry_run_changes_nothing(kube: KubeApi, kube_namespace: str) -> None:
    applied = await kube.apply(config_map(kube_namespace, a="1"), field_manager=A, force=False, dry_run=True)

    assert applied["data"] == {"a": "1"}
    assert await kube.find(key("ConfigMap", "a", kube_namespace)) is None


async def test_second_create_says_that_it_exists(kube: KubeApi, kube_namespace: str) -> None:
    await kube.create(config_map(kube_namespace, a="1"), field_manager=A)

    with pytest.raises(AlreadyExists):
        await kube.create(config_map(kube_namespace, a="2"), field_manager=A)


async def test_apply_into_a_missing_namespace_says_which(kube: KubeApi) -> None:
    with pytest.raises(NotFound) as raised:
        await kube.apply(config_map("no-such-namespace", a="1"), field_manager=A, force=False)

    assert (raised.value.kind, raised.value.name) == ("namespaces", "no-such-namespace")


async def test_kind_that_is_not_served_is_unknown(kube: KubeApi) -> None:
    for kind in ("v1/Frobnicator", "example.com/v1/Frobnicator"):
        with pytest.raises(KindUnknown):
            await kube.resource(GroupVersionKind.parse(kind))


async def test_scope_of_the_kind_is_checked_before_the_call(kube: KubeApi) -> None:
    with pytest.raises(Invalid, match="names none"):
        await kube.get(key("ConfigMap", "a"))
    with pytest.raises(Invalid, match="whole cluster"):
        await kube.get(key("Namespace", "a", "b"))


async def test_merge_patch_changes_a_field(kube: KubeApi, kube_namespace: str) -> None:
    await kube.apply(config_map(kube_namespace, a="1", b="2"), field_manager=A, force=False)

    patched = await kube.patch(
        key("ConfigMap", "a", kube_namespace), {"data": {"a": None, "c": "3"}}, field_manager=ADMIN
    )

    assert patched["data"] == {"b": "2", "c": "3"}
