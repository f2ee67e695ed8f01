import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from shared.bus import Batch, Bus, Delivery, Parker, decode, topology, work, work_batches
from shared.bus.parked import Parked, list_parked
from shared.contracts import subjects
from shared.contracts.envelope import Envelope
from shared.contracts.facts import FACT, ObjectsPruned
from shared.contracts.identity import ClusterName
from shared.contracts.versions import VERSION
from shared.errors import Fatal, Rejected, Retryable
from shared.runtime import trace
from shared.runtime.stopping import Stopping
from tests.support.bus import BusStack
from tests.support.conditions import until
from tests.support.messages import a_fact, app_ref

EAST = ClusterName("east")
DURABLE = "planner-facts"
STATUS = subjects.status(EAST, app_ref())


@asynccontextmanager
async def running(task: Callable[[Stopping], Awaitable[None]]) -> AsyncIterator[Stopping]:
    """Run a worker within the scope and stop it at its end."""
    stopping = Stopping()

    async def run() -> None:
        await task(stopping)

    async with asyncio.TaskGroup() as group:
        group.create_task(run())
        try:
            yield stopping
        finally:
            stopping.request()


@asynccontextmanager
async def working(
    bus: Bus,
    handler: Callable[[Delivery, Envelope], Awaitable[None]],
    *,
    concurrency: int = 4,
    newer: Callable[[Delivery, Envelope], Awaitable[None]] | None = None,
    max_deliveries: int = 20,
) -> AsyncIterator[Stopping]:
    def task(stopping: Stopping) -> Awaitable[None]:
        return work(
            bus.consumer("STATUS", DURABLE),
            handler,
            stopping=stopping,
            park=Parker(bus, DURABLE),
            concurrency=concurrency,
            newer=newer,
            max_deliveries=max_deliveries,
        )

    async with running(task) as stopping:
        yield stopping


async def publish(stack: BusStack, count: int, *, first: int = 0) -> None:
    agent = await stack.connect("cluster-east")
    for nonce in range(first, first + count):
        await agent.publish(STATUS, a_fact(nonce=nonce))


async def all_settled(bus: Bus) -> bool:
    # A durable counts as pending what is stored only a moment later.
    stored = (await bus.jetstream.stream_info("STATUS")).state.last_seq
    info = await bus.jetstream.consumer_info("STATUS", DURABLE)
    return info.ack_floor is not None and info.ack_floor.stream_seq >= stored


async def parked(bus: Bus) -> list[Parked]:
    return [entry async for entry in list_parked(bus)]


class Recorder:
    """A handler that notes what it gets, and may do something first."""

    def __init__(self, *actions: Exception) -> None:
        self.nonces: list[int] = []
        self.deliveries: list[int] = []
        self._actions = list(actions)

    async def __call__(self, delivery: Delivery, envelope: Envelope) -> None:
        fact = decode(FACT, envelope)
        assert isinstance(fact, ObjectsPruned)
        self.deliveries.append(delivery.num_delivered)
        if self._actions:
            raise self._actions.pop(0)
        self.nonces.append(fact.nonce)


async def test_messages_are_handled_and_acknowledged(stack: BusStack) -> None:
    planner, handler = await stack.connect("planner"), Recorder()
    await publish(stack, 20)
    async with working(planner, handler):
        await until(lambda: len(handler.nonces) == 20)
        await until(lambda: all_settled(planner))
    assert sorted(handler.nonces) == list(range(20))
    assert await parked(planner) == []


async def test_no_more_than_the_concurrency_is_in_flight(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    await publish(stack, 10)
    now, most, release = 0, 0, asyncio.Event()

    async def handler(_delivery: Delivery, _envelope: Envelope) -> None:
        nonlocal now, most
        now += 1
        most = max(most, now)
        await release.wait()
        now -= 1

    async with working(planner, handler, concurrency=3):
        await until(lambda: now == 3)
        info = await planner.jetstream.consumer_info("STATUS", DURABLE)
        assert info.num_ack_pending == 3, "what has no slot stays in the stream"
        release.set()
        await until(lambda: all_settled(planner))
    assert most == 3


async def test_a_handler_works_under_the_trace_of_its_message(stack: BusStack) -> None:
    planner, agent = await stack.connect("planner"), await stack.connect("cluster-east")
    trace.adopt("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    await agent.publish(STATUS, a_fact())
    trace.adopt(None)
    seen: list[str] = []

    async def handler(_delivery: Delivery, _envelope: Envelope) -> None:
        seen.append(trace.traceparent())

    async with working(planner, handler):
        await until(lambda: len(seen) == 1)
    assert seen[0].split("-")[1] == "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"not json", "Malformed"),
        (b"\x78\x9cbroken", "Malformed"),
        (b'{"specversion":"1.0"}', "Malformed"),
    ],
)
async def test_what_is_no_envelope_is_parked_with_its_bytes(stack: BusStack, payload: bytes, reason: str) -> None:
    planner, agent, handler = await stack.connect("planner"), await stack.connect("cluster-east"), Recorder()
    await agent.publish_raw(STATUS, payload, headers={"X-From": "test"})
    async with working(planner, handler):
        await until(lambda: all_settled(planner))
    ((_, message),) = await parked(planner)
    assert (message.consumer, message.subject, message.reason) == (DURABLE, STATUS, reason)
    assert message.payload == payload
    assert message.headers["X-From"] == "test"
    assert handler.deliveries == []


async def test_a_payload_that_names_another_application_than_its_subject_is_parked(stack: BusStack) -> None:
    planner, agent, handler = await stack.connect("planner"), await stack.connect("cluster-east"), Recorder()
    await agent.publish(STATUS, a_fact(app=app_ref("other")))
    await agent.publish(STATUS, a_fact("we.st"))
    async with working(planner, handler):
        await until(lambda: all_settled(planner))
    assert [entry.message.reason for entry in await parked(planner)] == ["IdentityMismatch", "IdentityMismatch"]
    assert handler.deliveries == []


async def test_a_payload_that_is_no_fact_is_parked(stack: BusStack) -> None:
    planner, agent, handler = await stack.connect("planner"), await stack.connect("cluster-east"), Recorder()
    envelope = agent.wrap(a_fact()).replace(b'"type":"ObjectsPruned"', b'"type":"Surprise"')
    await agent.publish_raw(STATUS, envelope, headers={})
    async with working(planner, handler):
        await until(lambda: all_settled(planner))
    ((_, message),) = await parked(planner)
    assert message.reason == "UnknownType"


def of_the_next_version(bus: Bus) -> bytes:
    return bus.wrap(a_fact()).replace(b".v1", f".v{VERSION + 1}".encode())


async def test_a_newer_message_is_parked_as_such(stack: BusStack) -> None:
    planner, agent, handler = await stack.connect("planner"), await stack.connect("cluster-east"), Recorder()
    await agent.publish_raw(STATUS, of_the_next_version(agent), headers={})
    async with working(planner, handler):
        await until(lambda: all_settled(planner))
    ((_, message),) = await parked(planner)
    assert message.reason == "NewerVersion"


async def test_a_newer_message_goes_to_who_can_answer_it(stack: BusStack) -> None:
    planner, agent, handler = await stack.connect("planner"), await stack.connect("cluster-east"), Recorder()
    answered: list[Envelope] = []

    async def newer(_delivery: Delivery, envelope: Envelope) -> None:
        answered.append(envelope)

    await agent.publish_raw(STATUS, of_the_next_version(agent), headers={})
    async with working(planner, handler, newer=newer):
        await until(lambda: all_settled(planner))
    assert [envelope.data["nonce"] for envelope in answered] == [0]
    assert await parked(planner) == []


async def test_a_refusal_is_parked_with_its_reason(stack: BusStack) -> None:
    planner, handler = await stack.connect("planner"), Recorder(Rejected("never heard of it", reason="NoSuchRun"))
    await publish(stack, 2)
    async with working(planner, handler, concurrency=1):
        await until(lambda: all_settled(planner))
    ((_, message),) = await parked(planner)
    assert (message.reason, message.error) == ("NoSuchRun", "never heard of it")
    assert handler.nonces == [1]


async def test_what_may_succeed_later_comes_again(stack: BusStack) -> None:
    handler = Recorder(Retryable("busy", retry_after_s=0.1), Retryable("busy", retry_after_s=0.1))
    planner = await stack.connect("planner")
    await publish(stack, 1)
    async with working(planner, handler):
        await until(lambda: handler.nonces == [0])
    assert handler.deliveries == [1, 2, 3]
    assert await parked(planner) == []


async def test_a_handler_that_breaks_is_tried_again_and_parked_in_the_end(stack: BusStack) -> None:
    planner, handler = await stack.connect("planner"), Recorder(*[ZeroDivisionError("bug")] * 2)
    await publish(stack, 1)
    async with working(planner, handler, max_deliveries=2):
        await until(lambda: all_settled(planner))
    ((_, message),) = await parked(planner)
    assert (message.reason, message.error) == ("HandlerFailed", "ZeroDivisionError('bug')")
    assert handler.deliveries == [1, 2]


async def test_a_message_that_cannot_be_parked_is_not_lost(stack: BusStack) -> None:
    planner, handler = await stack.connect("planner"), Recorder(Rejected("no"))
    await planner.jetstream.delete_stream("PARKED")
    await publish(stack, 1)
    async with working(planner, handler):
        await until(lambda: handler.deliveries == [1, 2], timeout_s=20)
    assert handler.nonces == [0]


async def test_a_stop_finishes_what_is_in_flight_and_takes_nothing_new(stack: BusStack) -> None:
    planner = await stack.connect("planner")
    await publish(stack, 3)
    started, release, done = asyncio.Event(), asyncio.Event(), []

    async def handler(delivery: Delivery, _envelope: Envelope) -> None:
        started.set()
        await release.wait()
        done.append(delivery.stream_sequence)

    async with working(planner, handler, concurrency=1) as stopping:
        await started.wait()
        stopping.request()
        release.set()
    assert done == [1]

    async def only_the_first_is_settled() -> bool:
        info = await planner.jetstream.consumer_info("STATUS", DURABLE)
        return (info.num_pending, info.num_ack_pending) == (2, 0)

    await until(only_the_first_is_settled)


async def test_a_cancelled_handler_hands_its_message_back_at_once(stack: BusStack) -> None:
    planner, started = await stack.connect("planner"), asyncio.Event()
    await publish(stack, 1)

    async def handler(_delivery: Delivery, _envelope: Envelope) -> None:
        started.set()
        await asyncio.Event().wait()

    working_task = work(
        planner.consumer("STATUS", DURABLE),
        handler,
        stopping=Stopping(),
        park=Parker(planner, DURABLE),
        concurrency=1,
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(working_task)
        await started.wait()
        task.cancel()
    (again,) = await planner.consumer("STATUS", DURABLE).fetch(1, timeout_s=2)
    assert again.num_delivered == 2


@pytest.mark.parametrize("disaster", ["restart", "kill", "wipe", "delete stream", "delete durable"])
async def test_a_worker_goes_on_after(stack: BusStack, disaster: str) -> None:
    planner, handler = await stack.connect("planner"), Recorder()

    async def clusters() -> list[ClusterName]:
        return stack.clusters

    async with running(lambda stopping: topology.keep(planner, clusters, stopping)), working(planner, handler):
        await publish(stack, 1)
        await until(lambda: handler.nonces == [0])
        match disaster:
            case "restart":
                await stack.server.restart()
            case "kill":
                await stack.server.kill()
                await stack.server.start()
            case "wipe":
                await stack.server.wipe()
            case "delete stream":
                await planner.jetstream.delete_stream("STATUS")
            case _:
                await planner.jetstream.delete_consumer("STATUS", DURABLE)
        agent = await stack.connect("cluster-east")

        async def published() -> bool:
            try:
                await agent.publish(STATUS, a_fact(nonce=1))
            except Retryable:
                return False
            return True

        await until(published)
        await until(lambda: 1 in handler.nonces)


async def test_a_purged_stream_leaves_the_worker_running(stack: BusStack) -> None:
    planner, handler = await stack.connect("planner"), Recorder()
    await publish(stack, 3)
    await planner.jetstream.purge_stream("STATUS")
    async with working(planner, handler):
        await publish(stack, 1, first=7)
        await until(lambda: handler.nonces == [7])


@asynccontextmanager
async def working_batches(bus: Bus, handler: Callable[[Batch], Awaitable[None]]) -> AsyncIterator[Stopping]:
    def task(stopping: Stopping) -> Awaitable[None]:
        return work_batches(
            bus.consumer("STATUS", DURABLE), handler, stopping=stopping, park=Parker(bus, DURABLE), batch=10
        )

    async with running(task) as stopping:
        yield stopping


async def test_batches_are_handled_together_and_acknowledged(stack: BusStack) -> None:
    planner, sizes = await stack.connect("planner"), []
    await publish(stack, 25)

    async def handler(batch: Batch) -> None:
        sizes.append(len(batch))

    async with working_batches(planner, handler):
        await until(lambda: all_settled(planner))
    assert sum(sizes) == 25
    assert sizes[:2] == [10, 10]


async def test_one_bad_message_of_a_batch_is_parked_and_the_others_are_handled(stack: BusStack) -> None:
    planner, agent = await stack.connect("planner"), await stack.connect("cluster-east")
    done: list[int] = []
    await publish(stack, 3)
    await agent.publish_raw(STATUS, b"junk", headers={})

    async def handler(batch: Batch) -> None:
        if any(envelope.data["nonce"] == 1 for _, envelope in batch):
            raise Rejected("poison", reason="Quarantined")
        done.extend(envelope.data["nonce"] for _, envelope in batch)

    async with working_batches(planner, handler):
        await until(lambda: all_settled(planner))
    assert sorted(done) == [0, 2]
    assert sorted(entry.message.reason for entry in await parked(planner)) == ["Malformed", "Quarantined"]


async def test_a_batch_handler_may_settle_some_and_hand_back_the_rest(stack: BusStack) -> None:
    planner, seen = await stack.connect("planner"), []
    await publish(stack, 4)

    async def handler(batch: Batch) -> None:
        for delivery, envelope in batch:
            seen.append((envelope.data["nonce"], delivery.num_delivered))
            if envelope.data["nonce"] < 2:
                await delivery.ack()
        if any(delivery.num_delivered == 1 for delivery, _ in batch):
            raise Retryable("database is away", retry_after_s=0.1)

    async with working_batches(planner, handler):
        await until(lambda: all_settled(planner))
    assert sorted(seen) == [(0, 1), (1, 1), (2, 1), (2, 2), (3, 1), (3, 2)]


async def test_a_fatal_error_of_a_handler_does_not_lose_the_message(stack: BusStack) -> None:
    planner, handler = await stack.connect("planner"), Recorder(Fatal("broken"))
    await publish(stack, 1)
    async with working(planner, handler):
        await until(lambda: handler.nonces == [0])
