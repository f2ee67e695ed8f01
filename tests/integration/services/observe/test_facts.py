"""What an observer states of objects, against the simulator and the real control plane: one for all of these tests."""

import json
from collections.abc import AsyncIterator
from functools import partial
from itertools import pairwise
from pathlib import Path

import pytest

from shared.contracts import subjects
from shared.contracts.annotations import ANNOTATION_RULE, field_manager
from shared.contracts.facts import (
    ObjectVanished,
    Observation,
    PodPhase,
    PodsObserved,
    Progress,
    StepFailed,
    StepProgressed,
    StepSucceeded,
)
from shared.contracts.identity import ObjectKey, StepId
from shared.contracts.managed import applied_fields
from shared.contracts.nudge import Nudge
from shared.contracts.phases import Reason
from shared.kube import KubeApi
from tests.support.bus import BusStack, bus_stack
from tests.support.clusters import ADMIN, RunningCluster, key
from tests.support.conditions import until
from tests.support.observers import CLUSTER, LASTING, App, Observers, Told, reading
from tests.support.workloads import a_config_map, a_deployment, a_job, a_secret

pytestmark = pytest.mark.usefixtures("observers")


@pytest.fixture(scope="module")
def directory(cluster: RunningCluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp(cluster.name)


@pytest.fixture(scope="module")
async def bus(directory: Path) -> AsyncIterator[BusStack]:
    async with bus_stack(directory / "nats", CLUSTER) as stack:
        yield stack


@pytest.fixture(scope="module")
async def told(bus: BusStack) -> AsyncIterator[Told]:
    async with reading(bus) as told:
        yield told


@pytest.fixture(scope="module")
async def observers(bus: BusStack, cluster: RunningCluster, directory: Path) -> AsyncIterator[Observers]:
    """One, which leads: where a stack has its Lease, on the same cluster, another may lead."""
    running = Observers(bus, cluster, "default", directory)
    try:
        await running.start(**LASTING)
        yield running
    finally:
        await running.stop()


def succeeded(fact: Observation) -> bool:
    return isinstance(fact, StepSucceeded)


async def test_a_deployment_is_followed_until_it_is_there_and_beyond(
    app: App, kube: KubeApi, told: Told, cluster: RunningCluster
) -> None:
    applied = await app.apply(a_deployment(replicas=2))
    done = await app.seen(succeeded)
    assert done.object_uid == applied["metadata"]["uid"]
    assert (done.progress, done.metadata_generation) == (Progress(ready=2, desired=2), 1)
    before = app.facts()[: app.facts().index(done)]
    assert all(isinstance(fact, StepProgressed) for fact in before)
    assert all(later.order.later_than(earlier.order) for earlier, later in pairwise(app.facts()))

    def shown_ready() -> list[PodsObserved]:
        ours = [p for p in told.pods if p.uid == app.uid]
        return [p for p in ours if p.total == 2 and all(pod.ready for pod in p.pods)]

    await until(lambda: bool(shown_ready()))
    shown = shown_ready()[-1]
    assert shown.step == "web"
    assert {pod.phase for pod in shown.pods} == {PodPhase.RUNNING}
    await until(lambda: bool(told.beats))
    assert (told.beats[-1].part, told.beats[-1].simulated) == ("observe", cluster.name == "sim")
    system = await kube.get(key("Namespace", "kube-system"))
    assert told.beats[-1].incarnation == done.order.incarnation == system["metadata"]["uid"]

    await kube.delete(key("Deployment", "web", app.namespace, "apps/v1"))
    gone = await app.seen(lambda fact: isinstance(fact, ObjectVanished))
    assert gone.reason is Reason.VANISHED
    assert gone.order.later_than(done.order)


@pytest.mark.parametrize(
    ("simulate", "reason", "words", "started"),
    [
        ("image-pull-backoff", Reason.IMAGE_PULL_BACK_OFF, "web:1", False),
        ("crash-loop", Reason.CRASH_LOOP_BACK_OFF, 'container "app" exited with code 1', True),
        ("oom-killed", Reason.OOM_KILLED, "OOMKilled (exit code 137)", True),
        ("never-ready", Reason.NOT_READY, "not ready", True),
    ],
)
async def test_a_deployment_that_cannot_become_ready_says_why(
    app: App, simulate: str, reason: Reason, words: str, *, started: bool
) -> None:
    await app.apply(a_deployment(simulate=simulate))
    fact = await app.seen(lambda fact: fact.reason is reason)
    assert isinstance(fact, StepProgressed)
    assert fact.started is started
    assert words in fact.message


async def test_an_unschedulable_pod_is_told_in_the_schedulers_words(app: App) -> None:
    await app.apply(a_deployment(cpu="1000000"))
    fact = await app.seen(lambda fact: fact.reason is Reason.UNSCHEDULABLE)
    assert isinstance(fact, StepProgressed)
    assert not fact.started
    assert fact.message.startswith("0/")
    assert "Insufficient cpu" in fact.message


@pytest.mark.parametrize(
    ("simulate", "reason", "words"),
    [
        ("exit-3", Reason.BACKOFF_LIMIT_EXCEEDED, 'container "app" exited with code 3'),
        ("oom-killed", Reason.OOM_KILLED, 'container "app" was OOMKilled (exit code 137)'),
    ],
)
async def test_a_task_that_fails_says_how(app: App, simulate: str, reason: Reason, words: str) -> None:
    await app.apply(a_job(simulate=simulate), step="task")
    fact = await app.seen(lambda fact: isinstance(fact, StepFailed), "task")
    assert fact.reason is reason
    assert words in fact.message


async def test_a_task_runs_and_succeeds(app: App) -> None:
    await app.apply(a_job(), step="task")
    done = await app.seen(succeeded, "task")
    assert done.progress == Progress(ready=1, desired=1)
    assert any(isinstance(fact, StepProgressed) and fact.started for fact in app.facts("task"))


async def test_values_of_secrets_are_neither_told_nor_logged(observers: Observers, app: App, told: Told) -> None:
    await app.apply(a_secret(password="canary-5f3a"), step="web=secret=password")
    await app.seen(succeeded, "web=secret=password")
    assert "canary" not in json.dumps([fact.model_dump(mode="json") for fact in told.facts])
    assert "canary" not in observers.log(0)


async def test_a_copy_of_an_object_of_ours_is_left_alone(app: App, kube: KubeApi) -> None:
    ours = await app.apply(a_config_map(color="blue"))
    await app.seen(succeeded)
    copy = {**a_config_map("copy"), "metadata": {**ours["metadata"], "name": "copy"}}
    for field in ("uid", "resourceVersion", "managedFields", "creationTimestamp"):
        copy["metadata"].pop(field)
    await kube.create(copy, field_manager=ADMIN)
    await app.apply(a_config_map("later"), step="later")
    await app.seen(succeeded, "later")
    assert {fact.key.name for fact in app.facts()} == {"settings"}


async def test_a_nudge_has_the_facts_of_its_step_stated_again(app: App, bus: BusStack) -> None:
    agent = await bus.connect(f"cluster-{CLUSTER}")
    await app.apply(a_config_map())
    first = await app.seen(succeeded)
    nudge = Nudge(app=app.ref, uid=app.uid, step=StepId("web"), kinds=("v1/ConfigMap",))
    await agent.publish_core(subjects.nudge(CLUSTER), nudge)
    again = await app.seen(lambda fact: fact.order.later_than(first.order))
    assert (type(again), again.object_uid, again.digest) == (type(first), first.object_uid, first.digest)


async def test_a_rule_that_cannot_be_read_is_told(app: App, kube: KubeApi) -> None:
    settings = ObjectKey.of(await app.apply(a_config_map()))
    await app.seen(succeeded)
    newer = {"metadata": {"annotations": {ANNOTATION_RULE: '{"success": {"op": "newer"}}'}}}
    await kube.patch(settings, newer, field_manager="kubectl-edit")
    fact = await app.seen(lambda fact: fact.reason is Reason.UNSUPPORTED)
    assert isinstance(fact, StepProgressed)
    assert "cannot read the completion rule of the ConfigMap" in fact.message


async def test_a_kind_that_only_a_nudge_names_is_followed(app: App, bus: BusStack) -> None:
    agent = await bus.connect(f"cluster-{CLUSTER}")
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "reader"}, "rules": []}
    await app.apply(role)
    kinds = ("rbac.authorization.k8s.io/v1/Role",)
    await agent.publish_core(subjects.nudge(CLUSTER), Nudge(app=app.ref, uid=app.uid, step=StepId("web"), kinds=kinds))
    assert (await app.seen(succeeded)).key.kind == "Role"


def _is_as_applied(key_: ObjectKey, fields: str, fact: Observation) -> bool:
    return succeeded(fact) and (fact.key, fact.fields) == (key_, fields)


async def test_what_others_take_of_an_object_is_told_and_what_they_add_is_not(app: App, kube: KubeApi) -> None:
    applied = [await app.apply(a_config_map(mode="safe")), await app.apply(a_deployment(replicas=1))]
    ours = {obj["kind"]: applied_fields(obj, field_manager(app.uid)) for obj in applied}
    for obj in applied:
        await app.seen(partial(_is_as_applied, ObjectKey.of(obj), ours[obj["kind"]]))
    before = len(app.facts())
    settings, web = (ObjectKey.of(obj) for obj in applied)
    await kube.patch(settings, {"data": {"theirs": "x"}}, field_manager="kubectl-edit")
    await kube.patch(web, {"spec": {"replicas": 2}}, field_manager="kubectl-edit")
    await app.seen(lambda fact: fact.key == web and fact.fields not in ("", ours["Deployment"]))
    assert all(fact.key == web for fact in app.facts()[before:])
    await kube.patch(settings, {"data": {"mode": "theirs"}}, field_manager="kubectl-edit")
    await app.seen(lambda fact: fact.key == settings and fact.fields not in ("", ours["ConfigMap"]))
