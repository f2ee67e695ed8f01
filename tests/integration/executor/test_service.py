"""The executor as a process of its own, between a real bus and a cluster."""

import asyncio
import base64
import os
import sys
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from shared.bus import Bus, BusUnavailable, Delivery, decode
from shared.bus.parked import MessageParked
from shared.contracts import subjects
from shared.contracts.annotations import LABEL_TENANT, TENANT_SERVICE_ACCOUNT
from shared.contracts.canonical import digest
from shared.contracts.commands import ApplyStep, ObjectToApply
from shared.contracts.envelope import unwrap
from shared.contracts.facts import BEAT, FACT, AgentBeat, Fact, StepApplied, Unsupported
from shared.contracts.identity import AppRef, AppUid, ClusterName, Namespace, ObjectKey, StepId, run_id
from shared.contracts.nudge import NUDGE, Nudge
from shared.contracts.plan import ApplyMode
from shared.contracts.reads import OBJECTS, READ_ANSWER, ObjectQuery, ObjectsRead, ReadObjects, Recipient
from shared.errors import Rejected
from shared.kube import KubeApi
from shared.sealing import generate, public_key_of, save_key
from tests.support.bus import BusStack, bus_stack
from tests.support.clusters import ADMIN, RunningCluster, manifest
from tests.support.conditions import until

EDGE = ClusterName("edge")
UID = AppUid("u1")
ROOT = Path(__file__).parents[3]


@dataclass
class World:
    """The bus, the cluster, and the executor's settings."""

    stack: BusStack
    planner: Bus
    kube: KubeApi
    namespace: str
    environment: dict[str, str]
    port_file: Path

    @property
    def app(self) -> AppRef:
        return AppRef(tenant="acme", namespace=self.namespace, name="shop")

    def command(self, name: str = "a", *, nonce: int = 0, **data: str) -> ApplyStep:
        wanted = manifest("ConfigMap", name, self.namespace, data=data)
        obj = ObjectToApply(
            key=ObjectKey.of(wanted), manifest=wanted, digest=digest(wanted), generation=1, mode=ApplyMode.APPLY
        )
        return ApplyStep(
            app=self.app,
            uid=UID,
            run=run_id(UID, 1),
            generation=1,
            cluster=EDGE,
            step=StepId(name),
            nonce=nonce,
            not_after=datetime.now(UTC) + timedelta(minutes=1),
            component=name,
            namespace=Namespace(self.namespace),
            job_type="k8s-objects",
            objects=(obj,),
        )

    async def send(self, command: ApplyStep) -> None:
        await self.planner.publish(subjects.step(EDGE, command.app, command.step), command)

    async def facts(self, count: int) -> list[Fact]:
        """The first facts that were ever stated."""
        found = await read(self.planner, subjects.STREAM_STATUS, subjects.status_of(EDGE), count)
        return [FACT.validate_python(unwrap(d.payload).data) for d in found]

    async def parked(self) -> MessageParked:
        [delivery] = await read(self.planner, subjects.STREAM_PARKED, "kubemin.parked.>", 1)
        return MessageParked.model_validate(unwrap(delivery.payload).data)


async def read(bus: Bus, stream: str, subject: str, count: int) -> list[Delivery]:
    found: list[Delivery] = []
    async with asyncio.timeout(60), aclosing(bus.tail(stream, subject, deliver="all")) as tail:
        async for delivery in tail:
            assert isinstance(delivery, Delivery)
            found.append(delivery)
            if len(found) == count:
                break
    return found


@pytest.fixture
async def world(tmp_path: Path, simulator: RunningCluster) -> AsyncIterator[World]:
    api = await KubeApi.connect(kubeconfig=str(simulator.kubeconfig))
    namespace = f"svc-{os.getpid()}-{tmp_path.name[-1]}-{base64.b16encode(os.urandom(3)).decode().lower()}"
    await api.create(manifest("Namespace", namespace), field_manager=ADMIN)
    account = manifest("ServiceAccount", TENANT_SERVICE_ACCOUNT, namespace)
    account["metadata"]["labels"] = {LABEL_TENANT: "acme"}
    await api.create(account, field_manager=ADMIN)
    save_key(generate(), tmp_path / "sealing.key")
    async with bus_stack(tmp_path / "nats", EDGE) as stack:
        port_file = tmp_path / "port"
        environment = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "KUBEMIN_CLUSTER": EDGE,
            "KUBEMIN_KUBECONFIG": str(simulator.kubeconfig),
            "KUBEMIN_SEALING_KEY_FILE": str(tmp_path / "sealing.key"),
            "KUBEMIN_NATS_CREDENTIALS_FILE": str(stack.accounts / f"cluster-{EDGE}.json"),
            "KUBEMIN_HTTP_PORT": "0",
            "KUBEMIN_HTTP_PORT_FILE": str(port_file),
        }
        yield World(stack, await stack.connect("planner"), api, namespace, environment, port_file)
    await api.close()


@asynccontextmanager
async def running(world: World, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.executor",
        env=world.environment | settings,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        async with asyncio.timeout(60):
            await process.communicate()


async def ready(world: World) -> bool:
    if not world.port_file.exists():
        return False
    url = f"http://127.0.0.1:{world.port_file.read_text().strip()}/readyz"
    try:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return response.status == 200
    except aiohttp.ClientError:
        return False


async def test_command_in_the_mailbox_is_carried_out_answered_and_taken_out(world: World) -> None:
    await world.send(world.command(a="1"))

    async with running(world):
        [fact] = await world.facts(1)
        steps = world.planner.consumer(subjects.STREAM_STEPS, f"executor-{EDGE}")
        await until(lambda: drained(steps))

    assert isinstance(fact, StepApplied)
    assert (fact.app, fact.run, fact.nonce) == (world.app, run_id(UID, 1), 0)


async def drained(consumer: Any) -> bool:
    return bool(await consumer.pending() == 0)


async def test_it_is_ready_beats_and_stops_tidily(world: World) -> None:
    async with running(world) as process:
        await until(lambda: ready(world))
        [delivery] = await read(world.planner, subjects.STREAM_BEATS, subjects.beats_of(EDGE), 1)
        process.terminate()
        async with asyncio.timeout(60):
            assert await process.wait() == 0

    beat: AgentBeat = BEAT.validate_python(unwrap(delivery.payload).data)
    assert (beat.cluster, beat.part, beat.simulated) == (EDGE, "executor", True)
    assert beat.kubernetes_version.startswith("v1.")
    system = ObjectKey(api_version="v1", kind="Namespace", namespace="", name="kube-system")
    assert beat.incarnation == (await world.kube.get(system))["metadata"]["uid"]


async def test_observer_in_the_same_account_is_nudged(world: World) -> None:
    nudges: list[Nudge] = []

    async def note(envelope: Any) -> None:
        nudges.append(NUDGE.validate_python(envelope.data))

    agent = await world.stack.connect(f"cluster-{EDGE}")
    await agent.subscribe_core(subjects.nudge(EDGE), note)
    await world.send(world.command(a="1"))

    async with running(world):
        await until(lambda: bool(nudges))

    assert (nudges[0].app, nudges[0].kinds) == (world.app, ("v1/ConfigMap",))


async def test_objects_are_read_on_request_and_what_is_no_request_is_refused(world: World) -> None:
    await world.kube.create(manifest("ConfigMap", "settings", world.namespace, data={"a": "b"}), field_manager=ADMIN)
    gateway = await world.stack.connect("gateway")
    subject = subjects.rpc(EDGE, OBJECTS)
    query = ObjectQuery(
        job_type="ref-objects", resource="configmaps", namespace=Namespace(world.namespace), name="settings"
    )
    key = public_key_of(generate())
    request = ReadObjects(
        app=world.app,
        uid=UID,
        cluster=EDGE,
        queries=(query,),
        recipients=(Recipient(cluster=EDGE, sealing_key=key),),
        within_s=10,
    )

    async def served() -> bool:
        try:
            await gateway.request(subject, request)
        except BusUnavailable:
            return False
        return True

    async with running(world):
        await until(served)
        answer = decode(READ_ANSWER, await gateway.request(subject, request))
        with pytest.raises(Rejected, match="ReadObjects"):
            await gateway.request(subject, request.model_copy(update={"within_s": -1}))
        with pytest.raises(Rejected, match="this is cluster edge"):
            await gateway.request(subject, request.model_copy(update={"cluster": ClusterName("other")}))

    assert isinstance(answer, ObjectsRead)
    assert [found["data"] for found in answer.answers[0].objects] == [{"a": "b"}]


async def test_command_for_somebody_else_is_parked(world: World) -> None:
    command = world.command(a="1")
    wrong = subjects.step(EDGE, AppRef(tenant="acme", namespace=world.namespace, name="other"), command.step)
    await world.planner.publish(wrong, command)

    async with running(world):
        parked = await world.parked()

    assert (parked.reason, parked.subject) == ("IdentityMismatch", wrong)
    assert await world.kube.find(command.objects[0].key) is None


async def test_command_of_a_later_version_is_answered_unsupported(world: World) -> None:
    command = world.command(a="1", nonce=4)
    envelope = unwrap(world.planner.wrap(command))
    later = envelope.model_copy(
        update={"type": "dev.kubemin.ApplyStep.v99", "data": envelope.data | {"rollout": {"canary": 5}}}
    )
    subject = subjects.step(EDGE, world.app, command.step)
    await world.planner.publish_raw(subject, later.model_dump_json().encode(), headers={})

    async with running(world):
        [fact] = await world.facts(1)

    assert isinstance(fact, Unsupported)
    assert (fact.step, fact.nonce) == (command.step, 4)
    assert await world.kube.find(command.objects[0].key) is None


async def test_killed_executor_leaves_nothing_undone(world: World) -> None:
    names = [f"m{number}" for number in range(40)]
    async with running(world) as process:
        await until(lambda: ready(world))
        for name in names:
            await world.send(world.command(name, a="1"))
        await world.facts(1)
        process.kill()
        await process.wait()
    for name in names:
        await world.send(world.command(name, nonce=1, a="1"))

    async with running(world):
        await until(lambda: all_there(world, names), timeout_s=30)
        await until(lambda: all_answered(world, names), timeout_s=60)


async def all_there(world: World, names: list[str]) -> bool:
    keys = [ObjectKey(api_version="v1", kind="ConfigMap", namespace=world.namespace, name=name) for name in names]
    return all([await world.kube.find(key) is not None for key in keys])


async def all_answered(world: World, names: list[str]) -> bool:
    seen: set[str] = set()
    with suppress(TimeoutError):
        async with (
            asyncio.timeout(5),
            aclosing(world.planner.tail(subjects.STREAM_STATUS, subjects.status_of(EDGE), deliver="all")) as tail,
        ):
            async for delivery in tail:
                assert isinstance(delivery, Delivery)
                fact = FACT.validate_python(unwrap(delivery.payload).data)
                if isinstance(fact, StepApplied) and fact.nonce == 1:
                    seen.add(fact.step)
                if seen == set(names):
                    break
    return seen == set(names)


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        ("KUBEMIN_CLUSTER", "", "KUBEMIN_CLUSTER: is not set"),
        ("KUBEMIN_GRANTED_KINDS", "Secret", "KUBEMIN_GRANTED_KINDS: 'Secret' is no apiVersion/Kind"),
        ("KUBEMIN_SEALING_KEY_FILE", "absent.key", "absent.key: No such file or directory"),
        ("KUBEMIN_KUBECONFIG", "absent.yaml", "kubeconfig absent.yaml"),
    ],
)
async def test_wrong_setting_ends_it_with_one_sentence(world: World, setting: str, value: str, words: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.executor",
        env=world.environment | {setting: value},
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        _, stderr = await process.communicate()

    assert process.returncode == 2
    assert words in stderr.decode()
    assert "Traceback" not in stderr.decode()
