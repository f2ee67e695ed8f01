import asyncio
import json
import time
from pathlib import Path

import pytest

from dev.nats import NatsServer
from shared.bus import Bus, BusUnavailable, NoStream, OversizeMessage
from shared.bus.connection import MESSAGE_LIMIT_BYTES
from shared.bus.credentials import read_credentials
from shared.bus.errors import CannotConnect, CredentialsInvalid
from shared.contracts import subjects
from shared.contracts.envelope import Envelope, unwrap
from shared.contracts.facts import AgentBeat, ObjectsPruned
from shared.contracts.identity import ClusterName
from shared.errors import Rejected
from shared.runtime import trace
from shared.runtime.settings import BusSettings
from tests.support.bus import BusStack, answered
from tests.support.conditions import until
from tests.support.messages import a_beat, a_command, a_fact, app_ref

EAST = ClusterName("east")
STATUS = subjects.status(EAST, app_ref())


async def stored(bus: Bus, stream: str) -> int:
    return (await bus.jetstream.stream_info(stream)).state.messages


async def test_a_publish_is_stored_in_an_envelope_when_it_returns(stack: BusStack) -> None:
    agent, planner = await stack.connect("cluster-east"), await stack.connect("planner")
    trace.adopt("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    await agent.publish(STATUS, a_fact(), id_="cause-1")
    (delivery,) = await planner.consumer("STATUS", "planner-facts").fetch(10)
    envelope = unwrap(delivery.payload)
    assert (envelope.id, envelope.source, envelope.name) == ("cause-1", "kubemin/cluster-east/test", "ObjectsPruned")
    assert ObjectsPruned.model_validate(envelope.data) == a_fact()
    assert envelope.traceparent is not None
    assert envelope.traceparent.startswith("00-0af7651916cd43dd8448eb211c80319c-")


async def test_facts_carry_no_message_id_so_that_a_return_to_an_earlier_state_is_stored(stack: BusStack) -> None:
    agent = await stack.connect("cluster-east")
    for _ in range(3):
        await agent.publish(STATUS, a_fact())
    assert await stored(await stack.connect("planner"), "STATUS") == 3


async def test_a_message_id_names_the_cause_and_is_stored_once(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    for _ in range(2):
        await planner.publish(subjects.run(app_ref()), a_fact(), msg_id="run-1/n-1")
    assert await stored(planner, "RUNS") == 1


async def test_publishing_leaves_the_callers_headers_alone(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    headers = {"X-Cause": "test"}
    await planner.publish_raw(subjects.run(app_ref()), planner.wrap(a_fact()), headers=headers)
    assert headers == {"X-Cause": "test"}


async def test_an_oversize_message_is_refused_before_it_could_close_the_connection(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    payload = b"x" * (MESSAGE_LIMIT_BYTES - 10)
    with pytest.raises(OversizeMessage) as refused:
        await planner.publish_raw(subjects.run(app_ref()), payload, headers={"X-Long": "y" * 20})
    assert refused.value.size_bytes > MESSAGE_LIMIT_BYTES
    await planner.publish_raw(subjects.run(app_ref()), payload, headers={})
    assert await stored(planner, "RUNS") == 1
    assert stack.closed == []


async def test_a_missing_stream_is_said_at_once_and_makes_the_topology_suspect(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    await planner.jetstream.delete_stream("RUNS")
    started = time.monotonic()
    with pytest.raises(NoStream):
        await planner.publish(subjects.run(app_ref()), a_fact(), timeout_s=60)
    assert time.monotonic() - started < 30
    assert planner.topology_suspect.is_set()


async def test_without_a_connection_nothing_is_buffered(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    await stack.server.kill()
    await until(lambda: not planner.connected)
    with pytest.raises(BusUnavailable, match="not connected"):
        await planner.publish(subjects.run(app_ref()), a_fact())
    await stack.server.start()
    await until(lambda: planner.connected)
    assert await stored(planner, "RUNS") == 0
    await planner.publish(subjects.run(app_ref()), a_fact())
    assert planner.topology_suspect.is_set()


async def test_what_was_acknowledged_survives_a_kill(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    for n in range(20):
        await planner.publish(subjects.run(app_ref(f"shop-{n}")), a_fact())
    await stack.server.kill()
    await stack.server.start()
    await until(lambda: planner.connected)
    assert await stored(planner, "RUNS") == 20


async def test_a_lost_connection_that_cannot_come_back_is_told(stack: BusStack) -> None:
    closed: list[str] = []
    bus = await stack.connect("planner", on_closed=lambda: closed.append("planner"))
    # The server closes a connection whose message exceeds max_payload, and nats-py gives up for good.
    await bus._client._send_publish("kubemin.run.a.b.c", "", b"x" * (9 * 1024**2), 9 * 1024**2, None)
    await until(lambda: closed == ["planner"])
    assert not bus.connected


async def test_our_own_close_is_no_loss_and_is_quick_with_unread_messages(stack: BusStack) -> None:
    agent, planner = await stack.connect("cluster-east"), await stack.connect("planner")
    heard = asyncio.Event()

    async def never_done(_envelope: Envelope) -> None:
        heard.set()
        await asyncio.Event().wait()

    await agent.subscribe_core(subjects.nudge(EAST), never_done)
    for _ in range(3):
        await agent.publish_core(subjects.nudge(EAST), a_fact())
    await asyncio.wait_for(heard.wait(), 15)
    started = time.monotonic()
    await agent.close()
    await planner.close()
    # A drain with unread messages takes 30 s.
    assert time.monotonic() - started < 15
    assert stack.closed == []


async def test_the_first_connection_waits_for_the_server(stack: BusStack) -> None:
    await stack.server.stop()
    async with asyncio.TaskGroup() as group:
        connecting = group.create_task(stack.connect("planner"))
        await asyncio.sleep(0)
        await stack.server.start()
    assert connecting.result().connected


async def test_no_server_within_the_deadline_is_one_sentence(stack: BusStack) -> None:
    await stack.server.stop()
    with pytest.raises(CannotConnect) as refused:
        await Bus.connect(stack.settings("planner", deadline_s=0.3), source="test", on_closed=lambda: None)
    message = str(refused.value)
    assert stack.server.url in message
    assert "no connection within 0.3 s" in message
    assert "\n" not in message


async def test_a_wrong_password_is_told_and_not_shown(stack: BusStack) -> None:
    path = stack.accounts / "planner.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"password": "wrong-one"}))
    with pytest.raises(CannotConnect, match=r"(?i)authorization") as refused:
        await Bus.connect(stack.settings("planner", deadline_s=1.5), source="test", on_closed=lambda: None)
    assert "wrong-one" not in str(refused.value)


async def test_a_server_that_takes_only_small_messages_is_refused(tmp_path: Path) -> None:
    server = NatsServer(tmp_path)
    await server.start()
    credentials = tmp_path / "user.json"
    credentials.write_text(json.dumps({"url": server.url, "user": "u", "password": "p", "inbox_prefix": "_INBOX_u"}))
    try:
        with pytest.raises(CannotConnect, match="max_payload is 1048576 bytes"):
            await Bus.connect(BusSettings(nats_credentials_file=credentials), source="test", on_closed=lambda: None)
    finally:
        await server.stop()


@pytest.mark.parametrize(
    ("content", "problem"),
    [("{", "Invalid JSON"), ('{"url": "nats://x", "user": "u", "inbox_prefix": "i"}', "password: Field required")],
)
def test_a_credentials_file_that_is_wrong_says_where(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "planner.json"
    path.write_text(content)
    with pytest.raises(CredentialsInvalid, match=problem):
        read_credentials(path)


async def test_an_answer_comes_back_and_a_refusal_is_told(stack: BusStack) -> None:
    agent, gateway = await stack.connect("cluster-east"), await stack.connect("gateway")

    async def answer(envelope: Envelope) -> AgentBeat:
        if envelope.data["nonce"] == 0:
            return a_beat()
        raise Rejected("no such pod")

    await agent.serve(subjects.rpc(EAST, "logs"), answer)
    told = await answered(gateway, subjects.rpc(EAST, "logs"), a_command(nonce=0))
    assert AgentBeat.model_validate(told.data) == a_beat()
    with pytest.raises(Rejected, match="no such pod"):
        await gateway.request(subjects.rpc(EAST, "logs"), a_command(nonce=1))
