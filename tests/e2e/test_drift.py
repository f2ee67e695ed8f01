"""Drift: what others change or delete of a delivered application is set back, unless it is theirs to change."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from shared.contracts.identity import ObjectKey
from shared.kube import GroupVersionKind
from tests.e2e.system import Document, System, application, component, step

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180, func_only=True)]

EDITOR = "kubectl-edit"
PORTS = [{"port": 80, "expose": True}]
QUIET_S = 6.0
"""Longer than what drifts is watched before it is set back for the first and the second time: 2 and 4 s."""
SETTLED_WITHIN_S = 60.0


def web(**properties: Any) -> Document:
    """A component with a Deployment and a Service."""
    return component("web", "webservice", ports=PORTS, env=[{"name": "MODE", "value": "safe"}], **properties)


def scaled(replicas: int = 1) -> Document:
    """The component with a number of replicas that is ours."""
    return {**web(), "traits": [{"type": "scaler", "properties": {"replicas": replicas}}]}


def once(*rules: Document) -> Document:
    return {"name": "once", "type": "apply-once", "properties": {"enable": True, "rules": list(rules)}}


def left(path: str, affect: str = "") -> Document:
    strategy = {"path": [path], "affect": affect}
    return {"selector": {"resourceTypes": ["Deployment"]}, "strategy": strategy}


def key(kind: str, namespace: str, name: str = "web") -> ObjectKey:
    api_version = "v1" if kind == "Service" else "apps/v1"
    return ObjectKey(api_version=api_version, kind=kind, namespace=namespace, name=name)


async def edit(system: System, namespace: str, spec: Document) -> None:
    """Change the Deployment as somebody with kubectl does."""
    kube = system.kube[system.clusters[0]]
    await kube.patch(key("Deployment", namespace), {"spec": spec}, field_manager=EDITOR)


async def deployed(system: System, namespace: str) -> Document:
    found = await system.object("Deployment", "web", namespace)
    return dict(found["spec"]) if found is not None else {}


def container(spec: Document) -> Document:
    found: list[Document] = spec["template"]["spec"]["containers"]
    return found[0]


def with_container(spec: Document, **changes: Any) -> Document:
    changed = {**container(spec), **changes}
    return {"template": {"spec": {"containers": [changed]}}}


async def converged(system: System, namespace: str, words: str) -> None:
    """Wait until what was set back is told, and all is well again."""

    def well(app: Document) -> bool:
        shown = step(app, "web")
        return app["health"] == "Healthy" and not shown["reason"] and words in shown["message"]

    await system.until(lambda: system.application(namespace, "app"), well)


@asynccontextmanager
async def quiet(system: System, namespace: str, *, late: int = 0) -> AsyncIterator[None]:
    """Fails where a command is sent, but for so many that are late, and unless soon nothing changes for a while.

    What was there before may still be being told, in the words of what was set back before.
    """

    async def state() -> tuple[object, ...]:
        kube = system.kube[system.clusters[0]]
        live = [await kube.find(key(kind, namespace)) for kind in ("Deployment", "Service")]
        written = [(o["metadata"].get("generation"), _ours(o)) for o in live if o is not None]
        app = await system.application(namespace, "app")
        return written, app["run"]["n"], await commands_of(system, namespace)

    sent = await commands_of(system, namespace)
    yield
    clock = asyncio.get_running_loop().time
    seen, since = await state(), clock()

    async def quiet_s() -> float:
        nonlocal seen, since
        now = await state()
        if now != seen:
            seen, since = now, clock()
        return clock() - since

    await system.until(quiet_s, lambda passed_s: passed_s >= QUIET_S, timeout_s=SETTLED_WITHIN_S, every_s=QUIET_S / 8)
    assert await commands_of(system, namespace) <= sent + late


def _ours(live: Document) -> list[Document]:
    return [e for e in live["metadata"]["managedFields"] if e["manager"].startswith("kubemin:")]


async def commands_of(system: System, namespace: str) -> int:
    """How many commands the planner has ever sent for the application."""
    app = await system.application(namespace, "app")
    return len(await system.database.find("commands", {"uid": app["uid"]}))


async def test_foreign_edits_are_set_back_without_a_new_generation(system: System, namespace: str) -> None:
    run = await system.delivered(application(namespace, web()))
    wanted = await deployed(system, namespace)
    await edit(system, namespace, with_container(wanted, image="registry.example/evil:9"))
    await system.until(lambda: deployed(system, namespace), lambda spec: spec == wanted)
    await converged(system, namespace, f"drift was set back 1 time, taken from {EDITOR}")
    await edit(system, namespace, with_container(wanted, env=[{"name": "MODE", "$patch": "delete"}]))
    await edit(system, namespace, with_container(wanted, env=None))
    await system.until(lambda: deployed(system, namespace), lambda spec: spec == wanted)
    await converged(system, namespace, "drift was set back")
    kube = system.kube[system.clusters[0]]
    service = await kube.get(key("Service", namespace))
    await kube.delete(key("Service", namespace))

    async def another() -> Document | None:
        return await kube.find(key("Service", namespace))

    again = await system.until(another, lambda found: found is not None)
    assert again["metadata"]["uid"] != service["metadata"]["uid"]
    assert again["spec"]["ports"] == service["spec"]["ports"]
    await converged(system, namespace, "drift was set back")
    app = await system.application(namespace, "app")
    assert (app["generation"], app["run"]["run"], app["run"]["phase"]) == (1, run["run"], "Succeeded")
    # One that nobody has answered yet is sent again.
    async with quiet(system, namespace, late=1):
        pass


async def test_label_that_was_taken_off_comes_back(system: System, namespace: str) -> None:
    await system.delivered(application(namespace, web()))
    kube = system.kube[system.clusters[0]]
    labels = {"metadata": {"labels": {"app.kubernetes.io/managed-by": None}}}
    await kube.patch(key("Deployment", namespace), labels, field_manager=EDITOR)

    async def labelled() -> str:
        found = await kube.get(key("Deployment", namespace))
        return str(found["metadata"]["labels"].get("app.kubernetes.io/managed-by"))

    await system.until(labelled, lambda label: label == "kubemin")
    await converged(system, namespace, "drift was set back 1 time")


async def test_two_that_fight_are_told_and_make_no_storm(system: System, namespace: str) -> None:
    await system.delivered(application(namespace, web(), annotations={"kubemin.dev/start-timeout": "1m"}))
    wanted = await deployed(system, namespace)
    theirs = with_container(wanted, image="registry.example/theirs:1")

    async def fight() -> Document:
        if await deployed(system, namespace) == wanted:
            await edit(system, namespace, theirs)
        return await system.application(namespace, "app")

    def beaten(app: Document) -> bool:
        shown = step(app, "web")
        return shown["reason"] == "Drifted" and "set back 3 times" in shown["message"]

    app = await system.until(fight, beaten)
    shown = step(app, "web")
    assert (app["health"], shown["phase"], EDITOR in shown["message"]) == ("Degraded", "Succeeded", True)
    assert "Deployment" in shown["message"]
    # Settling, then 2, 4 and 8 s, and again what was not answered soon: not many times a second.
    applied = [c for c in await system.database.find("commands", {"uid": app["uid"]}) if c["type"] == "ApplyStep"]
    assert len(applied) <= 2 * (1 + 4)
    await system.until(lambda: deployed(system, namespace), lambda spec: spec == wanted)
    # Three times, where the third was told before it was seen and fought.
    await converged(system, namespace, "drift was set back")


@pytest.mark.parametrize("affect", ["", "onStateKeep"])
async def test_field_that_is_left_to_others_stays_as_they_set_it(system: System, namespace: str, affect: str) -> None:
    document = application(namespace, scaled())
    document["spec"]["policies"] = [once(left("spec.replicas", affect))]
    await system.delivered(document)
    await edit(system, namespace, {"replicas": 3})
    await system.healthy(namespace, "app")
    async with quiet(system, namespace):
        pass
    wanted = await deployed(system, namespace)
    assert wanted["replicas"] == 3
    await edit(system, namespace, with_container(wanted, image="registry.example/evil:9"))
    await system.until(lambda: deployed(system, namespace), lambda spec: spec == wanted)
    await converged(system, namespace, "drift was set back 1 time")


async def test_field_that_is_left_to_others_in_updates_alone_is_set_back(system: System, namespace: str) -> None:
    document = application(namespace, scaled())
    document["spec"]["policies"] = [once(left("spec.replicas", "onUpdate"))]
    await system.delivered(document)
    await edit(system, namespace, {"replicas": 3})
    await system.until(lambda: deployed(system, namespace), lambda spec: spec["replicas"] == 1)
    await converged(system, namespace, "drift was set back 1 time")


async def test_whole_application_that_is_applied_once_is_left_alone(system: System, namespace: str) -> None:
    document = application(namespace, scaled())
    document["spec"]["policies"] = [once()]
    await system.delivered(document)
    await edit(system, namespace, {"replicas": 3})
    kube = system.kube[system.clusters[0]]
    await kube.delete(key("Service", namespace))
    async with quiet(system, namespace):
        await system.until(lambda: system.application(namespace, "app"), lambda app: app["health"] == "Missing")
    assert (await deployed(system, namespace))["replicas"] == 3
    assert await kube.find(key("Service", namespace)) is None


async def test_autoscaler_and_finished_job_are_left_alone(system: System, namespace: str) -> None:
    autoscaled = {**web(), "traits": [{"type": "hpa", "properties": {"min": 1, "max": 5}}]}
    task = component("task", "task", cmd=["true"])
    await system.delivered(application(namespace, autoscaled, task))
    kube = system.kube[system.clusters[0]]
    (job,) = await jobs(system, namespace)
    # As an autoscaler does, which nothing of ours asks for the number of replicas.
    await edit(system, namespace, {"replicas": 4})
    await kube.delete(ObjectKey.of(job))
    async with quiet(system, namespace):
        await system.until(lambda: deployed(system, namespace), lambda spec: spec["replicas"] == 4)
    assert await jobs(system, namespace) == []


async def jobs(system: System, namespace: str) -> list[Document]:
    """The Jobs of a namespace."""
    kube, kind = system.kube[system.clusters[0]], GroupVersionKind("batch/v1", "Job")
    listed = [job async for page in kube.list_pages(kind, namespace=namespace) for job in page.objects]
    return [{**job, "apiVersion": "batch/v1", "kind": "Job"} for job in listed]


async def test_what_was_changed_and_deleted_while_no_agent_ran_is_set_back(system: System, namespace: str) -> None:
    await system.delivered(application(namespace, web()))
    wanted = await deployed(system, namespace)
    kube, cluster = system.kube[system.clusters[0]], system.clusters[0]
    names = [f"observe-{cluster}", f"executor-{cluster}", "planner"]
    for name in names:
        await system.stack.services[name].process.stop()
    await edit(system, namespace, with_container(wanted, image="registry.example/evil:9"))
    await kube.delete(key("Service", namespace))
    for name in names:
        await system.stack.services[name].start()
    await system.until(lambda: deployed(system, namespace), lambda spec: spec == wanted)
    await system.until(lambda: kube.find(key("Service", namespace)), lambda found: found is not None)
    await converged(system, namespace, "drift was set back")
