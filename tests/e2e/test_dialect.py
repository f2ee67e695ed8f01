"""A document in KubeMin-Cli's JSON dialect, from the door to the cluster."""

import base64
import json
import secrets

import pytest

from tests.e2e.system import Document, System, step

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180, func_only=True)]


def a_shop(namespace: str, password: str) -> Document:
    """Settings, credentials, a database and a site, each after the one before."""
    storage = {"name": "data", "type": "persistent", "mountPath": "/data", "tmpCreate": True, "size": "1Gi"}
    return {
        "name": "shop",
        "namespace": namespace,
        "component": [
            {
                "name": "web",
                "type": "webservice",
                "image": "registry.example/web:1",
                "properties": {"ports": [{"port": 80}], "env": {"DB": "db:5432"}},
                "traits": {
                    "envFrom": [{"type": "configMap", "sourceName": "settings"}],
                    "ingress": [
                        {"tls": [{"secretName": "certificate"}], "routes": [{"backend": {"serviceName": "web"}}]}
                    ],
                },
            },
            {
                "name": "db",
                "type": "store",
                "image": "registry.example/db:1",
                "properties": {"ports": [{"port": 5432}]},
                "traits": {"storage": [storage], "envFrom": [{"type": "secret", "sourceName": "keys"}]},
            },
            {"name": "keys", "type": "secret", "properties": {"secret": {"password": password}}},
            {"name": "settings", "type": "config", "properties": {"conf": {"level": "info"}}},
        ],
        "workflow": [
            {"name": "prepare", "components": ["settings"], "subSteps": [{"name": "keys"}]},
            {"name": "db"},
            {"name": "site", "mode": "DAG", "properties": {"policies": ["web"]}},
        ],
    }


async def test_document_in_the_dialect_is_delivered_in_the_order_of_its_workflow(
    system: System, namespace: str
) -> None:
    password = f"canary-{secrets.token_hex(12)}"
    document = a_shop(namespace, password)
    run = await system.delivered(json.dumps(document))
    assert {one["phase"] for one in run["steps"]} == {"Succeeded"}
    order = ["settings", "keys", "db", "web"]
    for name, before in zip(order[1:], order, strict=False):
        assert before in step(run, name)["depends_on"]
        assert step(run, name)["started_at"] >= step(run, before)["ended_at"]
    secret = await system.object("Secret", "keys", namespace)
    assert secret is not None
    assert base64.b64decode(secret["data"]["password"]).decode() == password
    store = await system.object("StatefulSet", "db", namespace)
    assert store is not None
    assert [one["metadata"]["name"] for one in store["spec"]["volumeClaimTemplates"]] == ["data"]
    for kind, name in (("Deployment", "web"), ("Service", "web"), ("Service", "db"), ("ConfigMap", "settings")):
        assert await system.object(kind, name, namespace) is not None
    (warning,) = run["warnings"]
    assert warning["message"].startswith(f"on {system.clusters[0]}: Secret {namespace}/certificate does not exist")
    assert warning["path"] == "component[0].traits.ingress[0].tls[0].secretName"
    assert password not in json.dumps((await system.call("GET", f"/applications/{namespace}/shop")).body)


async def test_changed_document_in_the_dialect_is_rolled_out(system: System, namespace: str) -> None:
    document = a_shop(namespace, "x")
    await system.delivered(json.dumps(document))
    answer = await system.call("POST", "/applications", text=json.dumps(document))
    assert (answer.status, answer.body["changed"]) == (202, False)
    document["component"][1]["replicas"] = 2
    document["component"][0]["image"] = "registry.example/web:2"
    run = await system.delivered(json.dumps(document))
    assert {one["phase"] for one in run["steps"]} == {"Succeeded"}
    store = await system.object("StatefulSet", "db", namespace)
    assert store is not None
    assert store["spec"]["replicas"] == 2
