"""Agents that are away, and several that work at once: nothing old, nothing twice, nothing lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from itertools import pairwise

import aiohttp
import pytest

from dev.layout import TENANT
from dev.services import Service
from shared.bus import Delivery
from shared.bus.messages import decode, open_delivery
from shared.contracts import subjects
from shared.contracts.facts import FACT, Fact, Observed, StepApplied, StepProgressed, StepSucceeded
from shared.contracts.identity import AppRef, AppUid, ClusterName, Namespace, Tenant
from shared.contracts.runs import ObjectForgotten
from shared.store.archive import Archive
from tests.e2e.system import Document, System, application, component, describe
from tests.support.replicas import away, replica
from tests.support.strangers import connected
from tests.support.witness import DEPLOYMENT, JOB, POD, Witness, witness

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300, func_only=True)]

on_simulator = pytest.mark.parametrize("system", ["sim"], indirect=True)
on_plane = pytest.mark.parametrize("system", [pytest.param("plane", marks=pytest.mark.plane)], indirect=True)
"""The real one alone: what counts is what a real API server stores."""

UNKNOWN_AFTER_S = 90.0
"""30 s of silence, on a busy machine."""
WORKERS = 12


def image(version: int) -> str:
    return f"registry.example/app:{version}"


def two_clusters(system: System, namespace: str, version: int, *names: str) -> Document:
    parts = [component(name, image=image(version)) for name in names]
    return application(namespace, *parts, clusters=system.clusters)


async def health_by_cluster(system: System, namespace: str) -> dict[str, str]:
    view = await system.application(namespace, "app")
    return {each["cluster"]: each["health"] for each in view["cluster_health"]}


@on_simulator
async def test_what_was_superseded_while_an_agent_was_away_never_comes_about(system: System, namespace: str) -> None:
    here, there = system.clusters
    services = system.stack.services
    await system.delivered(two_clusters(system, namespace, 1, "web", "extra"))
    await system.healthy(namespace, "app")
    async with witness(system.kube[there], namespace) as seen:
        before = {sight.name: sight.uid for sight in seen.of(DEPLOYMENT)}
        async with away(services[f"executor-{there}"], services[f"observe-{there}"]):
            # Taken up, it would change the one and delete the other.
            second = await system.apply(two_clusters(system, namespace, 2, "web"))
            await system.until(lambda: system.run(second), lambda run: run.get("phase") == "Preparing")
            third = await system.apply(two_clusters(system, namespace, 3, "web", "extra", "late"))
            superseded = await system.ended(second)
            assert (superseded["phase"], superseded["reason"]) == ("Cancelled", "Superseded")
            waiting = await system.until(
                lambda: system.run(third),
                lambda run: run.get("reason") == "ClusterUnreachable",
                timeout_s=UNKNOWN_AFTER_S,
            )
            assert waiting["phase"] == "Preparing", describe(waiting)
            assert there in waiting["message"]
            assert here not in waiting["message"].replace(there, "")
            health = await system.until(
                lambda: health_by_cluster(system, namespace),
                lambda found: found[there] == "Unknown",
                timeout_s=UNKNOWN_AFTER_S,
            )
            assert health[here] != "Unknown"
            assert {sight.image for sight in seen.of(DEPLOYMENT)} == {image(1)}
        ended = await system.ended(third, timeout_s=120)
        assert (ended["phase"], ended["reason"], ended["message"]) == ("Succeeded", "", ""), describe(ended)
        await system.healthy(namespace, "app")
    seen.check_whole()
    assert seen.images("web") == [image(1), image(3)]
    assert seen.images("extra") == [image(1), image(3)]
    assert seen.images("late") == [image(3)]
    assert not [sight.name for sight in seen.sights if sight.change == "DELETED"]
    assert {name: uid for name, uid in uids(seen).items() if name in before} == before


def uids(seen: Witness) -> dict[str, str]:
    return {sight.name: sight.uid for sight in seen.of(DEPLOYMENT)}


async def leading(service: Service) -> bool:
    """Whether an observer holds the Lease."""
    async with aiohttp.ClientSession() as http, http.get(f"{service.url}/metrics") as response:
        lines = (await response.text()).splitlines()
    return "kubemin_observe_leading 1.0" in lines


@asynccontextmanager
async def doubled(system: System, cluster: str) -> AsyncIterator[list[Service]]:
    """A second executor and a second observer; returns the two observers, and mends what the test breaks."""
    stack = system.stack
    ours = [stack.services[f"executor-{cluster}"], stack.services[f"observe-{cluster}"]]
    async with AsyncExitStack() as exit_:
        await exit_.enter_async_context(replica(stack, f"executor-{cluster}", "second"))
        observer = await exit_.enter_async_context(replica(stack, f"observe-{cluster}", "second"))
        try:
            yield [ours[1], observer]
        finally:
            for service in ours:
                if not service.process.running:
                    await service.start()
                    await service.ready()


def crowd(namespace: str, version: int) -> Document:
    """Many steps at once and a Job that must run once."""
    workers = [component(f"w-{i}", image=image(version)) for i in range(WORKERS)]
    last = component("last", image=image(version), after=["once"])
    return application(namespace, *workers, component("once", "task"), last)


@on_plane
async def test_two_of_each_work_as_one_and_a_leader_that_is_killed_is_replaced(system: System, namespace: str) -> None:
    cluster = system.clusters[0]
    async with (
        doubled(system, cluster) as observers,
        witness(system.kube[cluster], namespace, (DEPLOYMENT, JOB, POD)) as seen,
    ):
        first = await system.delivered(crowd(namespace, 1))
        uid = AppUid(first["uid"])
        leaders = [observer for observer in observers if await leading(observer)]
        assert len(leaders) == 1, "exactly one observer leads"
        await leaders[0].process.kill()
        await system.stack.services[f"executor-{cluster}"].process.kill()
        # Applied and answered at once, seen only when the other one has taken over.
        ended = await system.ended(await system.apply(crowd(namespace, 2)), timeout_s=150)
        assert ended["phase"] == "Succeeded", describe(ended)
        [standby] = [observer for observer in observers if observer is not leaders[0]]
        assert await leading(standby)
        await system.healthy(namespace, "app")
    seen.check_whole()
    check_no_double_effect(seen)
    facts = await facts_as_they_came(system, namespace, len(await Archive(system.database).facts(uid)))
    check_observations(facts)
    check_answers(facts)
    events = await Archive(system.database).run_events(uid, after=0, limit=1000)
    assert [event.n for event in events] == list(range(1, len(events) + 1))
    assert not [event for event in events if isinstance(event, ObjectForgotten)]


async def facts_as_they_came(system: System, namespace: str, count: int) -> list[Fact]:
    """So many facts about the application, in the order in which the bus stored them."""
    app = AppRef(tenant=Tenant(TENANT), namespace=Namespace(namespace), name="app")
    subject = subjects.status(ClusterName(system.clusters[0]), app)
    found: list[Fact] = []
    async with (
        connected(system.stack, "admin") as bus,
        aclosing(bus.tail(subjects.STREAM_STATUS, subject, deliver="all")) as items,
        asyncio.timeout(30),
    ):
        async for item in items:
            if isinstance(item, Delivery):
                found.append(decode(FACT, open_delivery(item)))
            if len(found) == count:
                break
    return found


def check_no_double_effect(seen: Witness) -> None:
    for name in [f"w-{i}" for i in range(WORKERS)] + ["last"]:
        sights = seen.of(DEPLOYMENT, name)
        assert len({sight.uid for sight in sights}) == 1
        for generation in (1, 2):
            of_generation = [sight for sight in sights if sight.generation == generation]
            assert len({sight.applied_at for sight in of_generation}) == 1, (name, generation)
            assert len({sight.object["metadata"]["generation"] for sight in of_generation}) == 1, (name, generation)
        assert seen.images(name) == [image(1), image(2)]
    assert len({sight.uid for sight in seen.of(JOB)}) == 1
    job = seen.of(JOB)[-1].name
    pods = [s for s in seen.of(POD) if job in {o["name"] for o in s.object["metadata"].get("ownerReferences", [])}]
    assert len({sight.uid for sight in pods}) == 1


def check_observations(facts: list[Fact]) -> None:
    """Facts of one object come in order, also over the change of the leader, and the last is of the last state."""
    observed: dict[str, list[Observed]] = {}
    for fact in facts:
        if isinstance(fact, StepProgressed | StepSucceeded):
            observed.setdefault(fact.object_uid, []).append(fact)
    terms = {fact.order.transitions for found in observed.values() for fact in found}
    assert len(terms) == 2
    for found in observed.values():
        assert all(later.order.later_than(before.order) for before, later in pairwise(found))
        assert isinstance(found[-1], StepSucceeded)


def check_answers(facts: list[Fact]) -> None:
    """Each step was answered in each generation, and each time about the same object."""
    applied = [fact for fact in facts if isinstance(fact, StepApplied)]
    answered = {(fact.generation, fact.step) for fact in applied}
    assert {(g, f"w-{i}") for g in (1, 2) for i in range(WORKERS)} <= answered
    results: dict[str, set[str]] = {}
    for fact in applied:
        for obj in fact.objects:
            results.setdefault(str(obj.key), set()).add(obj.object_uid)
    assert all(len(found) == 1 for found in results.values())
