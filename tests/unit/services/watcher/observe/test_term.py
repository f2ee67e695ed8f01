"""A term of leading, between a cluster and a bus that are in memory."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import Any

import pytest
from pydantic import BaseModel

from services.watcher.observe.domain.intake import read
from services.watcher.observe.handlers.following import JOINING, LABELLED
from services.watcher.observe.handlers.stating import Orders, Voice
from services.watcher.observe.handlers.term import About, Pace, Term
from services.watcher.observe.ports import All, Blind, Gone, Item, Put, Source
from shared.contracts.facts import (
    AgentBeat,
    ObjectVanished,
    Observation,
    PodsObserved,
    StepFailed,
    StepProgressed,
    StepSucceeded,
)
from shared.contracts.identity import PREPARE, AppUid, ClusterName, StepId
from shared.contracts.nudge import Nudge
from shared.errors import Retryable
from shared.kube.kinds import GroupVersionKind
from shared.metrics import Metrics
from shared.runtime.stopping import Stopping
from tests.support.conditions import until
from tests.support.messages import NOW
from tests.support.observed import APP, APP_UID, annotated, condition, deployment, healthy, job, live, pod, running

Object = dict[str, Any]

DEPLOYMENT = GroupVersionKind("apps/v1", "Deployment")
POD = GroupVersionKind("v1", "Pod")
JOB = GroupVersionKind("batch/v1", "Job")


class MemoryCluster:
    """A cluster of queues: what is put in is what the watches tell."""

    def __init__(self) -> None:
        self.queues: defaultdict[GroupVersionKind, asyncio.Queue[Item]] = defaultdict(asyncio.Queue)
        self.followed: list[Source] = []
        self.used: list[GroupVersionKind] = []

    def list_all(self, **objects: list[Object]) -> None:
        """Let every source that is always followed tell what it has."""
        for source in (*JOINING, *LABELLED):
            self.queues[source.gvk].put_nowait(All([read(obj) for obj in objects.get(source.gvk.kind, [])]))

    def put(self, obj: Object) -> None:
        self.queues[GroupVersionKind(obj["apiVersion"], obj["kind"])].put_nowait(Put(read(obj)))

    def delete(self, obj: Object) -> None:
        self.queues[GroupVersionKind(obj["apiVersion"], obj["kind"])].put_nowait(Gone(read(obj)))

    async def follow(self, source: Source) -> AsyncGenerator[Item, None]:
        self.followed.append(source)
        while True:
            yield await self.queues[source.gvk].get()

    async def incarnation(self) -> str:
        return "cluster-1"

    async def git_version(self) -> str:
        return "v1.36.0-simulator"

    async def kinds_in_use(self, label_selector: str, but: frozenset[GroupVersionKind]) -> list[GroupVersionKind]:
        assert label_selector
        return [gvk for gvk in self.used if gvk not in but]


class MemoryOutbox:
    """A bus that keeps what it is given, and may be away."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, BaseModel]] = []
        self.away = False
        self.refused = 0
        self.was_lost = asyncio.Event()

    async def publish(self, subject: str, message: BaseModel) -> None:
        await asyncio.sleep(0)
        if self.away:
            self.refused += 1
            raise Retryable("the bus is away", retry_after_s=0.01)
        self.messages.append((subject, message))

    async def lost(self) -> None:
        await self.was_lost.wait()
        self.was_lost.clear()

    def facts(self) -> list[Observation]:
        return [message for _, message in self.messages if isinstance(message, Observation)]

    def chatter(self) -> list[PodsObserved]:
        return [message for _, message in self.messages if isinstance(message, PodsObserved)]

    def beats(self) -> list[AgentBeat]:
        return [message for _, message in self.messages if isinstance(message, AgentBeat)]


class Stage:
    """A term and what is around it."""

    def __init__(self, pace: Pace) -> None:
        self.cluster = MemoryCluster()
        self.outbox = MemoryOutbox()
        self.leading = True
        self.stopping = Stopping()
        voice = Voice(
            cluster=ClusterName("east"),
            outbox=self.outbox,
            orders=Orders("cluster-1", 7),
            leading=lambda: self.leading,
            now=lambda: NOW,
        )
        about = About(git_version="v1.36.0-simulator", version="0.1.0", started_at=NOW)
        self.term = Term(self.cluster, voice, about=about, pace=pace, metrics=Metrics())

    async def facts(self, count: int) -> list[Observation]:
        await until(lambda: len(self.outbox.facts()) >= count, timeout_s=5)
        assert len(self.outbox.facts()) == count
        return self.outbox.facts()


@asynccontextmanager
async def staged(pace: Pace | None = None) -> AsyncIterator[Stage]:
    stage = Stage(pace or Pace(beat_s=0.05))
    async with asyncio.TaskGroup() as group:
        group.create_task(stage.term.run(stage.stopping))
        yield stage
        stage.stopping.request()


def web(**status: Any) -> Object:
    return live(annotated(deployment(**status), step="web"), uid="web")


async def everything_ready_has_run() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def seen(stage: Stage, condition_: Callable[[Observation], bool]) -> Observation:
    await until(lambda: any(condition_(fact) for fact in stage.outbox.facts()), timeout_s=5)
    return next(fact for fact in stage.outbox.facts() if condition_(fact))


async def test_nothing_is_said_before_everything_is_listed() -> None:
    async with staged() as stage:
        stage.cluster.put(web())
        stage.cluster.queues[POD].put_nowait(All([read(pod(web(), **running(ready=False)))]))
        await until(stage.cluster.queues[POD].empty)
        assert not stage.outbox.messages
        assert stage.term.problems
        stage.cluster.list_all(Deployment=[web()], Pod=[pod(web(), **running(ready=False))])
        (fact,) = await stage.facts(1)
        assert isinstance(fact, StepProgressed)
        assert fact.started
        assert not stage.term.problems


async def test_a_fact_says_whose_where_and_in_which_order() -> None:
    async with staged() as stage:
        stage.cluster.list_all(Deployment=[web(**healthy())])
        (fact,) = await stage.facts(1)
        assert isinstance(fact, StepSucceeded)
        assert stage.outbox.messages[0][0] == "kubemin.status.east.acme.acme-dev.shop"
        assert (fact.app, fact.uid, fact.step, fact.object_uid) == (APP, APP_UID, "web", "web")
        assert (fact.order.incarnation, fact.order.transitions) == ("cluster-1", 7)


async def test_only_what_changed_what_would_be_said_is_said() -> None:
    async with staged() as stage:
        stage.cluster.list_all(Deployment=[web()])
        await stage.facts(1)
        stage.cluster.put({**web(), "status": {"observedGeneration": 1, "unknownField": 3}})
        stage.cluster.put(web(**healthy()))
        one, other = await stage.facts(2)
        assert (type(one), type(other)) == (StepProgressed, StepSucceeded)
        assert other.order.later_than(one.order)


async def test_ready_not_ready_ready_is_three_facts() -> None:
    async with staged() as stage:
        stage.cluster.list_all(Deployment=[web(**healthy())])
        await stage.facts(1)
        stage.cluster.put(web())
        await stage.facts(2)
        stage.cluster.put(web(**healthy()))
        assert [type(fact) for fact in await stage.facts(3)] == [StepSucceeded, StepProgressed, StepSucceeded]


async def test_a_deleted_object_has_vanished_and_its_successor_is_another() -> None:
    async with staged() as stage:
        stage.cluster.list_all(Deployment=[web(**healthy())])
        await stage.facts(1)
        stage.cluster.delete(web(**healthy()))
        stage.cluster.put(live(annotated(deployment(**healthy()), step="web"), uid="web-2"))
        gone = await seen(stage, lambda fact: isinstance(fact, ObjectVanished))
        assert gone.object_uid == "web"
        assert (await seen(stage, lambda fact: fact.object_uid == "web-2")).key == gone.key


async def test_what_a_new_list_no_longer_has_is_gone() -> None:
    async with staged() as stage:
        stage.cluster.list_all(Deployment=[web()])
        await stage.facts(1)
        stage.cluster.queues[DEPLOYMENT].put_nowait(Blind("broken", unserved=False))
        await until(lambda: bool(stage.term.problems), timeout_s=5)
        stage.cluster.queues[DEPLOYMENT].put_nowait(All([]))
        await seen(stage, lambda fact: isinstance(fact, ObjectVanished))
        assert not stage.term.problems


async def test_a_bus_that_was_away_gets_the_newest_state() -> None:
    async with staged() as stage:
        stage.cluster.list_all(Deployment=[web()])
        await stage.facts(1)
        stage.outbox.away = True
        stage.cluster.put(web(conditions=[condition("ReplicaFailure", message="quota")]))
        await until(lambda: stage.outbox.refused > 0, timeout_s=5)
        stage.cluster.put(web(**healthy()))
        await until(stage.cluster.queues[DEPLOYMENT].empty, timeout_s=5)
        stage.outbox.away = False
        last = (await stage.facts(2))[-1]
        assert isinstance(last, StepSucceeded)


async def test_a_fact_that_could_not_be_stored_is_tried_again() -> None:
    async with staged() as stage:
        stage.outbox.away = True
        stage.cluster.list_all(Deployment=[web()])
        await until(lambda: stage.outbox.refused > 2, timeout_s=5)
        stage.outbox.away = False
        assert (await stage.facts(1))[0].object_uid == "web"


async def test_after_a_loss_everything_is_said_again() -> None:
    async with staged() as stage:
        task = live(annotated(job(conditions=[condition("Failed")]), step="task"), uid="task")
        stage.cluster.list_all(Deployment=[web()], Job=[task])
        before = await stage.facts(2)
        stage.outbox.was_lost.set()
        after = (await stage.facts(4))[2:]
        assert {(type(f), f.object_uid) for f in before} == {(type(f), f.object_uid) for f in after}
        assert {type(fact) for fact in after} == {StepProgressed, StepFailed}


async def test_a_nudge_has_the_objects_of_its_step_said_again() -> None:
    async with staged() as stage:
        task = live(annotated(job(), step="task"), uid="task")
        stage.cluster.list_all(Deployment=[web()], Job=[task])
        await stage.facts(2)
        silent = Nudge(app=APP, uid=APP_UID, step=StepId("task"), kinds=("batch/v1/Job",), restate=False)
        stage.term.nudged(silent)
        stage.term.nudged(Nudge(app=APP, uid=APP_UID, step=StepId("web"), kinds=("apps/v1/Deployment",)))
        assert (await stage.facts(3))[-1].object_uid == "web"
        stage.term.nudged(Nudge(app=APP, uid=APP_UID, step=PREPARE, kinds=()))
        assert {fact.object_uid for fact in (await stage.facts(5))[3:]} == {"web", "task"}
        stage.term.nudged(Nudge(app=APP, uid=AppUid("other"), step=PREPARE, kinds=()))


async def test_a_kind_that_a_nudge_names_is_followed_from_then_on() -> None:
    async with staged() as stage:
        stage.cluster.list_all()
        gadget = {"apiVersion": "example.org/v1", "kind": "Gadget", "metadata": {"name": "g"}}
        stage.cluster.put(live(annotated(gadget), uid="g"))
        stage.term.nudged(Nudge(app=APP, uid=APP_UID, step=StepId("web"), kinds=("example.org/v1/Gadget",)))
        assert (await stage.facts(1))[0].object_uid == "g"


async def test_kinds_that_nobody_named_are_found_by_searching() -> None:
    async with staged() as stage:
        stage.cluster.used = [GroupVersionKind("example.org/v1", "Gadget"), DEPLOYMENT]
        stage.cluster.list_all()
        await until(lambda: len(stage.cluster.followed) == len(JOINING) + len(LABELLED) + 1, timeout_s=5)
        assert stage.cluster.followed[-1].gvk.kind == "Gadget"


async def test_an_object_of_another_version_is_followed_in_that_version() -> None:
    async with staged() as stage:
        scaler = {"apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h"}}
        ours = live(annotated(scaler), uid="h")
        shown = {**ours, "apiVersion": "autoscaling/v2"}
        stage.cluster.list_all(HorizontalPodAutoscaler=[shown])
        stage.cluster.put(ours)
        (fact,) = await stage.facts(1)
        assert fact.key.api_version == "autoscaling/v1"


async def test_who_has_lost_the_lease_says_nothing_any_more() -> None:
    async with staged() as stage:
        stage.cluster.list_all(Deployment=[web()])
        await stage.facts(1)
        stage.leading = False
        beats = len(stage.outbox.beats())
        other = live(annotated(deployment("other"), step="other"), uid="other")
        stage.cluster.put(other)
        stage.cluster.put(pod(other, "other-1", **running()))
        await until(stage.cluster.queues[POD].empty, timeout_s=5)
        await until(stage.cluster.queues[DEPLOYMENT].empty, timeout_s=5)
        await everything_ready_has_run()
    assert len(stage.outbox.facts()) == 1
    assert len(stage.outbox.beats()) == beats
    assert not stage.outbox.chatter()


async def test_beats_are_sent_while_all_is_seen_and_tell_when_all_was_said() -> None:
    async with staged() as stage:
        await asyncio.sleep(0)
        assert not stage.outbox.beats()
        stage.cluster.list_all(Deployment=[web()])
        (fact,) = await stage.facts(1)
        await until(lambda: any(beat.restated for beat in stage.outbox.beats()), timeout_s=5)
        beat = stage.outbox.beats()[-1]
        assert beat.restated is not None
        assert fact.order.later_than(beat.restated)
        assert (beat.part, beat.incarnation, beat.simulated) == ("observe", "cluster-1", True)
        stage.cluster.queues[JOB].put_nowait(Blind("broken", unserved=False))
        await until(lambda: bool(stage.term.problems), timeout_s=5)
        silent = len(stage.outbox.beats())
        stage.cluster.queues[JOB].put_nowait(Blind("no such kind", unserved=True))
        await until(lambda: len(stage.outbox.beats()) > silent, timeout_s=5)


async def test_pods_are_shown_by_step_and_bursts_are_one_message() -> None:
    async with staged() as stage:
        stage.cluster.list_all(Deployment=[web()], Pod=[pod(web(), **running(ready=False))])
        await until(lambda: len(stage.outbox.chatter()) == 1, timeout_s=5)
        for restarts in range(20):
            of = running(ready=False)
            of["containerStatuses"][0]["restartCount"] = restarts
            stage.cluster.put(pod(web(), **of))
        stage.cluster.delete(pod(web()))
        await until(lambda: stage.outbox.chatter()[-1].total == 0, timeout_s=5)
        assert len(stage.outbox.chatter()) == 2
        subjects = {subject for subject, message in stage.outbox.messages if isinstance(message, PodsObserved)}
        assert subjects == {"kubemin.progress.east.acme.acme-dev.shop.web"}


@pytest.mark.parametrize("restate_s", [0.05])
async def test_everything_is_said_again_from_time_to_time(restate_s: float) -> None:
    async with staged(Pace(restate_s=restate_s)) as stage:
        stage.cluster.list_all(Deployment=[web()])
        await until(lambda: len(stage.outbox.facts()) >= 3, timeout_s=5)
        orders = [fact.order for fact in stage.outbox.facts()]
        assert all(later.later_than(earlier) for earlier, later in pairwise(orders))
