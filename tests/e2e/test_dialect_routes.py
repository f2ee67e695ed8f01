"""What a client of KubeMin-Cli does with an application: create, start, ask, change, reorder, delete."""

import json

import pytest

from tests.e2e.system import Answer, Document, System

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180, func_only=True)]


async def post(system: System, path: str, body: Document, method: str = "POST") -> Document:
    answer: Answer = await system.call(method, path, text=json.dumps(body))
    assert answer.status in (200, 202), answer.body
    return dict(answer.body)


async def completed(system: System, task: str) -> Document:
    """Wait until a task is completed."""

    async def status() -> Document:
        return dict((await system.call("GET", f"/workflow/tasks/{task}/status")).body)

    return dict(await system.until(status, lambda one: one["status"] == "completed"))


async def test_client_of_that_project_finds_its_way(system: System, namespace: str) -> None:
    web = {"name": "web", "type": "webservice", "image": "registry.example/web:1"}
    keys = {"name": "keys", "type": "secret", "properties": {"secret": {"k": "v"}}}
    document: Document = {"name": "shop", "namespace": namespace, "version": "1.0", "component": [keys, web]}
    assert (await post(system, "/applications/try", document))["valid"]
    created = await post(system, "/applications", document)
    a, start = f"/applications/{created['id']}", {"workflow_id": created["workflow_id"]}
    task = (await post(system, f"{a}/workflow/exec", start))["task_id"]
    done = await completed(system, task)
    assert {one["name"]: (one["type"], one["status"]) for one in done["components"]} == {
        "keys": ("secret", "completed"),
        "web": ("webservice", "completed"),
    }
    assert all(one["start_time"] and one["end_time"] and not one["error"] for one in done["components"])
    assert (await post(system, f"{a}/workflow/exec", start))["task_id"] == task
    cancelled = await post(system, f"{a}/workflow/cancel", {"task_id": task, "user": "ann"})
    assert cancelled == {"task_id": task, "status": "completed"}

    api = {"name": "api", "action": "add", "type": "webservice", "image": "registry.example/api:1"}
    body = {"version": "1.1", "components": [{"name": "web", "replicas": 2, "env": {"A": "b"}}, api]}
    version = await post(system, f"{a}/version", body)
    assert (version["previous_version"], version["added_components"]) == ("1.0", ["api"])
    await completed(system, version["task_id"])
    deployment = await system.object("Deployment", "web", namespace)
    assert deployment is not None
    assert deployment["spec"]["replicas"] == 2
    assert await system.object("Deployment", "api", namespace) is not None
    secret = await system.object("Secret", "keys", namespace)
    assert secret is not None
    assert secret["data"] == {"k": "dg=="}

    removed = {"version": "1.2", "components": [{"name": "web", "action": "remove"}]}
    await completed(system, (await post(system, f"{a}/version", removed))["task_id"])
    assert await system.object("Deployment", "web", namespace) is None
    order = {"workflow": [{"name": "api"}, {"name": "keys"}]}
    await completed(system, (await post(system, f"{a}/workflow", order, "PUT"))["task_id"])
    [workflow] = (await system.call("GET", f"{a}/workflows")).body["workflows"]
    assert [one["name"] for one in workflow["steps"]] == ["api", "keys"]
    told = (await system.call("GET", f"{a}/components")).body["components"]
    assert [(one["name"], one["type"]) for one in told] == [("keys", "secret"), ("api", "webservice")]

    gone = (await system.call("DELETE", f"{a}/resources")).body
    assert set(gone["deleted_resources"]) == {"Secret/keys", "Deployment/api"}
    await system.until(lambda: system.application(namespace, "shop"), lambda one: not one or one["phase"] == "Deleted")
    assert await system.object("Deployment", "api", namespace) is None
