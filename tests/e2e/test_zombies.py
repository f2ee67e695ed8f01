"""Processes that stand still in the middle of something, while others go on, and then wake up: nothing newer changes.

All of them stand still at the same time, for longer than the Lease (15 s), a command's `not_after` (35 s here) and an
ack_wait (60 s), each with a request on the wire that it has sent before and that arrives after everything else.
"""

import json
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from dev.layout import TENANT
from dev.services import Service
from shared.bus.topology import ACK_WAIT_S
from shared.contracts.facts import Fact, ObjectVanished, StepApplied, StepErrored, StepSucceeded, Superseded
from shared.contracts.identity import AppRef, AppUid, Namespace, ObjectKey, Tenant
from shared.contracts.runs import ObjectForgotten, RunAccepted, RunEvent
from shared.store.archive import Archive
from tests.e2e.system import Document, System, application, component, describe
from tests.faults.kubernetes_calls import Call
from tests.faults.kubernetes_proxy import KubernetesProxy
from tests.faults.kubernetes_weather import Fault, Slow, applies
from tests.support.check_to_call import Spread, measure
from tests.support.faulty_wire import CatchingWire
from tests.support.replicas import away, frozen, replica
from tests.support.waiting import eventually
from tests.support.witness import DEPLOYMENT, JOB, POD, Witness, witness

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(600, func_only=True),
    # The real one alone: whether a request that arrives late has an effect is for a real API server to say.
    pytest.mark.parametrize("system", [pytest.param("plane", marks=pytest.mark.plane)], indirect=True),
]

CAUGHT_S = 60.0
DELIVERED_S = 240.0
MEASURED = 250
LOOPBACK = "127.0.0.1"


def image(version: int) -> str:
    return f"registry.example/app:{version}"


def document(namespace: str, version: int, *names: str, job: bool) -> Document:
    parts = [component(name, image=image(version)) for name in names]
    return application(namespace, *parts, *([component("job", "task")] if job else []))


@dataclass
class Zombies:
    """Replicas whose way to the others can be blocked."""

    executor: Service
    observer: Service
    planner: Service
    record: Service
    api: KubernetesProxy
    to_bus: CatchingWire
    planner_to_store: CatchingWire
    record_to_store: CatchingWire


@asynccontextmanager
async def zombies(system: System, directory: Path) -> AsyncIterator[Zombies]:
    """A replica of each kind beside the stack's own."""
    stack, cluster = system.stack, system.stack.clusters[0]
    name = cluster.name
    async with AsyncExitStack() as exit_:
        enter = exit_.enter_async_context
        api = await enter(KubernetesProxy(cluster.kubeconfig, cluster.context, directory=directory))
        store = [await enter(CatchingWire(LOOPBACK, stack.mongodb.port)) for _ in range(2)]
        to_bus = await enter(CatchingWire(LOOPBACK, stack.nats.port))
        uris = [f"mongodb://{LOOPBACK}:{wire.port}/?directConnection=true" for wire in store]
        credentials = json.loads(stack.layout.credentials(f"cluster-{name}").read_text(encoding="utf-8"))
        file = directory / "credentials.json"
        file.touch(mode=0o600)
        file.write_text(json.dumps(credentials | {"url": f"nats://{LOOPBACK}:{to_bus.port}"}), encoding="utf-8")
        yield Zombies(
            executor=await enter(
                replica(stack, f"executor-{name}", "zombie", KUBEMIN_KUBECONFIG=str(api.kubeconfig), **_NO_CONTEXT)
            ),
            observer=await enter(replica(stack, f"observe-{name}", "zombie", KUBEMIN_NATS_CREDENTIALS_FILE=str(file))),
            planner=await enter(replica(stack, "planner", "zombie", KUBEMIN_MONGODB_URI=uris[0])),
            record=await enter(replica(stack, "record", "zombie", KUBEMIN_MONGODB_URI=uris[1])),
            api=api,
            to_bus=to_bus,
            planner_to_store=store[0],
            record_to_store=store[1],
        )


_NO_CONTEXT = {"KUBEMIN_KUBE_CONTEXT": ""}


@dataclass
class Aftermath:
    """What there was when all had woken up again."""

    seen: Witness
    facts: list[Fact]
    facts_of_other: list[Fact]
    events: list[RunEvent]
    stood_still_s: float
    before: dict[str, Document]
    """Answers of the gateway by path, when the newer generation was delivered and the zombies slept."""
    after: dict[str, Document]
    late_applies: list[Call]
    """Of the executor, with how the API server answered them."""
    zombies: Zombies


@pytest.fixture(scope="module")
async def aftermath(system: System, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Aftermath]:
    """One night of the living dead."""
    namespace = await system.enrolled_namespace()
    cluster = system.clusters[0]
    async with (
        zombies(system, tmp_path_factory.mktemp("zombies")) as dead,
        witness(system.kube[cluster], namespace, (DEPLOYMENT, JOB, POD)) as seen,
    ):
        yield await Night(system, namespace, cluster, dead, seen).pass_()


@dataclass
class Night:
    """What happens, in order."""

    system: System
    namespace: str
    cluster: str
    dead: Zombies
    seen: Witness

    async def pass_(self) -> Aftermath:
        """Let everybody stand still in the middle of generation 2, deliver generation 3, and wake them."""
        system, services = self.system, self.system.stack.services
        other = application(self.namespace, component("watched"), name="other")
        agents = [services[f"{part}-{self.cluster}"] for part in ("executor", "observe")]
        async with AsyncExitStack() as hands:
            others = await hands.enter_async_context(AsyncExitStack())
            record = await hands.enter_async_context(AsyncExitStack())
            await others.enter_async_context(away(services["planner"], *agents))
            await record.enter_async_context(away(services["record"]))
            # The zombies are the only ones.
            await system.delivered(document(self.namespace, 1, "kept", job=False))
            uid_other = AppUid((await system.delivered(other))["uid"])
            sent = len(self.dead.api.calls)
            weather = await hands.enter_async_context(self.dead.api.weather(Slow(DELIVERED_S * 2, applies)))
            second = await system.apply(document(self.namespace, 2, "kept", "came", "stray", job=True))
            await eventually(self._applies_under_way, lambda count: count >= 4, within_s=CAUGHT_S)
            # Before it asks again, which it does after 5 s.
            self.dead.planner_to_store.catch(b"\x02update\x00", b"planner_state")
            await self._catch_fact()
            await eventually(self._caught_of_planner, bool, within_s=CAUGHT_S)
            with ExitStack() as sleep:
                sleep.enter_context(frozen(self.dead.executor, self.dead.observer, self.dead.planner))
                slept_at = time.monotonic()
                self.dead.record_to_store.catch(b"\x02update\x00", b"runs")
                await others.aclose()
                third = await system.apply(document(self.namespace, 3, "kept", "came", job=True))
                await eventually(self._caught_of_record, bool, within_s=CAUGHT_S)
                sleep.enter_context(frozen(self.dead.record))
                await record.aclose()
                ended = await self._deliver_newer(third)
                await eventually(_now, lambda now: now - slept_at > ACK_WAIT_S + 1, within_s=2 * ACK_WAIT_S)
                before = {path: await self._read(path) for path in self._paths(second, third)}
                # What they had sent arrives first, and then they wake.
                await self._let_arrive(weather, uid_other)
                stood_still_s = time.monotonic() - slept_at
        uid = AppUid(ended["uid"])
        await self._settled(uid)
        archive = Archive(system.database)
        return Aftermath(
            seen=self.seen,
            facts=await archive.facts(uid),
            facts_of_other=await archive.facts(uid_other),
            events=await archive.run_events(uid, after=0, limit=1000),
            stood_still_s=stood_still_s,
            before=before,
            after={path: await self._read(path) for path in before},
            late_applies=[call for call in [*self.dead.api.calls][sent:] if call.verb == "apply"],
            zombies=self.dead,
        )

    async def _deliver_newer(self, run: str) -> Document:
        """See a run to its end, and the other application delivered again."""
        again = application(self.namespace, component("watched", image=image(2)), name="other")
        await self.system.delivered(again)
        ended = await self.system.ended(run, timeout_s=DELIVERED_S)
        assert ended["phase"] == "Succeeded", describe(ended)
        await self.system.healthy(self.namespace, "other")
        return ended

    async def _let_arrive(self, weather: Fault, uid_other: AppUid) -> None:
        """Let everything through that was on the wire."""
        assert not await self._vanished(uid_other)
        weather.over.set()
        for wire in (self.dead.to_bus, self.dead.planner_to_store, self.dead.record_to_store):
            wire.let_go()
        await eventually(self._applies_under_way, lambda count: count == 0)
        await eventually(lambda: self._vanished(uid_other), bool, within_s=CAUGHT_S)

    async def _catch_fact(self) -> None:
        """Have the observer say that an object is gone, and keep that on the wire."""
        self.dead.to_bus.catch(b"ObjectVanished")
        watched = ObjectKey(api_version="apps/v1", kind="Deployment", namespace=self.namespace, name="watched")
        await self.system.kube[self.cluster].delete(watched)
        await eventually(self._caught_of_observer, bool, within_s=CAUGHT_S)

    async def _settled(self, uid: AppUid) -> None:
        """All four are at work again, and what came of their late requests is in the archive."""
        archive = Archive(self.system.database)
        for zombie in (self.dead.executor, self.dead.observer, self.dead.planner, self.dead.record):
            await zombie.ready()
        await eventually(lambda: archive.facts(uid), lambda facts: len(late_answers(facts)) == 4, within_s=CAUGHT_S)
        await eventually(
            lambda: self.system.object("Deployment", "stray", self.namespace), lambda live: live is None, within_s=60
        )
        await eventually(
            lambda: archive.run_events(uid, after=0, limit=1000),
            lambda events: any(isinstance(event, ObjectForgotten) for event in events),
            within_s=60,
        )

    async def _vanished(self, uid: AppUid) -> bool:
        facts = await Archive(self.system.database).facts(uid)
        return any(isinstance(fact, ObjectVanished) for fact in facts)

    def _paths(self, second: str, third: str) -> list[str]:
        return [
            f"/runs/{second}",
            f"/runs/{third}",
            f"/applications/{self.namespace}/app",
            f"/applications/{self.namespace}/other",
        ]

    async def _read(self, path: str) -> Document:
        answer = await self.system.call("GET", path)
        assert answer.status == 200, answer.body
        return dict(answer.body)

    async def _applies_under_way(self) -> int:
        return sum(call.verb == "apply" and call.status == 0 for call in self.dead.api.calls)

    async def _caught_of_observer(self) -> int:
        return self.dead.to_bus.caught

    async def _caught_of_planner(self) -> int:
        return self.dead.planner_to_store.caught

    async def _caught_of_record(self) -> int:
        return self.dead.record_to_store.caught


async def _now() -> float:
    return time.monotonic()


def late_answers(facts: list[Fact]) -> dict[str, Fact]:
    """What was answered in the end to the commands of generation 2, by step."""
    return {f.step: f for f in facts if isinstance(f, StepApplied | StepErrored | Superseded) and f.generation == 2}


async def test_all_stood_still_for_longer_than_every_lease(aftermath: Aftermath) -> None:
    assert aftermath.stood_still_s > ACK_WAIT_S
    aftermath.seen.check_whole()


async def test_executor_changes_nothing_that_is_newer(aftermath: Aftermath) -> None:
    for name in ("kept", "came"):
        sights = aftermath.seen.of(DEPLOYMENT, name)
        generations = [sight.generation for sight in sights]
        assert generations == sorted(generations)
        assert (generations[-1], sights[-1].image) == (3, image(3))
        assert len({sight.uid for sight in sights}) == 1
    answers: dict[str, set[int]] = {}
    for call in aftermath.late_applies:
        answers.setdefault(call.resource if call.resource == "jobs" else call.name, set()).add(call.status)
    # `came` was absent when the executor looked, and there when its request arrived.
    assert answers["kept"] == answers["came"] == answers["jobs"] == {409}
    assert 201 in answers["stray"]


async def test_job_runs_once(aftermath: Aftermath) -> None:
    [uid] = {sight.uid for sight in aftermath.seen.of(JOB)}
    pods = aftermath.seen.of(POD)
    owners = {s.uid for s in pods if uid in {o["uid"] for o in s.object["metadata"].get("ownerReferences", [])}}
    assert len(owners) == 1


async def test_what_an_executor_creates_after_all_is_pruned_by_name_and_uid(aftermath: Aftermath) -> None:
    """The gap that remains: the object was absent when the executor looked and when its request arrived."""
    stray = aftermath.seen.of(DEPLOYMENT, "stray")
    assert {sight.image for sight in stray} == {image(2)}
    made = {sight.uid for sight in stray if sight.change == "ADDED"}
    deleted = {sight.uid for sight in stray if sight.change == "DELETED"}
    assert made == deleted != set()
    forgotten = [event for event in aftermath.events if isinstance(event, ObjectForgotten)]
    assert {(event.key.name, event.object_uid) for event in forgotten} == {("stray", uid) for uid in made}


async def test_planner_decides_nothing(aftermath: Aftermath) -> None:
    assert aftermath.zombies.planner_to_store.caught > 0
    events = aftermath.events
    assert [event.n for event in events] == list(range(1, len(events) + 1))
    accepted = [event.generation for event in events if isinstance(event, RunAccepted)]
    assert accepted == [1, 2, 3]
    newest = next(i for i, event in enumerate(events) if isinstance(event, RunAccepted) and event.generation == 3)
    assert {event.generation for event in events[newest:]} == {3}


async def test_record_shows_nothing_that_is_older(aftermath: Aftermath) -> None:
    assert aftermath.zombies.record_to_store.caught > 0
    for path, before in aftermath.before.items():
        after = aftermath.after[path]
        for field in ("phase", "reason", "message", "generation", "observed_generation"):
            assert after.get(field) == before.get(field), (path, field)
        assert after.get("n", 0) >= before.get("n", 0)
        assert phases(after) == phases(before), path


def phases(view: Document) -> dict[str, tuple[str, str]]:
    return {step["step"]: (step["phase"], step["reason"]) for step in view["steps"]}


async def test_observer_is_not_believed(aftermath: Aftermath) -> None:
    facts = aftermath.facts_of_other
    late = [fact for fact in facts if isinstance(fact, ObjectVanished)]
    current = [fact for fact in facts if isinstance(fact, StepSucceeded)][-1]
    assert late
    assert all(current.order.later_than(fact.order) for fact in late)
    # They were archived after what is newer, and are shown nowhere.
    [other] = [view for path, view in aftermath.after.items() if path.endswith("/other")]
    assert (other["health"], other["generation"]) == ("Healthy", 2)


async def test_the_gap_between_the_last_check_and_the_request_is_short(
    system: System, namespace: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """How long a process has to stand still in order to be a zombie: the figures of `docs/operations`."""
    cluster = system.stack.clusters[0]
    app = AppRef(tenant=Tenant(TENANT), namespace=Namespace(namespace), name="measured")
    async with KubernetesProxy(cluster.kubeconfig, cluster.context, directory=tmp_path) as proxy:
        for at_once in (1, 32):
            gaps = await measure(proxy, app, count=MEASURED, at_once=at_once, prefix=f"m{at_once}")
            spread = Spread.of(gaps)
            with capsys.disabled():
                print(f"\nlast check to request, {MEASURED} applies, {at_once} at once: {spread}")
            assert len(gaps) == MEASURED
            # A second is far above what is seen and far below what a command has left.
            assert spread.p50 < 1000
