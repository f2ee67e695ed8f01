"""A user cancels a run: its task stops, what serves goes on, and the same document runs the task once more."""

import json

import pytest

from shared.kube import GroupVersionKind
from tests.e2e.system import Document, System, application, component, glimpse, simulate, step

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]


async def works(system: System, run: str) -> Document:
    """Wait until the task works and the service is ready."""
    return dict(
        await system.until(
            lambda: system.run(run),
            lambda r: [glimpse(r, name).get("phase") for name in ("web", "load")] == ["Succeeded", "Running"],
        )
    )


async def names(system: System, namespace: str, kind: GroupVersionKind) -> list[str]:
    """Objects that belong to the task."""
    found = await system.kube[system.clusters[0]].list_objects(kind, namespace=namespace)
    return [o["metadata"]["name"] for o in found.objects if o["metadata"]["name"].startswith("load-")]


async def test_cancelled_task_is_gone_and_runs_once_more_when_it_is_wanted_again(
    system: System, namespace: str
) -> None:
    job, pod = GroupVersionKind("batch/v1", "Job"), GroupVersionKind("v1", "Pod")
    document = application(namespace, component("web"), component("load", "task", **simulate("hang")))
    run = await system.apply(document)
    await works(system, run)
    (first,) = await names(system, namespace, job)
    assert await names(system, namespace, pod)
    web = await system.object("Deployment", "web", namespace)
    assert web is not None

    body = json.dumps({"run": run, "reason": "not tonight"})
    answer = await system.call("POST", f"/applications/{namespace}/app/cancel", text=body)
    assert (answer.status, answer.body["run"]) == (202, run), answer.body
    ended = await system.ended(run)
    assert (ended["phase"], ended["reason"]) == ("Cancelled", "Requested")
    assert ended["message"].endswith(": not tonight")
    assert [step(ended, name)["phase"] for name in ("web", "load")] == ["Succeeded", "Cancelled"]
    await system.until(lambda: names(system, namespace, job), lambda found: not found)
    await system.until(lambda: names(system, namespace, pod), lambda found: not found)
    await system.healthy(namespace, "app")
    late = await system.call("POST", f"/applications/{namespace}/app/cancel")
    assert (late.status, late.body["code"]) == (409, "NoRunUnderWay")

    again = await system.apply(document)
    assert again != run
    await works(system, again)
    (second,) = await names(system, namespace, job)
    assert (second.rpartition("-")[0], second.rpartition("-")[2]) == (first.rpartition("-")[0], "2")
    kept = await system.object("Deployment", "web", namespace)
    assert kept is not None
    assert kept["metadata"]["uid"] == web["metadata"]["uid"]
