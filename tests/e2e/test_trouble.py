"""What goes wrong ends in the right phase, with a reason that says what to do."""

import asyncio
from dataclasses import dataclass

import pytest
import yaml

from shared.contracts.identity import ObjectKey
from tests.e2e.system import Document, System, application, component, describe, glimpse, simulate, step

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180, func_only=True)]

SOON = {"kubemin.dev/start-timeout": "20s", "kubemin.dev/run-timeout": "20s"}
"""Long enough for Kubernetes to say why it does not start, and for us to be told, on a busy machine too."""
NEVER_START = {
    "pull": (component("pull", "webservice", **simulate("image-pull-backoff")), {"ImagePullBackOff", "ErrImagePull"}),
    "crash": (component("crash", "webservice", **simulate("crash-loop")), {"CrashLoopBackOff"}),
    "fit": (component("fit", "worker", cpu="100000", memory="64Mi"), {"Unschedulable"}),
}
"""Components, and why they are pending."""


@dataclass(frozen=True)
class Late:
    """A run of what never starts: while it is pending, and at its end."""

    pending: Document
    run: Document


@pytest.fixture(scope="module")
async def late(system: System) -> dict[str, Late]:
    """Their deadlines pass side by side."""
    namespace = await system.enrolled_namespace()

    async def one(name: str) -> Late:
        stuck, reasons = NEVER_START[name]
        run = await system.apply(application(namespace, stuck, name=name, annotations=SOON))
        pending = await system.until(lambda: system.run(run), lambda r: glimpse(r, name).get("reason") in reasons)
        return Late(pending=step(pending, name), run=await system.ended(run))

    return dict(zip(NEVER_START, await asyncio.gather(*map(one, NEVER_START)), strict=True))


async def test_failing_image_times_out_with_kubernetes_own_words(late: dict[str, Late]) -> None:
    run, timed_out = late["pull"].run, step(late["pull"].run, "pull")
    assert late["pull"].pending["phase"] == "Pending"
    assert (run["phase"], timed_out["phase"], timed_out["reason"]) == ("TimedOut", "TimedOut", "StartDeadline")
    assert "ImagePull" in timed_out["message"]
    assert "pull" in run["message"]


async def test_crashing_service_is_pending_with_its_exit_code(late: dict[str, Late]) -> None:
    assert "exited with code 1" in late["crash"].pending["message"]
    run = late["crash"].run
    assert step(run, "crash")["phase"] == "TimedOut"
    assert "CrashLoopBackOff" in step(run, "crash")["message"], describe(run)


async def test_crashing_task_fails_and_what_depends_on_it_is_skipped(system: System, namespace: str) -> None:
    init = component("init", "task", backoffLimit=0, **simulate("exit-3"))
    run = await system.ended(
        await system.apply(application(namespace, init, component("web", after=["init"]), component("other")))
    )
    failed, skipped = step(run, "init"), step(run, "web")
    assert (run["phase"], failed["phase"]) == ("Failed", "Failed"), describe(run)
    assert failed["reason"] in ("BackoffLimitExceeded", "ContainerFailed")
    assert "3" in failed["message"]
    assert (skipped["phase"], skipped["reason"]) == ("Skipped", "DependencyNotSucceeded")
    assert step(run, "other")["phase"] == "Succeeded"
    assert await system.object("Deployment", "web", namespace) is None


async def test_task_that_ran_out_of_memory_says_so(system: System, namespace: str) -> None:
    init = component("init", "task", backoffLimit=0, **simulate("oom-killed"))
    run = await system.ended(await system.apply(application(namespace, init)))
    assert (step(run, "init")["phase"], step(run, "init")["reason"]) == ("Failed", "OOMKilled"), describe(run)


async def test_failed_task_runs_again_when_it_is_wanted_again(system: System, namespace: str) -> None:
    document = application(namespace, component("init", "task", backoffLimit=0, **simulate("exit-1")))
    first = await system.ended(await system.apply(document))
    answer = await system.call("POST", "/applications", text=yaml.safe_dump(document))
    assert answer.body["changed"] is True
    second = await system.ended(str(answer.body["run"]))
    assert (first["steps"][0]["attempt"], second["steps"][0]["attempt"]) == (1, 2)
    names = [r["steps"][0]["objects"][0]["key"]["name"] for r in (first, second)]
    assert names[0] != names[1]


async def test_unschedulable_pod_is_pending_with_the_schedulers_words_until_its_deadline(late: dict[str, Late]) -> None:
    pending, run = late["fit"].pending, late["fit"].run
    assert pending["phase"] == "Pending"
    assert "Insufficient cpu" in pending["message"]
    assert (step(run, "fit")["phase"], step(run, "fit")["reason"]) == ("TimedOut", "StartDeadline")
    assert "Insufficient cpu" in step(run, "fit")["message"]


async def test_missing_secret_rejects_the_run_before_anything_is_created(system: System, namespace: str) -> None:
    env = [{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "absent", "key": "password"}}}]
    document = application(namespace, component("web", "webservice", env=env), component("other"))
    run = await system.ended(await system.apply(document))
    rejected = step(run, "web")
    assert (run["phase"], rejected["phase"], rejected["reason"]) == ("Rejected", "Rejected", "ReferenceNotFound")
    assert "Secret" in rejected["message"]
    assert "absent" in rejected["message"]
    assert await system.object("Deployment", "other", namespace) is None


async def test_secret_that_the_plan_brings_along_is_no_missing_reference(system: System, namespace: str) -> None:
    storage = {
        "type": "storage",
        "properties": {"secret": [{"name": "fresh", "mountPath": "/s", "stringData": {"password": "pw"}}]},
    }
    env = [{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "fresh", "key": "password"}}}]
    await system.delivered(
        application(namespace, component("a", traits=[storage]), component("web", "webservice", env=env))
    )


async def test_namespace_that_is_not_enrolled_is_rejected_with_the_remedy(system: System, namespace: str) -> None:
    account = ObjectKey(api_version="v1", kind="ServiceAccount", namespace=namespace, name="kubemin-tenant")
    await system.kube[system.clusters[0]].delete(account)
    run = await system.ended(await system.apply(application(namespace, component("web"))))
    assert (run["phase"], run["reason"]) == ("Rejected", "NamespaceNotEnrolled"), describe(run)


async def test_newer_generation_supersedes_one_that_is_stuck(system: System, namespace: str) -> None:
    stuck = await system.apply(application(namespace, component("web", "webservice", **simulate("image-pull-backoff"))))
    await system.until(lambda: system.run(stuck), lambda r: glimpse(r, "web").get("phase") == "Pending")
    await system.delivered(application(namespace, component("web", "webservice", image="registry.example/good:1")))
    superseded = await system.ended(stuck)
    assert (superseded["phase"], superseded["reason"]) == ("Cancelled", "Superseded")


def left_alone(namespace: str) -> Document:
    """An application whose objects are not made again: what is missing stays so."""
    document = application(namespace, component("web"))
    document["spec"]["policies"] = [{"name": "once", "type": "apply-once", "properties": {"enable": True}}]
    return document


async def test_object_deleted_behind_our_back_shows_as_missing(system: System, namespace: str) -> None:
    await system.delivered(left_alone(namespace))
    deployment = ObjectKey(api_version="apps/v1", kind="Deployment", namespace=namespace, name="web")
    await system.kube[system.clusters[0]].delete(deployment)
    await system.until(lambda: system.application(namespace, "app"), lambda a: a["health"] == "Missing")


async def test_object_deleted_while_nobody_watches_shows_as_missing(system: System, namespace: str) -> None:
    await system.delivered(left_alone(namespace))
    await system.healthy(namespace, "app")
    cluster = system.clusters[0]
    observer = system.stack.services[f"observe-{cluster}"]
    await observer.process.stop()
    deployment = ObjectKey(api_version="apps/v1", kind="Deployment", namespace=namespace, name="web")
    await system.kube[cluster].delete(deployment)
    await observer.start()
    await observer.ready()
    missing = await system.until(lambda: system.application(namespace, "app"), lambda a: a["health"] == "Missing")
    assert "nobody watched" in str(missing["steps"])
