"""Documents that converge: order, updates, pruning, deletion, ownership, two clusters."""

from pathlib import Path

import pytest
import yaml

from shared.kube.kinds import GroupVersionKind
from tests.e2e.system import System, application, component, step

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180, func_only=True)]

EXAMPLES = {
    path.stem: path.read_text(encoding="utf-8")
    for path in sorted((Path(__file__).parents[2] / "examples").glob("*/*.yaml"))
}


@pytest.mark.parametrize("example", EXAMPLES)
async def test_examples_converge(system: System, namespace: str, example: str) -> None:
    for document in yaml.safe_load_all(EXAMPLES[example]):
        document["metadata"]["namespace"] = namespace
        run = await system.delivered(document)
        assert {s["phase"] for s in run["steps"]} == {"Succeeded"}
        healthy = await system.healthy(namespace, document["metadata"]["name"])
        assert healthy["observed_generation"] == healthy["generation"] == 1


async def test_update_rolls_and_leaves_the_unchanged_alone(system: System, namespace: str) -> None:
    await system.delivered(application(namespace, component("web"), component("worker")))
    before = await system.object("Deployment", "worker", namespace)
    changed = component("web", image="registry.example/app:2")
    await system.delivered(application(namespace, changed, component("worker")))
    web = await system.object("Deployment", "web", namespace)
    assert web is not None
    assert web["spec"]["template"]["spec"]["containers"][0]["image"] == "registry.example/app:2"
    assert web["metadata"]["annotations"]["kubemin.dev/generation"] == "2"
    after = await system.object("Deployment", "worker", namespace)
    assert before is not None
    assert after is not None
    assert after["metadata"]["generation"] == before["metadata"]["generation"]
    assert after["metadata"]["annotations"]["kubemin.dev/generation"] == "1"


async def test_the_same_document_again_changes_nothing(system: System, namespace: str) -> None:
    document = application(namespace, component("web"))
    first = await system.delivered(document)
    answer = await system.call("POST", "/applications", text=yaml.safe_dump(document))
    assert (answer.status, answer.body["changed"]) == (202, False)
    assert answer.body["application"]["generation"] == first["generation"] == 1


async def test_removed_component_is_pruned_and_nothing_else(system: System, namespace: str) -> None:
    ports = [{"port": 80, "expose": True}]
    await system.delivered(application(namespace, component("web", "webservice", ports=ports), component("worker")))
    await system.delivered(application(namespace, component("worker")))
    assert await system.object("Deployment", "web", namespace) is None
    assert await system.object("Service", "web", namespace) is None
    assert await system.object("Deployment", "worker", namespace) is not None


async def test_deleting_leaves_only_the_volumes(system: System, namespace: str) -> None:
    storage = {
        "type": "storage",
        "properties": {
            "pvc": [{"name": "data", "mountPath": "/data"}],
            "configMap": [{"name": "settings", "mountPath": "/etc/settings", "data": {"a": "1"}}],
        },
    }
    await system.delivered(application(namespace, component("web", traits=[storage]), component("init", "task")))
    assert await system.object("ConfigMap", "settings", namespace) is not None
    await system.deleted(namespace, "app")
    assert await system.object("PersistentVolumeClaim", "data", namespace) is not None
    assert await system.object("ConfigMap", "settings", namespace) is None
    assert await system.object("Deployment", "web", namespace) is None
    jobs = await system.kube[system.clusters[0]].list_objects(GroupVersionKind("batch/v1", "Job"), namespace=namespace)
    assert jobs.objects == []


async def test_name_is_free_again_after_deletion(system: System, namespace: str) -> None:
    document = application(namespace, component("web"))
    first = await system.delivered(document)
    await system.deleted(namespace, "app")
    second = await system.delivered(document)
    assert second["uid"] != first["uid"]


async def test_foreign_object_of_the_same_name_is_rejected_and_untouched(system: System, namespace: str) -> None:
    api = system.kube[system.clusters[0]]
    foreign = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": namespace},
        "data": {"a": "theirs"},
    }
    created = await api.create(foreign, field_manager="somebody-else")
    storage = {
        "type": "storage",
        "properties": {"configMap": [{"name": "settings", "mountPath": "/etc/s", "data": {"a": "ours"}}]},
    }
    run = await system.ended(await system.apply(application(namespace, component("web", traits=[storage]))))
    rejected = step(run, "web=configmap=settings")
    assert (run["phase"], rejected["phase"], rejected["reason"]) == ("Rejected", "Rejected", "OwnedByOther")
    assert "somebody-else" in rejected["message"]
    kept = await system.object("ConfigMap", "settings", namespace)
    assert kept is not None
    assert kept["metadata"]["resourceVersion"] == created["metadata"]["resourceVersion"]


async def test_another_application_cannot_take_over_an_object(system: System, namespace: str) -> None:
    await system.delivered(application(namespace, component("web"), name="first"))
    thief = application(namespace, component("web", image="registry.example/evil:1"), name="second")
    run = await system.ended(await system.apply(thief))
    assert (run["phase"], step(run, "web")["reason"]) == ("Rejected", "OwnedByOther")
    assert "first" in step(run, "web")["message"]


async def test_each_cluster_gets_what_is_addressed_to_it(system: System, namespace: str) -> None:
    here, there = system.clusters
    await system.delivered(application(namespace, component("only-there"), name="a", clusters=[there]))
    await system.delivered(application(namespace, component("both"), name="b", clusters=[here, there]))
    await system.delivered(application(namespace, component("default"), name="c"))
    found = {
        (cluster, name)
        for cluster in (here, there)
        for name in ("only-there", "both", "default")
        if await system.object("Deployment", name, namespace, cluster) is not None
    }
    assert found == {(there, "only-there"), (here, "both"), (there, "both"), (here, "default")}


async def test_nothing_is_created_anywhere_when_one_cluster_refuses(system: System, namespace: str) -> None:
    here, there = system.clusters
    foreign = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": namespace}}
    await system.kube[there].create(foreign, field_manager="somebody-else")
    storage = {
        "type": "storage",
        "properties": {"configMap": [{"name": "settings", "mountPath": "/etc/s", "data": {"a": "1"}}]},
    }
    document = application(namespace, component("web", traits=[storage]), clusters=[here, there])
    run = await system.ended(await system.apply(document))
    assert run["phase"] == "Rejected"
    assert await system.object("ConfigMap", "settings", namespace, here) is None
    assert await system.object("Deployment", "web", namespace, here) is None
