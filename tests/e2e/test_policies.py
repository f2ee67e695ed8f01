"""Each policy on a cluster that has something already: what is placed, kept, adopted, shared, made anew and deleted."""

from typing import Any

import pytest
import yaml

from shared.contracts.registry import ClusterRecord
from shared.store.registry import Registry
from tests.e2e.system import Document, System, application, component, describe, step

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180, func_only=True)]


def policy(type_: str, **properties: Any) -> Document:
    return {"name": type_, "type": type_, "properties": properties}


def rule(kind: str = "ConfigMap", strategy: Any = None) -> Document:
    return {"selector": {"resourceTypes": [kind]}, **({} if strategy is None else {"strategy": strategy})}


def config(name: str = "settings", **data: str) -> Document:
    """A component that is a ConfigMap."""
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
    return {"name": name, "type": "k8s-objects", "properties": {"objects": [manifest]}}


def documents(namespace: str, *components: Document, policies: list[Document], name: str = "app") -> Document:
    document = application(namespace, *components, name=name)
    document["spec"]["policies"] = policies
    return document


async def existing(system: System, namespace: str, **data: str) -> Document:
    """A ConfigMap that somebody made before."""
    metadata = {"name": "settings", "namespace": namespace}
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
    return await system.kube[system.clusters[0]].create(manifest, field_manager="somebody-else")


async def settings(system: System, namespace: str) -> Document:
    found = await system.object("ConfigMap", "settings", namespace)
    assert found is not None
    return found


async def drift(system: System, namespace: str, **data: str) -> None:
    live = await settings(system, namespace)
    changed = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": live["metadata"]["name"], "namespace": namespace},
        "data": data,
    }
    await system.kube[system.clusters[0]].apply(changed, field_manager="kubectl", force=True)


async def test_topologies_place_into_clusters_by_name_and_label_and_into_namespaces(
    system: System, namespace: str
) -> None:
    here, there = system.clusters
    registry = Registry(system.database)
    labelled = [
        ClusterRecord(**{**c.model_dump(), "labels": {"zone": "far"}})
        for c in await registry.clusters()
        if c.name == there
    ]
    await registry.add_cluster(labelled[0])
    second = await system.enrolled_namespace()
    places = [
        {"name": "near", "type": "topology", "properties": {"clusters": ["local"]}},
        {"name": "second", "type": "topology", "properties": {"clusters": ["local"], "namespace": second}},
        {"name": "far", "type": "topology", "properties": {"clusterLabelSelector": {"zone": "far"}}},
    ]
    run = await system.delivered(documents(namespace, config(a="1"), component("web"), policies=places))
    assert {(s["cluster"], s["step"]) for s in run["steps"]} == {
        (cluster, id_ + suffix)
        for cluster, suffix in ((here, ""), (here, f"@{second}"), (there, ""))
        for id_ in ("settings", "web")
    }
    for cluster, where in ((here, namespace), (here, second), (there, namespace)):
        assert await system.object("Deployment", "web", where, cluster) is not None
    assert await system.object("Deployment", "web", second, there) is None
    await system.healthy(namespace, "app")
    await system.delivered(documents(namespace, config(a="1"), component("web"), policies=places[:1]))
    assert await system.object("Deployment", "web", second, here) is None
    assert await system.object("Deployment", "web", namespace, there) is None


async def test_namespace_of_another_tenant_is_no_place(system: System, namespace: str) -> None:
    place = policy("topology", namespace="kube-system")
    document = documents(namespace, component("web"), policies=[place])
    answer = await system.call("POST", "/applications", text=yaml.safe_dump(document))
    assert answer.status == 403, answer.body


async def test_overrides_change_what_is_delivered_and_secrets_in_them_are_sealed(
    system: System, namespace: str
) -> None:
    storage = {
        "type": "storage",
        "properties": {"secret": [{"name": "s", "mountPath": "/s", "stringData": {"k": "v"}}]},
    }
    over = {"name": "we*", "properties": {"image": "registry.example/other:2"}, "traits": [storage]}
    chosen = policy("override", components=[over], selector=["web"])
    run = await system.delivered(documents(namespace, component("web"), component("left-out"), policies=[chosen]))
    assert {s["step"] for s in run["steps"]} == {"web", "web=secret=s"}
    web = await system.object("Deployment", "web", namespace)
    assert web is not None
    assert web["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.example/other:2"
    secret = await system.object("Secret", "s", namespace)
    assert secret is not None
    assert secret["data"] == {"k": "dg=="}


async def test_copies_are_delivered_side_by_side(system: System, namespace: str) -> None:
    copies = policy("replication", keys=["a", "b"], selector=["web"])
    await system.delivered(documents(namespace, component("web"), policies=[copies]))
    assert [
        await system.object("Deployment", f"web{suffix}", namespace) is not None for suffix in ("-a", "-b", "")
    ] == [
        True,
        True,
        False,
    ]


async def test_object_of_nobody_is_adopted_and_deleted_with_the_application(system: System, namespace: str) -> None:
    before = await existing(system, namespace, a="theirs", b="theirs")
    refused = await system.ended(await system.apply(documents(namespace, config(a="ours"), policies=[])))
    assert refused["phase"] == "Rejected", describe(refused)
    await system.delivered(documents(namespace, config(a="ours"), policies=[policy("take-over", rules=[rule()])]))
    live = await settings(system, namespace)
    assert (live["metadata"]["uid"], live["data"]) == (before["metadata"]["uid"], {"a": "ours", "b": "theirs"})
    await system.deleted(namespace, "app")
    assert await system.object("ConfigMap", "settings", namespace) is None


async def test_read_only_object_is_never_written_or_deleted_and_must_exist(system: System, namespace: str) -> None:
    document = documents(namespace, config(a="ours"), policies=[policy("read-only", rules=[rule()])])
    absent = await system.ended(await system.apply(document))
    assert (absent["phase"], step(absent, "settings")["reason"]) == ("Rejected", "ReferenceNotFound"), describe(absent)
    before = await existing(system, namespace, a="theirs")
    run = await system.delivered(document)
    assert step(run, "settings")["reason"] == "AlreadyExists"
    await system.deleted(namespace, "app")
    assert await settings(system, namespace) == before


async def test_drift_of_kept_fields_stays_and_other_drift_is_reverted(system: System, namespace: str) -> None:
    kept = policy("apply-once", enable=True, rules=[rule(strategy={"path": ["data.a"]})])
    await system.delivered(documents(namespace, config(a="1", b="1"), policies=[kept]))
    await drift(system, namespace, a="drifted", b="drifted")
    await system.delivered(documents(namespace, config(a="2", b="2"), policies=[kept]))
    assert (await settings(system, namespace))["data"] == {"a": "drifted", "b": "2"}
    await system.delivered(documents(namespace, config(a="2", b="2"), policies=[]))
    assert (await settings(system, namespace))["data"] == {"a": "2", "b": "2"}


async def test_whole_application_is_applied_once_until_it_changes(system: System, namespace: str) -> None:
    once = policy("apply-once", enable=True)
    await system.delivered(documents(namespace, config(a="1"), component("web"), policies=[once]))
    await drift(system, namespace, a="drifted")
    changed = component("web", image="registry.example/app:2")
    await system.delivered(documents(namespace, config(a="1"), changed, policies=[once]))
    assert (await settings(system, namespace))["data"] == {"a": "drifted"}
    await system.delivered(documents(namespace, config(a="2"), changed, policies=[once]))
    assert (await settings(system, namespace))["data"] == {"a": "2"}


async def test_object_is_made_anew_where_a_named_field_changes(system: System, namespace: str) -> None:
    anew = policy("resource-update", rules=[rule(strategy={"recreateFields": ["data.a"]})])
    await system.delivered(documents(namespace, config(a="1"), policies=[anew]))
    first = await settings(system, namespace)
    await system.delivered(documents(namespace, config(a="1", b="1"), policies=[anew]))
    second = await settings(system, namespace)
    await system.delivered(documents(namespace, config(a="2", b="1"), policies=[anew]))
    third = await settings(system, namespace)
    assert first["metadata"]["uid"] == second["metadata"]["uid"] != third["metadata"]["uid"]
    assert third["data"] == {"a": "2", "b": "1"}


async def test_replaced_object_loses_what_others_wrote(system: System, namespace: str) -> None:
    replaced = policy("resource-update", rules=[rule(strategy={"op": "replace"})])
    await system.delivered(documents(namespace, config(a="1"), policies=[replaced]))
    await drift(system, namespace, theirs="x")
    await system.delivered(documents(namespace, config(a="2"), policies=[replaced]))
    assert (await settings(system, namespace))["data"] == {"a": "2"}


async def test_shared_object_passes_from_the_first_application_to_the_next(system: System, namespace: str) -> None:
    shared = [policy("shared-resource", rules=[rule()])]
    for name, value in (("first", "1"), ("second", "2")):
        await system.delivered(documents(namespace, config(a=value), policies=shared, name=name))
    live = await settings(system, namespace)
    assert live["data"] == {"a": "1"}
    assert live["metadata"]["annotations"]["app.oam.dev/shared-by"] == f"{namespace}/first,{namespace}/second"
    await system.deleted(namespace, "first")
    await system.delivered(documents(namespace, config(a="3"), policies=shared, name="second"))
    assert (await settings(system, namespace))["data"] == {"a": "3"}
    await system.deleted(namespace, "second")
    assert await system.object("ConfigMap", "settings", namespace) is None


async def test_garbage_is_collected_as_rules_say(system: System, namespace: str) -> None:
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    data = {"name": "data", "type": "k8s-objects", "properties": {"objects": [claim]}}
    named = [
        {"selector": {"componentNames": ["settings"]}, "strategy": "never"},
        {"selector": {"componentNames": ["later"]}, "strategy": "onAppDelete"},
        {"selector": {"resourceTypes": ["PersistentVolumeClaim"]}, "strategy": "onAppDelete"},
    ]
    rules = [policy("garbage-collect", rules=named, order="dependency")]
    components = [config(a="1"), config("later"), config("now"), data, component("web")]
    await system.delivered(documents(namespace, *components, policies=rules))
    await system.delivered(documents(namespace, component("web"), policies=rules))

    async def there() -> dict[str, bool]:
        kinds = {"settings": "ConfigMap", "later": "ConfigMap", "now": "ConfigMap", "data": "PersistentVolumeClaim"}
        return {name: await system.object(kind, name, namespace) is not None for name, kind in kinds.items()}

    assert await there() == {"settings": True, "later": True, "now": False, "data": True}
    given_up = await settings(system, namespace)
    assert not [key for key in given_up["metadata"].get("annotations", {}) if key.startswith("kubemin.dev/")]
    await system.deleted(namespace, "app")
    assert await there() == {"settings": True, "later": False, "now": False, "data": False}
