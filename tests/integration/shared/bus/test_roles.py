"""Every role and every subject, every role and every request of JetStream: what is not theirs is denied."""

import asyncio
from collections.abc import Collection, Iterable
from itertools import product

import pytest
from nats.aio.client import Client
from nats.errors import Error as NatsError

from shared.bus import Bus, BusUnavailable, Delivery
from shared.bus.topology import STREAMS, Durable, durables, executor_durable, parked_by
from shared.contracts import subjects
from shared.contracts.envelope import Envelope
from shared.contracts.facts import AgentBeat
from shared.contracts.identity import PRUNE, ClusterName
from shared.contracts.reads import OBJECTS
from tests.support.bus import BusStack, answered, raw_client
from tests.support.conditions import until
from tests.support.messages import a_beat, a_fact, app_ref

EAST, WEST = ClusterName("east"), ClusterName("we.st")
ALLOWED_WITHIN_S = 10.0
DENIED_AFTER_S = 0.5
"""What is allowed is answered in a millisecond; on a busy machine it may take longer, so it is waited for longer."""

SUBJECTS = {
    "spec": subjects.spec(app_ref()),
    "run": subjects.run(app_ref()),
    "step of east": subjects.step(EAST, app_ref(), PRUNE),
    "step of west": subjects.step(WEST, app_ref(), PRUNE),
    "status of east": subjects.status(EAST, app_ref()),
    "status of west": subjects.status(WEST, app_ref()),
    "progress of east": subjects.progress(EAST, app_ref(), PRUNE),
    "progress of west": subjects.progress(WEST, app_ref(), PRUNE),
    "beat of east": subjects.beat(EAST, "executor"),
    "beat of west": subjects.beat(WEST, "observe"),
    "parked by east": parked_by(executor_durable(EAST)),
    "parked by west": parked_by(executor_durable(WEST)),
    "parked by west's observer": parked_by("observe-we.st"),
    **{f"parked by {d.name}": parked_by(d.name) for d in durables(())},
    "outside every stream": "kubemin.else",
    "at the root": "else",
}
MAY_PUBLISH: dict[str, set[str]] = {
    "gateway": {"spec"},
    "planner": {"run", "step of east", "step of west", "parked by planner-specs", "parked by planner-facts"},
    "record": {"parked by record-runs", "parked by record-facts", "parked by record-progress"},
    "admin": set(),
    "auditor-audit": set(),
    "cluster-east": {"status of east", "progress of east", "beat of east", "parked by east"},
    "cluster-we.st": {
        "status of west",
        "progress of west",
        "beat of west",
        "parked by west",
        "parked by west's observer",
    },
}
NAMES = tuple(stream.name for stream in STREAMS)
DURABLES = durables((EAST, WEST), ("audit",))
API = (
    "INFO",
    "STREAM.NAMES",
    "STREAM.LIST",
    *(
        f"STREAM.{verb}.{name}"
        for verb, name in product(
            ("INFO", "CREATE", "UPDATE", "DELETE", "PURGE", "MSG.GET", "MSG.DELETE", "SNAPSHOT", "RESTORE"), NAMES
        )
    ),
    "STREAM.CREATE.MINE",
    "STREAM.TEMPLATE.CREATE.MINE",
    *(f"DIRECT.GET.{name}" for name in NAMES),
    *(f"CONSUMER.{verb}.{name}" for verb, name in product(("NAMES", "LIST", "CREATE"), NAMES)),
    *(f"CONSUMER.CREATE.{name}.mine" for name in NAMES),
    *(f"CONSUMER.DURABLE.CREATE.{name}.mine" for name in NAMES),
    *(f"CONSUMER.{verb}.{d.stream}.{d.name}" for verb, d in product(("INFO", "DELETE", "MSG.NEXT", "PAUSE"), DURABLES)),
    "ACCOUNT.PURGE.CENTRE",
    "SERVER.REMOVE",
    "META.LEADER.STEPDOWN",
)
READ_ALONG = ("RUNS", "PROGRESS", "BEATS")
MAY_ASK: dict[str, set[str]] = {
    "gateway": {
        *(f"STREAM.INFO.{name}" for name in READ_ALONG),
        *(f"CONSUMER.CREATE.{name}" for name in READ_ALONG),
        "STREAM.MSG.GET.PARKED",
        "STREAM.MSG.DELETE.PARKED",
    },
    "auditor-audit": {
        "CONSUMER.MSG.NEXT.SPECS.audit-audit-specs",
        "CONSUMER.MSG.NEXT.RUNS.audit-audit-runs",
        "CONSUMER.MSG.NEXT.STATUS.audit-audit-status",
    },
    "cluster-east": {"CONSUMER.MSG.NEXT.STEPS.executor-east"},
    "cluster-we.st": {"CONSUMER.MSG.NEXT.STEPS.executor-we_st"},
}
NO_WAIT = b'{"batch":1,"no_wait":true}'


async def emptied(stack: BusStack) -> Bus:
    """Return the planner's connection, once all streams are empty: the server is that of the module."""
    planner = await stack.connect("planner")
    for name in NAMES:
        await planner.jetstream.purge_stream(name)
    return planner


async def published(bus: Bus, subject: str, *, allowed: bool) -> bool:
    try:
        await bus.publish(subject, a_fact(), timeout_s=ALLOWED_WITHIN_S if allowed else DENIED_AFTER_S)
    except BusUnavailable:
        return False
    return True


@pytest.mark.parametrize("user", MAY_PUBLISH)
async def test_a_role_publishes_on_its_own_subjects_alone(server: BusStack, user: str) -> None:
    bus, planner = await server.connect(user), await emptied(server)
    allowed = MAY_PUBLISH[user]
    stored = await asyncio.gather(*(published(bus, SUBJECTS[name], allowed=name in allowed) for name in SUBJECTS))
    assert {name for name, done in zip(SUBJECTS, stored, strict=True) if done} == allowed
    messages = sum(info.state.messages for info in await planner.jetstream.streams_info())
    assert messages == len(allowed)


async def asked(bus: Bus) -> bool:
    """Whether somebody answers a request to the executor of `east`."""
    try:
        await bus.request(subjects.rpc(EAST, OBJECTS), a_fact(), timeout_s=DENIED_AFTER_S)
    except BusUnavailable:
        return False
    return True


async def a_beat_for(_envelope: Envelope) -> AgentBeat:
    return a_beat()


@pytest.mark.parametrize("user", MAY_PUBLISH)
async def test_the_gateway_alone_asks_a_clusters_executor(server: BusStack, user: str) -> None:
    executor, gateway = await server.connect("cluster-east"), await server.connect("gateway")
    stop = await executor.serve(subjects.rpc(EAST, OBJECTS), a_beat_for)
    await answered(gateway, subjects.rpc(EAST, OBJECTS), a_fact())
    assert user == "gateway" or not await asked(await server.connect(user))
    await stop()


@pytest.mark.parametrize("user", MAY_PUBLISH)
async def test_a_clusters_own_executor_alone_answers(server: BusStack, user: str) -> None:
    bus, gateway = await server.connect(user), await server.connect("gateway")
    stop = await bus.serve(subjects.rpc(EAST, OBJECTS), a_beat_for, queue="executor")
    if user == "cluster-east":
        await answered(gateway, subjects.rpc(EAST, OBJECTS), a_fact())
    else:
        assert not any([await asked(gateway) for _ in range(2)])
    await stop()


async def answered_of(client: Client, requests: Iterable[str], allowed: Collection[str]) -> set[str]:
    """Return those that anybody answers, if only by an error."""

    async def ask(request: str) -> str | None:
        timeout_s = ALLOWED_WITHIN_S if request in allowed else DENIED_AFTER_S
        try:
            await client.request(f"$JS.API.{request}", NO_WAIT, timeout=timeout_s)
        except NatsError:
            return None
        return request

    return {request for request in await asyncio.gather(*map(ask, requests)) if request is not None}


@pytest.mark.parametrize("user", MAY_ASK)
async def test_a_role_asks_jetstream_for_its_own_alone(server: BusStack, user: str) -> None:
    planner = await emptied(server)
    before = await state_of(planner)
    client = await raw_client(server, user)
    try:
        assert await answered_of(client, API, MAY_ASK[user]) == MAY_ASK[user]
    finally:
        await client.close()
    assert await state_of(planner) == before


async def state_of(bus: Bus) -> dict[str, object]:
    """Streams, what is in them, and their durables."""
    state: dict[str, object] = {}
    for info in await bus.jetstream.streams_info():
        name = str(info.config.name)
        consumers = await bus.jetstream.consumers_info(name)
        state[name] = (info.config, info.state.messages, {c.name for c in consumers if c.config.durable_name})
    return state


@pytest.mark.parametrize("user", ["gateway", "planner", "record", "auditor-audit", "cluster-east", "cluster-we.st"])
async def test_nobody_acknowledges_what_another_was_given(server: BusStack, user: str) -> None:
    planner, gateway = await emptied(server), await server.connect("gateway")
    east = await server.connect("cluster-east")
    await gateway.publish(subjects.spec(app_ref()), a_fact())
    await planner.publish(subjects.run(app_ref()), a_fact())
    await planner.publish(subjects.step(EAST, app_ref(), PRUNE), a_fact())
    await east.publish(subjects.status(EAST, app_ref()), a_fact())
    theirs = [d for d in DURABLES if not _belongs(d.name, user)]
    readers = {"planner": planner, "record": await server.connect("record"), "executor-east": east}
    taken = {}
    for durable in theirs:
        owner = next((bus for prefix, bus in readers.items() if durable.name.startswith(prefix)), None)
        if owner is not None and durable.stream in {"SPECS", "RUNS", "STEPS", "STATUS"}:
            taken[durable.name] = await owner.consumer(durable.stream, durable.name).fetch(1)
            assert taken[durable.name]
    for durable in theirs:
        for delivery in taken.get(durable.name, []):
            await acknowledge(await raw_client(server, user), durable, delivery)
    for durable in theirs:
        if taken.get(durable.name):
            info = await planner.jetstream.consumer_info(durable.stream, durable.name)
            assert info.num_ack_pending == 1, f"{user} acknowledged for {durable.name}"
    if user == "record":
        # The same bytes from whom they are for: else this test could not fail.
        ((delivery,),) = [taken["planner-facts"]]
        await acknowledge(await raw_client(server, "planner"), durable_named("planner-facts"), delivery)
        await until(lambda: _settled(planner, "STATUS", "planner-facts"))


async def _settled(bus: Bus, stream: str, durable: str) -> bool:
    info = await bus.jetstream.consumer_info(stream, durable)
    return not info.num_ack_pending


def durable_named(name: str) -> Durable:
    return next(durable for durable in DURABLES if durable.name == name)


async def acknowledge(client: Client, durable: Durable, delivery: Delivery) -> None:
    place = f"{delivery.stream_sequence}.{delivery.consumer_sequence}"
    await client.publish(f"$JS.ACK.{durable.stream}.{durable.name}.1.{place}.1767323045000000000.0")
    await client.flush()
    await client.close()


def _belongs(durable: str, user: str) -> bool:
    own = {"cluster-east": "executor-east", "cluster-we.st": "executor-we_st", "auditor-audit": "audit-"}
    return durable.startswith(own.get(user, user))


async def test_a_message_id_of_one_cluster_swallows_nobody_elses_message(server: BusStack) -> None:
    """Ids are known to the whole stream, whoever publishes: so what others send bears none, or is in another stream."""
    west, east = await server.connect("cluster-we.st"), await server.connect("cluster-east")
    planner, gateway = await emptied(server), await server.connect("gateway")
    known = ("spec:5f0c:1", "run:5f0c:1", "cmd:5f0c-1:east:=prune:1:0")
    own = {
        subjects.status(WEST, app_ref()),
        subjects.progress(WEST, app_ref(), PRUNE),
        subjects.beat(WEST, "executor"),
        parked_by(executor_durable(WEST)),
    }
    for subject, id_ in product(own, known):
        await west.publish(subject, a_fact("we.st"), msg_id=id_)
    before = await state_of(planner)
    await gateway.publish(subjects.spec(app_ref()), a_fact(), msg_id=known[0])
    await planner.publish(subjects.run(app_ref()), a_fact(), msg_id=known[1])
    await planner.publish(subjects.step(EAST, app_ref(), PRUNE), a_fact(), msg_id=known[2])
    await east.publish(subjects.status(EAST, app_ref()), a_fact())
    after = await state_of(planner)
    grown = {name for name in NAMES if after[name] != before[name]}
    assert grown == {"SPECS", "RUNS", "STEPS", "STATUS"}


@pytest.mark.parametrize("user", ["planner", "record", "auditor-audit", "cluster-east"])
async def test_only_gateway_and_operators_ask_for_replays(server: BusStack, user: str) -> None:
    asked: list[str] = []

    async def answer(_envelope: object) -> object:
        asked.append(user)
        return a_fact()

    planner = await server.connect("planner")
    stop = await planner.serve(subjects.replay("planner-facts"), answer)  # type: ignore[arg-type]  # any model does
    client = await raw_client(server, user)
    try:
        with pytest.raises(NatsError):
            await client.request(subjects.replay("planner-facts"), planner.wrap(a_fact()), timeout=DENIED_AFTER_S)
        gateway = await server.connect("gateway")
        await gateway.request(subjects.replay("planner-facts"), a_fact())
    finally:
        await client.close()
        await stop()
    assert asked == [user], "the gateway's request, and no other"


async def test_nobody_answers_replays_in_anothers_place(server: BusStack) -> None:
    """A service that pretended to be the planner would tell the gateway that all is done."""
    gateway = await server.connect("gateway")
    for user in ("record", "gateway", "auditor-audit", "cluster-east"):
        client = await raw_client(server, user)
        await client.subscribe(subjects.replay("planner-specs"))
        await client.flush()
        with pytest.raises(BusUnavailable):
            await gateway.request(subjects.replay("planner-specs"), a_fact(), timeout_s=DENIED_AFTER_S)
        await client.close()


@pytest.mark.parametrize("user", ["planner", "record", "admin", "auditor-audit", "cluster-east", "cluster-we.st"])
async def test_only_the_gateway_asks_what_a_plan_would_change(server: BusStack, user: str) -> None:
    asked: list[str] = []

    async def answer(_envelope: object) -> object:
        asked.append(user)
        return a_fact()

    agent = await server.connect("cluster-east")
    # As executors serve it: one of a cluster's replicas gets a request.
    stop = await agent.serve(subjects.rpc(EAST, "diff"), answer, queue="executor")  # type: ignore[arg-type]  # any model
    client, gateway = await raw_client(server, user), await server.connect("gateway")
    try:
        await answered(gateway, subjects.rpc(EAST, "diff"), a_fact())
        asked.clear()
        with pytest.raises(NatsError):
            await client.request(subjects.rpc(EAST, "diff"), gateway.wrap(a_fact()), timeout=DENIED_AFTER_S)
        await gateway.request(subjects.rpc(EAST, "diff"), a_fact())
    finally:
        await client.close()
        await stop()
    assert asked == [user], "the gateway's request, and no other"


@pytest.mark.parametrize("user", ["gateway", "planner", "record", "admin", "auditor-audit", "cluster-we.st"])
async def test_nobody_answers_for_another_clusters_executor(server: BusStack, user: str) -> None:
    """Who did would be handed the tenants' manifests."""
    gateway, client = await server.connect("gateway"), await raw_client(server, user)
    heard: list[object] = []

    async def hear(message: object) -> None:
        heard.append(message)

    for queue in ("", "executor"):
        await client.subscribe(subjects.rpc(EAST, "diff"), queue, cb=hear)
    await client.flush()
    with pytest.raises(BusUnavailable):
        await gateway.request(subjects.rpc(EAST, "diff"), a_fact(), timeout_s=DENIED_AFTER_S)
    await client.close()
    assert heard == []
