"""What others make: a run waits for it where the document says so, until then and no longer, and creates nothing."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
import yaml

from dev.services import Service
from shared.contracts.facts import RunPrepared
from shared.contracts.identity import AppUid
from shared.store.archive import Archive
from tests.e2e.system import Document, System, application, component, describe, glimpse, step
from tests.support.replicas import away, frozen

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180, func_only=True)]

WAIT = "kubemin.dev/reference-timeout"
SECRET = {"apiVersion": "v1", "kind": "Secret", "data": {"password": base64.b64encode(b"pw").decode()}}


def needing(namespace: str, *names: str, wait: str = "2m", **more: Any) -> Document:
    """A component that takes its password from each of these Secrets, and another that brings something along."""
    env = [
        {"name": f"PASSWORD_{n}", "valueFrom": {"secretKeyRef": {"name": name, "key": "password"}}}
        for n, name in enumerate(names)
    ]
    settings = {"type": "storage", "properties": {"configMap": [{"name": "settings", "data": {"a": "1"}}]}}
    parts = component("web", env=env, **more), component("other", traits=[settings])
    return application(namespace, *parts, annotations={f"{WAIT}.web": wait})


async def made(system: System, name: str, namespace: str) -> None:
    """As an operator would."""
    manifest = {**SECRET, "metadata": {"name": name, "namespace": namespace}}
    await system.kube[system.clusters[0]].create(manifest, field_manager="operator")


async def waiting(system: System, run: str, name: str = "db") -> Document:
    """The run once its step says that it waits for the Secret."""
    return dict(
        await system.until(lambda: system.run(run), lambda r: f"/{name} does" in glimpse(r, "web").get("message", ""))
    )


async def nothing_created(system: System, namespace: str) -> None:
    for kind, name in (("Deployment", "web"), ("Deployment", "other"), ("ConfigMap", "settings")):
        assert await system.object(kind, name, namespace) is None


async def test_run_waits_and_says_for_what_and_goes_on_when_it_has_come(system: System, namespace: str) -> None:
    run = await system.apply(needing(namespace, "db", "cache"))
    seen = await waiting(system, run)
    web = step(seen, "web")
    assert (seen["phase"], seen["reason"]) == ("Preparing", "ReferenceNotFound"), describe(seen)
    assert (web["phase"], web["reason"]) == ("Waiting", "ReferenceNotFound")
    until = datetime.fromisoformat(web["deadline"])
    assert timedelta(minutes=1) < until - datetime.fromisoformat(seen["accepted_at"]) < timedelta(minutes=4)
    for named in (f"Secret {namespace}/db", "component web", f"waited for until {until:%Y-%m-%d %H:%M:%S} UTC"):
        assert named in web["message"]
    await made(system, "db", namespace)
    await nothing_created(system, namespace)
    with frozen(system.stack.services["planner"]):
        # The executor looks by itself: nobody asks it again.
        await made(system, "cache", namespace)
        await system.until(
            lambda: Archive(system.database).facts(AppUid(seen["uid"])),
            lambda facts: any(isinstance(fact, RunPrepared) for fact in facts),
        )
    ended = await system.ended(run)
    assert ended["phase"] == "Succeeded", describe(ended)
    assert step(ended, "web")["reason"] == ""


async def test_wait_that_is_in_vain_rejects_the_run_and_nothing_was_created(system: System, namespace: str) -> None:
    run = await system.apply(needing(namespace, "db", wait="3s"))
    ended = await system.ended(run)
    web = step(ended, "web")
    assert (ended["phase"], ended["reason"]) == ("Rejected", "ReferenceNotFound"), describe(ended)
    assert (web["phase"], web["reason"]) == ("Rejected", "ReferenceNotFound")
    assert f"Secret {namespace}/db does not exist; component web needs it" in web["message"]
    assert web["message"].endswith("; waited for 3 s in vain")
    assert step(ended, "other")["reason"] == "RunRejected"
    await nothing_created(system, namespace)


async def test_what_may_not_be_waited_for_rejects_at_once(system: System, namespace: str) -> None:
    """Another component's reference has no leave to wait."""
    document = needing(namespace, "db", wait="24h")
    document["spec"]["components"][1]["properties"]["env"] = [
        {"name": "LEVEL", "valueFrom": {"configMapKeyRef": {"name": "absent", "key": "level"}}}
    ]
    ended = await system.ended(await system.apply(document))
    assert ended["phase"] == "Rejected"
    assert {s["step"]: s["reason"] for s in ended["steps"]} == {
        "web": "ReferenceNotFound",
        "other": "ReferenceNotFound",
        "other=configmap=settings": "RunRejected",
    }


@asynccontextmanager
async def killed(service: Service) -> AsyncIterator[None]:
    """The process dies as it stands, and another is started at the end of the scope."""
    await service.process.kill()
    async with away(service):
        yield


@pytest.mark.parametrize("service", ["planner", "executor"])
async def test_wait_survives_a_process_that_dies(system: System, namespace: str, service: str) -> None:
    run = await system.apply(needing(namespace, "db"))
    before = step(await waiting(system, run), "web")["deadline"]
    restarted = system.stack.services[service if service == "planner" else f"executor-{system.clusters[0]}"]
    async with killed(restarted):
        await made(system, "db", namespace)
        held = step(await system.run(run), "web")
        assert (held["phase"], held["deadline"]) == ("Waiting", before)
    ended = await system.ended(run)
    assert ended["phase"] == "Succeeded", describe(ended)


async def test_deadline_counts_on_while_the_planner_is_away(system: System, namespace: str) -> None:
    # Longer than it takes to be told of, on a busy machine too.
    run = await system.apply(needing(namespace, "db", wait="12s"))
    until = datetime.fromisoformat(step(await waiting(system, run), "web")["deadline"])
    async with killed(system.stack.services["planner"]):
        await system.until(_now, lambda now: now > until)
    assert (await system.ended(run))["phase"] == "Rejected"
    await nothing_created(system, namespace)


async def _now() -> datetime:
    return datetime.now().astimezone()


async def test_newer_generation_ends_the_wait_at_once(system: System, namespace: str) -> None:
    held = await system.apply(needing(namespace, "db", wait="24h"))
    await waiting(system, held)
    await system.delivered(application(namespace, component("web")))
    superseded = await system.ended(held)
    assert (superseded["phase"], superseded["reason"]) == ("Cancelled", "Superseded")
    assert step(superseded, "web")["reason"] == "Superseded"


async def test_deletion_ends_the_wait_at_once(system: System, namespace: str) -> None:
    held = await system.apply(needing(namespace, "db", wait="24h"))
    await waiting(system, held)
    await system.deleted(namespace, "app")
    assert (await system.ended(held))["phase"] == "Cancelled"
    await made(system, "db", namespace)
    await nothing_created(system, namespace)


async def test_clusters_wait_side_by_side_and_nothing_is_created_before_the_last(
    system: System, namespace: str
) -> None:
    here, there = system.clusters
    document = needing(namespace, "db")
    document["spec"]["policies"] = [
        {"name": "both", "type": "topology", "properties": {"clusters": [here, there]}},
    ]
    run = await system.apply(document)
    await system.until(
        lambda: system.run(run),
        lambda r: [s["reason"] for s in r.get("steps", []) if s["step"] == "web"] == ["ReferenceNotFound"] * 2,
    )
    await made(system, "db", namespace)
    await system.until(lambda: system.run(run), lambda r: step(r, "web", here)["reason"] == "")
    assert step(await system.run(run), "web", there)["reason"] == "ReferenceNotFound"
    await nothing_created(system, namespace)
    manifest = {**SECRET, "metadata": {"name": "db", "namespace": namespace}}
    await system.kube[there].create(manifest, field_manager="operator")
    ended = await system.ended(run)
    assert ended["phase"] == "Succeeded", describe(ended)


@pytest.mark.parametrize(
    ("key", "value", "code"),
    [
        (WAIT, "soon", "InvalidDuration"),
        (WAIT, "10ms", "InvalidDuration"),
        (f"{WAIT}.web", "25h", "InvalidDuration"),
        (f"{WAIT}.wbe", "1m", "UnknownComponent"),
    ],
)
async def test_bad_wait_is_one_error_with_its_place(
    system: System, namespace: str, key: str, value: str, code: str
) -> None:
    document = application(namespace, component("web"), annotations={key: value})
    answer = await system.call("POST", "/applications", text=yaml.safe_dump(document))
    assert answer.status == 422, json.dumps(answer.body)
    assert [(one["path"], one["code"]) for one in answer.body["findings"]] == [(f'metadata.annotations["{key}"]', code)]
