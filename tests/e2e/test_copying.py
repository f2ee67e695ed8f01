"""Objects that live in one cluster are copied into another, and converge there."""

import base64
import json
from typing import Any

import pytest
import yaml

from shared.contracts.identity import ObjectKey
from shared.store.applications import Applications
from tests.e2e.system import System, application
from tests.support.canaries import Canaries
from tests.support.clusters import ADMIN, manifest
from tests.support.sites import Site

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180, func_only=True)]
Document = dict[str, Any]


def copying(system: System, namespace: str, *objects: Document, traits: list[Document] | None = None) -> Document:
    """An application that goes to the second cluster, of objects of the first."""
    source, target = system.clusters
    given = [{"cluster": source, **one} for one in objects]
    component: Document = {"name": "copies", "type": "ref-objects", "properties": {"objects": given}}
    if traits:
        component["traits"] = traits
    return application(namespace, component, clusters=[target])


async def made(system: System, namespace: str, kind: str, name: str, api_version: str = "v1", **fields: Any) -> None:
    """An object of somebody else in the first cluster."""
    wanted = manifest(kind, name, namespace, api_version, **fields)
    wanted["metadata"]["labels"] = {"app": "front"}
    await system.kube[system.clusters[0]].create(wanted, field_manager=ADMIN)


async def made_front(system: System, namespace: str, password: str) -> None:
    """A workload with all that it needs."""
    await made(system, namespace, "ConfigMap", "settings", data={"colour": "blue"})
    await made(system, namespace, "Secret", "login", type="Opaque", stringData={"password": password})
    container = {
        "name": "front",
        "image": "registry.example/front:1",
        "envFrom": [{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "login"}}],
    }
    pod = {"metadata": {"labels": {"app": "front"}}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "front"}}, "template": pod}
    await made(system, namespace, "Deployment", "front", "apps/v1", spec=spec)
    ports = [{"name": "http", "port": 80, "targetPort": 8080}]
    await made(system, namespace, "Service", "front", spec={"selector": {"app": "front"}, "ports": ports})


FRONT: tuple[Document, ...] = (
    {"resource": "deployments", "group": "apps", "name": "front"},
    {"resource": "services", "labelSelector": {"app": "front"}},
    {"resource": "configmaps", "name": "settings"},
    {"resource": "secrets", "name": "login"},
)


async def test_workload_with_all_that_it_needs_is_copied_and_converges(system: System, namespace: str) -> None:
    canaries = Canaries()
    canary = canaries.text("login")
    await made_front(system, namespace, canary)
    scaler = {"type": "scaler", "properties": {"replicas": 2}}
    document = copying(system, namespace, *FRONT, traits=[scaler])
    target = system.clusters[1]

    planned = await system.call("POST", "/applications?dryRun=true", text=yaml.safe_dump(document))
    run = await system.delivered(document)
    await system.healthy(namespace, "app")

    copies = {
        kind: await system.object(kind, name, namespace, target)
        for kind, name in (
            ("Deployment", "front"),
            ("Service", "front"),
            ("ConfigMap", "settings"),
            ("Secret", "login"),
        )
    }
    found = {kind: copied for kind, copied in copies.items() if copied is not None}
    assert found.keys() == copies.keys()
    assert found["ConfigMap"]["data"] == {"colour": "blue"}
    assert base64.b64decode(found["Secret"]["data"]["password"]).decode() == canary
    assert found["Deployment"]["status"]["readyReplicas"] == 2
    assert found["Service"]["spec"]["ports"][0]["targetPort"] == 8080
    assert all(copied["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "kubemin" for copied in found.values())

    await canaries.look_everywhere(system.stack, system.database)
    answers = [planned.body, run, (await system.call("GET", f"/applications/{namespace}/app")).body]
    assert planned.status == 200
    canaries.look(json.dumps(answers).encode(), "the API", "answers")

    await system.deleted(namespace, "app")
    assert await system.object("ConfigMap", "settings", namespace, target) is None
    assert await system.object("ConfigMap", "settings", namespace) is not None


async def test_sent_again_it_takes_over_what_has_become_of_the_objects(system: System, namespace: str) -> None:
    source, target = system.clusters
    await made(system, namespace, "ConfigMap", "settings", data={"colour": "blue"})
    await made(system, namespace, "Secret", "login", type="Opaque", stringData={"password": "one"})
    document = copying(system, namespace, *FRONT[2:])
    await system.delivered(document)
    same = await system.call("POST", "/applications", text=yaml.safe_dump(document))
    assert (same.status, same.body["changed"], same.body["application"]["generation"]) == (202, False, 1)

    settings = ObjectKey(api_version="v1", kind="ConfigMap", namespace=namespace, name="settings")
    await system.kube[source].patch(settings, {"data": {"colour": "red"}}, field_manager=ADMIN)
    await system.delivered(document)

    copied = await system.object("ConfigMap", "settings", namespace, target)
    assert copied is not None
    assert copied["data"] == {"colour": "red"}
    assert (await system.application(namespace, "app"))["generation"] == 2


async def test_files_at_web_addresses_are_delivered_as_they_are_when_the_document_is_sent(
    system: System, namespace: str, site: Site
) -> None:
    def published(colour: str) -> str:
        settings = manifest("ConfigMap", "settings", data={"colour": colour})
        source = {"configMapRef": {"name": "settings"}}
        container = {"name": "front", "image": "registry.example/front:1", "envFrom": [source]}
        pod = {"metadata": {"labels": {"app": "front"}}, "spec": {"containers": [container]}}
        spec = {"replicas": 1, "selector": {"matchLabels": {"app": "front"}}, "template": pod}
        deployment = manifest("Deployment", "front", api_version="apps/v1", spec=spec)
        return site.has(f"{namespace}.yaml", settings, deployment)

    target = system.clusters[1]
    component = {"name": "copies", "type": "ref-objects", "properties": {"urls": [published("blue")]}}
    document = application(namespace, component, clusters=[target])

    await system.delivered(document)
    await system.healthy(namespace, "app")
    published("red")
    before = await system.object("ConfigMap", "settings", namespace, target)
    await system.delivered(document)
    after = await system.object("ConfigMap", "settings", namespace, target)

    assert [found and found["data"] for found in (before, after)] == [{"colour": "blue"}, {"colour": "red"}]
    fetched = await system.object("Deployment", "front", namespace, target)
    assert fetched is not None
    assert fetched["status"]["readyReplicas"] == 1


async def test_missing_object_and_another_tenants_namespace_are_refused(system: System, namespace: str) -> None:
    missing = copying(system, namespace, {"resource": "configmaps", "name": "nowhere"})
    answer = await system.call("POST", "/applications", text=yaml.safe_dump(missing))
    assert answer.status == 422
    [finding] = answer.body["findings"]
    assert (finding["code"], finding["path"]) == ("ReferenceNotFound", "spec.components[0].properties.objects[0]")

    theirs = copying(system, namespace, {"resource": "secrets", "labelSelector": {}, "namespace": "kube-system"})
    answer = await system.call("POST", "/applications", text=yaml.safe_dump(theirs))
    assert (answer.status, answer.body["code"]) == (403, "NamespaceForbidden")
    assert await Applications(system.database).by_name(namespace, "app") is None


async def test_source_cluster_without_executor_is_an_answer_at_once(system: System, namespace: str) -> None:
    await made(system, namespace, "ConfigMap", "settings", data={"colour": "blue"})
    document = copying(system, namespace, FRONT[2])
    executor = system.stack.services[f"executor-{system.clusters[0]}"]
    await executor.process.stop()
    try:
        answer = await system.call("POST", "/applications", text=yaml.safe_dump(document))
    finally:
        await executor.start()
        await executor.ready()

    assert (answer.status, answer.body["code"]) == (503, "ClusterUnreachable")
    assert "its executor does not answer" in answer.body["detail"]
    assert await Applications(system.database).by_name(namespace, "app") is None

    async def accepted() -> int:
        return (await system.call("POST", "/applications", text=yaml.safe_dump(document))).status

    await system.until(accepted, lambda status: status == 202)
