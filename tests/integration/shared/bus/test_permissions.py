"""Who may do what: one row for every role and subject, tried on a real server."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from shared.bus import Bus, BusUnavailable
from shared.bus.topology import executor_durable, parked_by
from shared.contracts import subjects
from shared.contracts.envelope import Envelope
from shared.contracts.facts import AgentBeat
from shared.contracts.identity import PRUNE, ClusterName
from shared.errors import Retryable
from tests.support.bus import BusStack, answered, raw_client
from tests.support.conditions import until
from tests.support.messages import a_beat, a_command, a_fact, app_ref

EAST, WEST = ClusterName("east"), ClusterName("we.st")
AGENT = "cluster-we.st"
QUIET_S = 0.3
"""How long nothing must arrive before we believe that it was denied; what is allowed takes about 1 ms."""

OWN_FACTS = {
    "status": subjects.status(WEST, app_ref()),
    "progress": subjects.progress(WEST, app_ref(), PRUNE),
    "beat": subjects.beat(WEST, "executor"),
    "parked by executor": parked_by(executor_durable(WEST)),
    "parked by observe": parked_by("observe-we.st"),
}
FOREIGN = {
    "another cluster's status": subjects.status(EAST, app_ref()),
    "another cluster's progress": subjects.progress(EAST, app_ref(), PRUNE),
    "another cluster's beat": subjects.beat(EAST, "executor"),
    "another cluster's parked": parked_by(executor_durable(EAST)),
    "the planner's parked": parked_by("planner-facts"),
    "its own commands": subjects.step(WEST, app_ref(), PRUNE),
    "another cluster's commands": subjects.step(EAST, app_ref(), PRUNE),
    "desired records": subjects.spec(app_ref()),
    "run events": subjects.run(app_ref()),
}
FOREIGN_REQUESTS = {
    "stream info": "$JS.API.STREAM.INFO.STEPS",
    "stream names": "$JS.API.STREAM.NAMES",
    "stream purge": "$JS.API.STREAM.PURGE.STEPS",
    "stream delete": "$JS.API.STREAM.DELETE.STEPS",
    "read a message": "$JS.API.STREAM.MSG.GET.STEPS",
    "create a consumer": "$JS.API.CONSUMER.CREATE.STEPS.mine",
    "delete its consumer": "$JS.API.CONSUMER.DELETE.STEPS.executor-we_st",
    "inspect its consumer": "$JS.API.CONSUMER.INFO.STEPS.executor-we_st",
    "pull another's mailbox": "$JS.API.CONSUMER.MSG.NEXT.STEPS.executor-east",
    "pull facts": "$JS.API.CONSUMER.MSG.NEXT.STATUS.planner-facts",
    "acknowledge another's": "$JS.ACK.STEPS.executor-east.1.1.1.1.1",
    "account info": "$JS.API.INFO",
    "another's rpc": "kubemin.rpc.east.diff",
}
FOREIGN_SUBSCRIPTIONS = (
    ">",
    "kubemin.>",
    subjects.status_of(EAST),
    subjects.steps_of(WEST),
    "_INBOX_planner.>",
    "_INBOX_cluster-east.>",
    "$JS.>",
)


@pytest.fixture
async def stack(server: BusStack) -> BusStack:
    """The server of the module with empty streams: these tests look at effects, and are many."""
    planner = await server.connect("planner")
    for info in await planner.jetstream.streams_info():
        await planner.jetstream.purge_stream(str(info.config.name))
    return server


async def stored(bus: Bus, stream: str) -> int:
    return (await bus.jetstream.stream_info(stream)).state.messages


async def total_stored(bus: Bus) -> int:
    return sum(info.state.messages for info in await bus.jetstream.streams_info())


@pytest.mark.parametrize("subject", OWN_FACTS.values(), ids=OWN_FACTS)
async def test_agent_publishes_on_its_own_subjects(stack: BusStack, subject: str) -> None:
    agent, planner = await stack.connect(AGENT), await stack.connect("planner")
    await agent.publish(subject, a_fact("we.st"))
    assert await total_stored(planner) == 1


@pytest.mark.parametrize("subject", FOREIGN.values(), ids=FOREIGN)
async def test_agent_publishes_nowhere_else(stack: BusStack, subject: str) -> None:
    agent, planner = await stack.connect(AGENT), await stack.connect("planner")
    with pytest.raises(BusUnavailable):
        await agent.publish(subject, a_fact("we.st"), timeout_s=QUIET_S)
    await until(lambda: subject in agent.denied)
    with pytest.raises(BusUnavailable, match="denied by the permissions"):
        await agent.publish(subject, a_fact("we.st"), timeout_s=QUIET_S)
    assert await total_stored(planner) == 0


@pytest.mark.parametrize("subject", FOREIGN_REQUESTS.values(), ids=FOREIGN_REQUESTS)
async def test_agent_gets_no_answer_from_what_is_not_its_own(stack: BusStack, subject: str) -> None:
    planner = await stack.connect("planner")
    await planner.publish(subjects.step(EAST, app_ref(), PRUNE), a_command("east"))
    client = await raw_client(stack, AGENT)
    try:
        with pytest.raises(NatsError):
            await client.request(subject, b"", timeout=QUIET_S)
    finally:
        await client.close()
    assert await stored(planner, "STEPS") == 1


@pytest.mark.parametrize("subject", FOREIGN_SUBSCRIPTIONS)
async def test_agent_overhears_nothing(stack: BusStack, subject: str) -> None:
    planner, east = await stack.connect("planner"), await stack.connect("cluster-east")
    client = await raw_client(stack, AGENT)
    heard: list[Msg] = []

    async def hear(message: Msg) -> None:
        heard.append(message)

    await client.subscribe(subject, cb=hear)
    await client.flush()
    await planner.publish(subjects.step(WEST, app_ref(), PRUNE), a_command("we.st"))
    await planner.publish(subjects.step(EAST, app_ref(), PRUNE), a_command("east"))
    await east.publish(subjects.status(EAST, app_ref()), a_fact("east"))
    await east.consumer("STEPS", executor_durable(EAST)).fetch(1)
    await client.flush()
    await client.close()
    assert heard == []


async def test_a_reply_subject_cannot_carry_the_servers_answer_elsewhere(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    client = await raw_client(stack, AGENT)
    own, foreign = subjects.status(WEST, app_ref()), subjects.status(EAST, app_ref())
    await client.publish(own, b"x", reply=foreign)
    await client.publish(own, b"x", reply=subjects.step(EAST, app_ref(), PRUNE))
    await client.flush()
    await until(lambda: _holds(planner, "STATUS", 2))
    await client.close()
    info = await planner.jetstream.stream_info("STATUS", subjects_filter=">")
    assert info.state.subjects == {own: 2}
    assert await stored(planner, "STEPS") == 0


async def _holds(bus: Bus, stream: str, count: int) -> bool:
    return await stored(bus, stream) == count


async def test_agent_pulls_its_own_mailbox_and_acknowledges(stack: BusStack) -> None:
    agent, planner = await stack.connect(AGENT), await stack.connect("planner")
    await planner.publish(subjects.step(WEST, app_ref(), PRUNE), a_command("we.st"))
    await planner.publish(subjects.step(EAST, app_ref(), PRUNE), a_command("east"))
    (delivery,) = await agent.consumer("STEPS", executor_durable(WEST)).fetch(10)
    assert delivery.subject == subjects.step(WEST, app_ref(), PRUNE)
    await delivery.ack()
    await until(lambda: _holds(planner, "STEPS", 1))


async def test_a_nudge_stays_within_its_cluster(stack: BusStack) -> None:
    heard: dict[str, int] = {"east": 0, "we.st": 0}

    def hear(cluster: str) -> Callable[[object], Awaitable[None]]:
        async def count(_envelope: object) -> None:
            heard[cluster] += 1

        return count

    for cluster in ("east", "we.st"):
        observe = await stack.connect(f"cluster-{cluster}")
        await observe.subscribe_core(subjects.nudge(ClusterName(cluster)), hear(cluster))
    executor = await stack.connect(AGENT)
    await executor.publish_core(subjects.nudge(WEST), a_fact("we.st"))
    await until(lambda: heard["we.st"] == 1)
    assert heard["east"] == 0


async def test_the_gateway_asks_an_agent_across_accounts(stack: BusStack) -> None:
    agent, gateway = await stack.connect(AGENT), await stack.connect("gateway")

    async def answer(_envelope: Envelope) -> AgentBeat:
        return a_beat("we.st")

    await agent.serve(subjects.rpc(WEST, "diff"), answer)

    told = await answered(gateway, subjects.rpc(WEST, "diff"), a_fact("we.st"))
    assert told.name == "AgentBeat"


async def test_asking_a_cluster_whose_agent_is_away_says_so_at_once(stack: BusStack) -> None:
    gateway = await stack.connect("gateway")
    started = asyncio.get_running_loop().time()
    with pytest.raises(Retryable):
        await gateway.request(subjects.rpc(EAST, "diff"), a_fact("east"), timeout_s=60)
    assert asyncio.get_running_loop().time() - started < 30


async def test_an_auditor_reads_what_was_decided_and_stated(stack: BusStack) -> None:
    auditor, agent = await stack.connect("auditor-audit"), await stack.connect(AGENT)
    await agent.publish(subjects.status(WEST, app_ref()), a_fact("we.st"))
    (delivery,) = await auditor.consumer("STATUS", "audit-audit-status").fetch(1)
    assert delivery.subject == subjects.status(WEST, app_ref())
    await delivery.ack()
    planner = await stack.connect("planner")
    assert await stored(planner, "STATUS") == 1
    assert len(await planner.consumer("STATUS", "planner-facts").fetch(1)) == 1


@pytest.mark.parametrize(
    "subject",
    [
        "$JS.API.CONSUMER.CREATE.STATUS.mine",
        "$JS.API.CONSUMER.MSG.NEXT.STATUS.planner-facts",
        "$JS.API.CONSUMER.MSG.NEXT.STEPS.executor-east",
        "$JS.API.STREAM.PURGE.STATUS",
        "$JS.API.STREAM.MSG.DELETE.STATUS",
    ],
)
async def test_an_auditor_can_do_nothing_else(stack: BusStack, subject: str) -> None:
    client = await raw_client(stack, "auditor-audit")
    try:
        with pytest.raises(NatsError):
            await client.request(subject, b"", timeout=QUIET_S)
    finally:
        await client.close()


@pytest.mark.parametrize("user", ["gateway", "planner", "record", "admin"])
@pytest.mark.parametrize("subject", [">", "kubemin.status.>"])
async def test_the_centres_users_hear_nothing_but_their_own_answers(stack: BusStack, user: str, subject: str) -> None:
    agent, planner = await stack.connect(AGENT), await stack.connect("planner")
    client = await raw_client(stack, user)
    heard: list[Msg] = []

    async def hear(message: Msg) -> None:
        heard.append(message)

    await client.subscribe(subject, cb=hear)
    await client.flush()
    await agent.publish(subjects.status(WEST, app_ref()), a_fact("we.st"))
    await planner.publish(subjects.run(app_ref()), a_fact())
    await client.flush()
    await client.close()
    assert heard == []
