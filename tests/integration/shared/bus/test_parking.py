import os

import pytest

from shared.bus import Bus, Delivery, Parker
from shared.bus.parking import Parked, drop, list_parked, replay, replay_understood
from shared.bus.topology import executor_durable
from shared.contracts import subjects
from shared.contracts.envelope import VERSION
from shared.contracts.identity import PRUNE, ClusterName
from shared.errors import Rejected
from tests.support.bus import BusStack
from tests.support.messages import a_command, a_fact, app_ref

EAST, WEST = ClusterName("east"), ClusterName("we.st")
RUN = subjects.run(app_ref())


async def a_delivery(bus: Bus, payload: bytes, headers: dict[str, str] | None = None) -> Delivery:
    await bus.publish_raw(RUN, payload, headers=headers or {}, limit_bytes=8 * 1024**2)
    (delivery,) = await bus.consumer("RUNS", "record-runs").fetch(1)
    return delivery


async def parked(bus: Bus, consumer: str = "*") -> list[Parked]:
    return [entry async for entry in list_parked(bus, consumer)]


async def test_a_parked_message_keeps_everything(stack: BusStack) -> None:
    planner, admin = await stack.connect("planner"), await stack.connect("admin")
    delivery = await a_delivery(planner, b"\x00\xffjunk", {"X-A": "1"})
    await Parker(planner, "record-runs").park(delivery, reason="Malformed", error="no envelope")
    ((_, message),) = await parked(admin)
    assert message.payload == b"\x00\xffjunk"
    assert (message.subject, message.headers) == (RUN, {"X-A": "1"})
    assert (message.stream, message.stream_sequence) == ("RUNS", 1)


async def test_an_agent_of_a_cluster_with_dots_parks_on_its_own_subject(stack: BusStack) -> None:
    planner, agent = await stack.connect("planner"), await stack.connect("cluster-we.st")
    await planner.publish(subjects.step(WEST, app_ref(), PRUNE), a_command("we.st"))
    durable = executor_durable(WEST)
    (delivery,) = await agent.consumer("STEPS", durable).fetch(1)
    await Parker(agent, durable).park(delivery, reason="Malformed", error="")
    assert [entry.message.consumer for entry in await parked(planner, durable)] == [durable]
    assert await parked(planner, executor_durable(EAST)) == []


async def test_the_largest_message_of_ours_is_parked_whole(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    payload = os.urandom(int(5.5 * 1024**2))
    await Parker(planner, "record-runs").park(await a_delivery(planner, payload), reason="Malformed", error="")
    ((_, message),) = await parked(planner)
    assert message.payload == payload


async def test_a_message_past_our_limit_is_parked_without_its_payload(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    payload = os.urandom(int(7.9 * 1024**2))
    await Parker(planner, "record-runs").park(await a_delivery(planner, payload), reason="Malformed", error="")
    (entry,) = await parked(planner)
    assert entry.message.payload_dropped
    with pytest.raises(Rejected, match="too large"):
        await replay(planner, entry)


async def test_a_replayed_message_is_as_it_was_and_no_longer_parked(stack: BusStack) -> None:
    planner, admin = await stack.connect("planner"), await stack.connect("admin")
    payload = planner.wrap(a_fact())
    delivery = await a_delivery(planner, payload, {"Nats-Msg-Id": "once", "X-A": "1"})
    await Parker(planner, "record-runs").park(delivery, reason="HandlerFailed", error="")
    await delivery.ack()
    (entry,) = await parked(admin)
    await replay(admin, entry)
    (again,) = await planner.consumer("RUNS", "record-runs").fetch(1)
    assert (again.subject, again.payload, again.headers) == (RUN, payload, {"X-A": "1"})
    assert await parked(admin) == []


async def test_a_dropped_message_is_gone_and_cannot_be_dropped_twice(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    await Parker(planner, "record-runs").park(await a_delivery(planner, b"x"), reason="Malformed", error="")
    (entry,) = await parked(planner)
    await drop(planner, entry.sequence)
    assert await parked(planner) == []
    with pytest.raises(Rejected, match="no parked message"):
        await drop(planner, entry.sequence)


async def test_what_is_understood_by_now_is_replayed_and_the_rest_stays(stack: BusStack) -> None:
    planner, admin = await stack.connect("planner"), await stack.connect("admin")
    known = planner.wrap(a_fact())
    unknown = known.replace(f".v{VERSION}".encode(), f".v{VERSION + 1}".encode())
    parker = Parker(planner, "record-runs")
    for payload, reason in ((known, "NewerVersion"), (unknown, "NewerVersion"), (known, "Malformed")):
        delivery = await a_delivery(planner, payload)
        await parker.park(delivery, reason=reason, error="")
        await delivery.ack()
    assert await replay_understood(admin, "record-runs") == 1
    assert [entry.message.payload for entry in await parked(admin)] == [unknown, known]
    (again,) = await planner.consumer("RUNS", "record-runs").fetch(5)
    assert again.payload == known
