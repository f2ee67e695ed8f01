import asyncio
import time

import pytest

from shared.bus import Bus, Consumer, NoStream
from shared.bus.topology import executor_durable
from shared.contracts import subjects
from shared.contracts.identity import PRUNE, ClusterName
from shared.errors import Retryable
from tests.support.bus import BusStack
from tests.support.conditions import until
from tests.support.messages import a_command, a_fact, app_ref

EAST = ClusterName("east")


async def publish_runs(bus: Bus, count: int) -> None:
    for n in range(count):
        await bus.publish(subjects.run(app_ref(f"app-{n}")), a_fact(nonce=n))


async def outstanding(bus: Bus, consumer: Consumer) -> int:
    info = await bus.jetstream.consumer_info(consumer.stream, consumer.durable)
    return (info.num_ack_pending or 0) + (info.num_pending or 0)


async def has_waiting(bus: Bus, consumer: Consumer) -> bool:
    info = await bus.jetstream.consumer_info(consumer.stream, consumer.durable)
    return (info.num_waiting or 0) > 0


async def _waits(consumer: Consumer, count: int) -> bool:
    return await consumer.pending() == count


async def cancelled_fetch(bus: Bus, consumer: Consumer) -> None:
    """Cancel a fetch whose request the server holds."""
    async with asyncio.TaskGroup() as group:
        fetching = group.create_task(consumer.fetch(1, timeout_s=2))
        await until(lambda: has_waiting(bus, consumer))
        fetching.cancel()


async def test_fetch_returns_what_is_there_without_waiting(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    await publish_runs(planner, 3)
    consumer = planner.consumer("RUNS", "record-runs")
    # It counts them a moment after they were stored.
    await until(lambda: _waits(consumer, 3))
    started = time.monotonic()
    deliveries = await consumer.fetch(10, timeout_s=2)
    assert [d.stream_sequence for d in deliveries] == [1, 2, 3]
    assert time.monotonic() - started < 1.8


async def test_fetch_waits_for_the_first_message_and_no_longer(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    consumer = planner.consumer("RUNS", "record-runs")
    async with asyncio.TaskGroup() as group:
        fetching = group.create_task(consumer.fetch(10, timeout_s=2))
        await until(lambda: has_waiting(planner, consumer))
        await publish_runs(planner, 1)
    assert len(fetching.result()) == 1


async def test_fetch_gives_up_within_two_seconds_whatever_is_asked(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    started = time.monotonic()
    assert await planner.consumer("RUNS", "record-runs").fetch(5, timeout_s=60) == []
    assert 1.8 < time.monotonic() - started < 30


async def test_what_a_cancelled_fetch_receives_comes_with_the_next(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    consumer = planner.consumer("RUNS", "record-runs")
    await cancelled_fetch(planner, consumer)
    await publish_runs(planner, 2)
    found = await consumer.fetch(10)
    if len(found) == 1:
        found += await consumer.fetch(10)
    assert sorted(delivery.stream_sequence for delivery in found) == [1, 2]


async def test_closing_hands_back_what_nobody_fetched(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    first, second = planner.consumer("RUNS", "record-runs"), planner.consumer("RUNS", "record-runs")
    await cancelled_fetch(planner, first)
    await publish_runs(planner, 1)
    await until(lambda: first._subscription is not None and first._subscription.pending_msgs > 0)
    await first.close()
    (delivery,) = await second.fetch(1)
    assert delivery.num_delivered == 2


async def test_an_acknowledged_message_does_not_come_again_and_ack_is_idempotent(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    await publish_runs(planner, 1)
    consumer = planner.consumer("RUNS", "record-runs")
    (delivery,) = await consumer.fetch(1)
    await delivery.ack()
    await delivery.ack()
    await delivery.nak()
    await delivery.term()
    await delivery.in_progress()
    assert await consumer.fetch(1, timeout_s=0.2) == []
    assert await outstanding(planner, consumer) == 0


async def test_a_message_handed_back_comes_again_after_its_delay(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    await publish_runs(planner, 1)
    consumer = planner.consumer("RUNS", "record-runs")
    (delivery,) = await consumer.fetch(1)
    handed_back = time.monotonic()
    await delivery.nak(0.5)
    (again,) = await consumer.fetch(1)
    assert again.num_delivered == 2
    assert time.monotonic() - handed_back >= 0.5


async def test_a_terminated_message_never_comes_again(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    await publish_runs(planner, 1)
    consumer = planner.consumer("RUNS", "record-runs")
    (delivery,) = await consumer.fetch(1)
    await delivery.term()
    assert await consumer.fetch(1, timeout_s=0.2) == []


async def test_a_mailbox_keeps_only_the_last_command_of_a_step(stack: BusStack) -> None:
    planner, agent = await stack.connect("planner"), await stack.connect("cluster-east")
    subject = subjects.step(EAST, app_ref(), PRUNE)
    consumer = agent.consumer("STEPS", executor_durable(EAST))
    await planner.publish(subject, a_command(nonce=0))
    (superseded,) = await consumer.fetch(1)
    await planner.publish(subject, a_command(nonce=1))
    (delivery,) = await consumer.fetch(1)
    assert b'"nonce":1' in delivery.payload
    await superseded.ack()
    await delivery.ack()
    assert await consumer.fetch(1, timeout_s=0.2) == []


async def test_a_missing_durable_is_said_at_once_and_found_again_when_it_is_back(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    consumer = planner.consumer("RUNS", "record-runs")
    await consumer.fetch(1, timeout_s=0.1)
    await planner.jetstream.delete_consumer("RUNS", "record-runs")
    with pytest.raises(NoStream):
        await consumer.fetch(1, timeout_s=2)
    assert planner.topology_suspect.is_set()
    await stack.ensure()
    await publish_runs(planner, 1)
    assert len(await consumer.fetch(1)) == 1


async def test_deleting_a_durable_under_a_fetch_is_noticed(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    consumer = planner.consumer("RUNS", "record-runs")

    async def fetch() -> None:
        with pytest.raises(NoStream):
            await consumer.fetch(1, timeout_s=2)

    async with asyncio.TaskGroup() as group:
        group.create_task(fetch())
        await until(lambda: has_waiting(planner, consumer))
        await planner.jetstream.delete_consumer("RUNS", "record-runs")


async def test_an_agent_in_its_own_account_notices_a_missing_durable_too(stack: BusStack) -> None:
    planner, agent = await stack.connect("planner"), await stack.connect("cluster-east")
    await planner.jetstream.delete_consumer("STEPS", executor_durable(EAST))
    with pytest.raises(NoStream):
        await agent.consumer("STEPS", executor_durable(EAST)).fetch(1)


async def test_a_consumer_goes_on_after_a_restart_of_the_server(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    consumer = planner.consumer("RUNS", "record-runs")
    await consumer.fetch(1, timeout_s=0.1)

    async def fetch_until_it_fails() -> None:
        while True:
            await consumer.fetch(1, timeout_s=0.2)

    async with asyncio.TaskGroup() as group:
        group.create_task(stack.server.restart())
        with pytest.raises(Retryable):
            await fetch_until_it_fails()
    await until(lambda: planner.connected)
    await publish_runs(planner, 1)
    assert len(await consumer.fetch(1)) == 1
