"""Every component type and trait, with all of its parameters, from the door to a real control plane, until it is done.

The documents are the golden files. All are delivered at once, a few at a time, and each test looks at what came of one.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dev.enrolment import enrol
from dev.layout import TENANT
from shared.contracts.completion import read_path
from shared.contracts.identity import ObjectKey
from shared.contracts.plan import Manifest
from shared.jobtypes.builtin import BUILTIN
from shared.kube import KubeApi
from shared.store.registry import Registry
from tests.e2e import surroundings
from tests.e2e.system import Document, System, application, describe
from tests.e2e.system import component as a_component
from tests.support import goldens
from tests.support.definitions import KEDA, downloaded
from tests.support.planning import planned

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180, func_only=True),
    pytest.mark.parametrize("system", [pytest.param("plane", marks=pytest.mark.plane)], indirect=True),
]

AT_ONCE = 12
ASKED_EVERY_S = 0.5
"""As many as are under way ask side by side, and asking is work too."""
DEADLINES = {"kubemin.dev/start-timeout": "90s"}
NEEDS_KEDA = "trait-keda-auto-scaler"
COPIED = "ref-objects"
"""Made of what lives in a cluster: `test_copying` delivers it."""
PATHS = [path for path in goldens.rendering_paths() if not path.stem.startswith(f"component-{COPIED}")]
LATER = {"helm", "helmchart", "kustomize"}
"""What may be checked and refused by now."""
NOT_READY = {"trait-keda-auto-scaler", "trait-keda-auto-scaler.minimal"}
"""Done, and not healthy: nobody runs KEDA here, so no ScaledObject gets ready."""


@dataclass(frozen=True)
class Delivery:
    """What came of a golden file."""

    planned: list[ObjectKey]
    run: Document
    live: list[Manifest]
    """Its objects at the end of the run."""
    left: list[ObjectKey]
    """What was still there when the application was deleted, other than volumes."""


@dataclass(frozen=True)
class Failure:
    """Why there is no delivery."""

    reason: str


Outcomes = dict[str, Delivery | Failure]


@pytest.fixture(scope="module")
async def outcomes(system: System, progress: Callable[[str], None]) -> Outcomes:
    """Of every golden file that renders, by its stem."""
    begun = time.monotonic()
    kube = system.kube[system.clusters[0]]
    await surroundings.of_the_cluster(kube)
    namespaces = {path.stem: f"all-{number}" for number, path in enumerate(PATHS)}
    await enrolled(system, list(namespaces.values()))
    nodes = await surroundings.node_names(kube)
    found: Outcomes = {}
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(path: Path) -> None:
        async with slots:
            try:
                found[path.stem] = await deliver(system, path, namespaces[path.stem], nodes)
            except AssertionError as error:
                found[path.stem] = Failure(str(error))

    async with surroundings.load_balancers(kube), asyncio.TaskGroup() as group:
        for path in PATHS:
            group.create_task(one(path), name=path.stem)
    progress(f"{len(found)} golden files delivered and deleted in {time.monotonic() - begun:.0f} s")
    return found


async def enrolled(system: System, namespaces: list[str]) -> None:
    """Namespaces of the tenant in the first cluster."""
    cluster = system.stack.clusters[0]
    await enrol(str(cluster.kubeconfig), cluster.context, TENANT, namespaces)
    await Registry(system.database).add_tenant(TENANT, namespaces)
    # What came first was heard of first.
    await system.admits(cluster.name, namespaces[-1])


async def deliver(system: System, path: Path, namespace: str, nodes: list[str]) -> Delivery:
    """Make what the document takes for granted, deliver it, see it healthy, look, and delete it."""
    kube = system.kube[system.clusters[0]]
    if path.stem.startswith(NEEDS_KEDA):
        await surroundings.install(kube, await downloaded(KEDA))
    component = surroundings.at_home(goldens.component_of(path), namespace, nodes)
    document = application(namespace, component, name="shop", annotations=DEADLINES)
    plan = planned(document, registry=BUILTIN)
    await surroundings.of_a_plan(kube, plan, nodes)
    run = await system.ended(await system.apply(document), timeout_s=120, every_s=ASKED_EVERY_S)
    assert run["phase"] == "Succeeded", describe(run)
    keys = [ObjectKey.model_validate(seen["key"]) for one in run["steps"] for seen in one["objects"]]
    live = [await kube.get(key) for key in keys]
    # What was observed is recorded beside the run, and may be a moment behind it.
    wanted = "Progressing" if path.stem in NOT_READY else "Healthy"
    await system.until(
        lambda: system.application(namespace, "shop"), lambda app: app["health"] == wanted, every_s=ASKED_EVERY_S
    )
    await system.deleted(namespace, "shop", every_s=ASKED_EVERY_S)
    left = [key for key in keys if key.kind != "PersistentVolumeClaim" and await is_there(kube, key)]
    return Delivery([obj.key for one in plan.steps for obj in one.objects], run, live, left)


async def is_there(kube: KubeApi, key: ObjectKey) -> bool:
    found = await kube.find(key)
    return found is not None and "deletionTimestamp" not in found["metadata"]


def at(manifest: Manifest, path: str, default: Any = None) -> Any:
    found = read_path(manifest, path)
    return default if found is None else found


def observed(o: Manifest) -> bool:
    return bool(at(o, "status.observedGeneration", 0) >= o["metadata"]["generation"])


def all_replicas(o: Manifest) -> bool:
    fields = ("readyReplicas", "updatedReplicas", "replicas")
    return observed(o) and {at(o, f"status.{name}", 0) for name in fields} == {at(o, "spec.replicas")}


def all_daemons(o: Manifest) -> bool:
    fields = ("desiredNumberScheduled", "numberReady", "updatedNumberScheduled", "currentNumberScheduled")
    numbers = {at(o, f"status.{name}", 0) for name in fields}
    return observed(o) and len(numbers) == 1 and numbers != {0}


DONE: dict[str, Callable[[Manifest], bool]] = {
    "Deployment": all_replicas,
    "StatefulSet": all_replicas,
    "DaemonSet": all_daemons,
    "Job": lambda o: bool(at(o, "status.succeeded", 0) == o["spec"]["parallelism"]),
    "Service": lambda o: o["spec"]["type"] != "LoadBalancer" or bool(at(o, "status.loadBalancer.ingress[0].ip")),
}
"""What KubeVela means by healthy, by kind: written out here once more, so that a rule of ours that asks less is seen.

Of any other kind an object is done once it is there.
"""


def delivered(outcomes: Outcomes, path: Path) -> Delivery:
    outcome = outcomes[path.stem]
    if isinstance(outcome, Failure):
        pytest.fail(outcome.reason, pytrace=False)
    return outcome


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_document_with_all_parameters_converges(outcomes: Outcomes, path: Path) -> None:
    delivery = delivered(outcomes, path)
    assert {one["phase"] for one in delivery.run["steps"]} == {"Succeeded"}
    assert len(delivery.live) == len(delivery.planned)
    unfinished = [o for o in delivery.live if not DONE.get(o["kind"], bool)(o)]
    assert unfinished == [], "done before what its type asks for"


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_deleted_application_leaves_nothing_but_volumes(outcomes: Outcomes, path: Path) -> None:
    assert delivered(outcomes, path).left == []


def test_every_type_and_trait_is_delivered(outcomes: Outcomes) -> None:
    used = set()
    for path in PATHS:
        delivered(outcomes, path)
        component = goldens.component_of(path)
        used.add(BUILTIN.job_types[component["type"]].name)
        used |= {BUILTIN.traits[trait["type"]].name for trait in component.get("traits", ())}
    later = {entry.name for entry in BUILTIN.job_types.values() if entry.refusal}
    assert later <= LATER
    every = {entry.name for entry in BUILTIN.job_types.values()} | {entry.name for entry in BUILTIN.traits.values()}
    assert every - used == later | {COPIED}


async def test_service_outside_is_done_when_it_has_an_address(system: System, namespace: str) -> None:
    outside = {"type": "expose", "properties": {"ports": [{"port": 80}], "type": "LoadBalancer"}}
    run = await system.apply(application(namespace, a_component("web", traits=[outside])))
    # What is told of objects and what is decided come ways of their own.
    await system.until(
        lambda: system.run(run),
        lambda r: (
            (r["phase"], health_of(r, "Deployment"), health_of(r, "Service")) == ("Running", "Healthy", "Progressing")
        ),
    )
    service = ObjectKey(api_version="v1", kind="Service", namespace=namespace, name="web")
    await surroundings.give_address(system.kube[system.clusters[0]], service)
    ended = await system.ended(run)
    assert ended["phase"] == "Succeeded", describe(ended)


def health_of(run: Document, kind: str) -> str:
    found = [seen["health"] for one in run.get("steps", ()) for seen in one["objects"] if seen["key"]["kind"] == kind]
    return str(found[0]) if found else ""


@pytest.mark.parametrize(
    ("conditions", "phase"),
    [({"Ready": "True"}, "Succeeded"), ({"Ready": "False", "Stalled": "True"}, "Failed")],
    ids=["ready", "stalled"],
)
async def test_custom_resource_is_done_when_its_controller_says_so(
    system: System, namespace: str, conditions: dict[str, str], phase: str
) -> None:
    kube = system.kube[system.clusters[0]]
    await surroundings.trust(kube, namespace)
    plural = f"widgets{namespace.rpartition('-')[2]}"
    definition = surroundings.definition("example.com", plural)
    await system.delivered(application(namespace, objects("kinds", definition), name="kinds"))
    widget = {"apiVersion": "example.com/v1", "kind": definition["spec"]["names"]["kind"], "metadata": {"name": "w"}}
    await surroundings.served(kube, definition)
    # What its controller has never looked at counts as done; the next generation waits for the controller.
    await system.delivered(application(namespace, objects("widget", {**widget, "spec": {"size": 1}})))
    key = ObjectKey.of({**widget, "metadata": {"name": "w", "namespace": namespace}})
    await say(kube, key, 1, {"Ready": "True"})
    run = await system.apply(application(namespace, objects("widget", {**widget, "spec": {"size": 2}})))
    await system.until(
        lambda: system.run(run), lambda r: (r["phase"], health_of(r, widget["kind"])) == ("Running", "Progressing")
    )
    await say(kube, key, 2, conditions)
    ended = await system.ended(run)
    assert ended["phase"] == phase, describe(ended)
    await system.deleted(namespace, "app")


def objects(name: str, *given: Manifest) -> Document:
    return {"name": name, "type": "k8s-objects", "properties": {"objects": list(given)}}


async def say(kube: KubeApi, key: ObjectKey, generation: int, conditions: dict[str, str]) -> None:
    """Write a status as a controller does."""
    told = [{"type": type_, "status": status} for type_, status in conditions.items()]
    status = {"observedGeneration": generation, "conditions": told}
    await kube.patch(key, {"status": status}, field_manager="controller", subresource="status")
