"""Parked messages come back to the consumer that parked them: on request, and by themselves once understood."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from shared.bus import Batch, Bus, Delivery, Parker, decode, topology, work, work_batches
from shared.bus.parked import Parked, list_parked
from shared.bus.replaying import NotReplayable, Replayed, ReplayParked, ask_replay
from shared.contracts import subjects
from shared.contracts.envelope import Envelope
from shared.contracts.facts import FACT, ObjectsPruned
from shared.contracts.identity import ClusterName
from shared.contracts.versions import VERSION
from shared.errors import Rejected, Retryable
from shared.runtime.stopping import Stopping
from tests.support.bus import BusStack
from tests.support.conditions import until
from tests.support.messages import a_fact, app_ref

DURABLE = topology.DURABLE_PLANNER_FACTS
STATUS = subjects.status(ClusterName("east"), app_ref())


class Handler:
    """Notes facts; may fail first."""

    def __init__(self, *failures: Exception) -> None:
        self.nonces: list[int] = []
        self.failures = list(failures)

    async def __call__(self, _delivery: Delivery, envelope: Envelope) -> None:
        fact = decode(FACT, envelope)
        assert isinstance(fact, ObjectsPruned)
        if self.failures:
            raise self.failures.pop(0)
        self.nonces.append(fact.nonce)

    async def batch(self, batch: Batch) -> None:
        for delivery, envelope in batch:
            await self(delivery, envelope)


@asynccontextmanager
async def running(loop: Callable[[Stopping], Awaitable[None]]) -> AsyncIterator[None]:
    stopping = Stopping()

    async def run() -> None:
        await loop(stopping)

    async with asyncio.TaskGroup() as group:
        group.create_task(run())
        try:
            yield
        finally:
            stopping.request()


@asynccontextmanager
async def working(bus: Bus, handler: Handler, *, batches: bool = False) -> AsyncIterator[None]:
    """Run the planner's consumer of facts with this handler."""

    def loop(stopping: Stopping) -> Awaitable[None]:
        consumer, park = bus.consumer("STATUS", DURABLE), Parker(bus, DURABLE)
        if batches:
            return work_batches(consumer, handler.batch, stopping=stopping, park=park, batch=10)
        return work(consumer, handler, stopping=stopping, park=park, concurrency=2)

    async with running(loop):
        yield


async def parked(bus: Bus) -> list[Parked]:
    return [entry async for entry in list_parked(bus)]


async def set_aside(stack: BusStack, nonce: int, *, reason: str = "NewerVersion", version: int = VERSION) -> Parked:
    """Park a fact as a build did that did not understand it; `version` is what it is in."""
    agent, planner = await stack.connect("cluster-east"), await stack.connect("planner")
    payload = agent.wrap(a_fact(nonce=nonce)).replace(b".v1", f".v{version}".encode())
    await agent.publish_raw(STATUS, payload, headers={"Nats-Msg-Id": f"once-{nonce}"})
    (delivery,) = await planner.consumer("STATUS", DURABLE).fetch(1)
    await Parker(planner, DURABLE).park(delivery, reason=reason, error="as an older build says")
    await delivery.ack()
    return (await parked(planner))[-1]


async def ask(bus: Bus, entry: Parked) -> Replayed:
    """Ask until somebody serves."""
    answers: list[Replayed] = []

    async def answered() -> bool:
        try:
            answers.append(await ask_replay(bus, entry))
        except Retryable:
            return False
        return True

    await until(answered)
    return answers[0]


@pytest.mark.parametrize("batches", [False, True])
async def test_a_newer_message_comes_back_by_itself_once_it_is_understood(stack: BusStack, *, batches: bool) -> None:
    await set_aside(stack, 1)
    still_newer = await set_aside(stack, 2, version=VERSION + 1)
    malformed = await set_aside(stack, 3, reason="Malformed")
    planner, handler = await stack.connect("planner"), Handler()
    async with working(planner, handler, batches=batches):
        await until(lambda: handler.nonces == [1])
        await until(lambda: _are_parked(planner, [still_newer, malformed]))
    assert handler.nonces == [1], "what is not understood yet stays, and so does what nobody asked for"


async def _are_parked(bus: Bus, entries: list[Parked]) -> bool:
    return await parked(bus) == entries


async def test_what_an_older_replica_parks_meanwhile_comes_back_too(stack: BusStack) -> None:
    planner, handler = await stack.connect("planner"), Handler()
    async with working(planner, handler):
        agent = await stack.connect("cluster-east")
        await agent.publish(STATUS, a_fact(nonce=1))
        await until(lambda: handler.nonces == [1])
        await _park_beside(stack, nonce=2)
        await until(lambda: handler.nonces.count(2) == 2, timeout_s=15)


async def _park_beside(stack: BusStack, nonce: int) -> None:
    """Park what another replica was given: read along, so that the one under test cannot be faster."""
    record, planner = await stack.connect("record"), await stack.connect("planner")
    agent = await stack.connect("cluster-east")
    newer = agent.wrap(a_fact(app=app_ref("other"), nonce=nonce))
    await agent.publish_raw(subjects.status(ClusterName("east"), app_ref("other")), newer, headers={})
    found = [d for d in await record.consumer("STATUS", "record-facts").fetch(10) if d.subject.endswith("other")]
    await Parker(planner, DURABLE).park(found[0], reason="NewerVersion", error="")


async def test_one_that_cannot_be_handled_now_is_tried_again(stack: BusStack) -> None:
    await set_aside(stack, 1)
    planner, handler = await stack.connect("planner"), Handler(Retryable("the store is away"))
    async with working(planner, handler):
        await until(lambda: handler.nonces == [1], timeout_s=15)
        await until(lambda: _are_parked(planner, []))


async def test_on_request_a_message_is_handled_without_being_published_again(stack: BusStack) -> None:
    entry = await set_aside(stack, 1, reason="HandlerFailed")
    planner, gateway, handler = await stack.connect("planner"), await stack.connect("gateway"), Handler()
    async with working(planner, handler):
        assert (await ask(gateway, entry)).outcome == "handled"
    assert handler.nonces == [1]
    assert await parked(gateway) == []
    assert (await planner.jetstream.stream_info("STATUS")).state.messages == 1


async def test_a_message_that_is_refused_again_stays_as_it_was(stack: BusStack) -> None:
    entry = await set_aside(stack, 1, reason="Outdated")
    planner, gateway = await stack.connect("planner"), await stack.connect("gateway")
    handler = Handler(Rejected("too late", reason="Outdated"))
    async with working(planner, handler):
        replayed = await ask(gateway, entry)
    assert (replayed.outcome, replayed.reason, replayed.error) == ("refused", "Outdated", "too late")
    assert await parked(gateway) == [entry]


async def test_a_message_that_is_refused_for_another_reason_says_so(stack: BusStack) -> None:
    entry = await set_aside(stack, 1, reason="HandlerFailed")
    planner, gateway = await stack.connect("planner"), await stack.connect("gateway")
    async with working(planner, Handler(Rejected("too late", reason="Outdated"))):
        assert (await ask(gateway, entry)).reason == "Outdated"
    (again,) = await parked(gateway)
    assert (again.message.reason, again.message.payload) == ("Outdated", entry.message.payload)


async def test_a_consumer_gives_no_other_consumers_message_to_its_handler(stack: BusStack) -> None:
    entry = await set_aside(stack, 1, reason="HandlerFailed")
    record, gateway, handler = await stack.connect("record"), await stack.connect("gateway"), Handler()

    def loop(stopping: Stopping) -> Awaitable[None]:
        durable = topology.DURABLE_RECORD_FACTS
        return work_batches(
            record.consumer("STATUS", durable), handler.batch, stopping=stopping, park=Parker(record, durable), batch=10
        )

    async with running(loop):
        # Its own copy of the fact.
        await until(lambda: handler.nonces == [1])
        with pytest.raises(Rejected, match="no parked message"):
            await gateway.request(subjects.replay("record-facts"), ReplayParked(sequence=entry.sequence))
    assert handler.nonces == [1]


async def test_what_a_consumer_cannot_have_been_given_is_not_replayed(stack: BusStack) -> None:
    entry = await set_aside(stack, 1)
    strange = entry.message.model_copy(update={"subject": subjects.spec(app_ref())})
    with pytest.raises(NotReplayable, match="planner-facts gets nothing from"):
        await ask_replay(await stack.connect("gateway"), Parked(entry.sequence, strange))


async def test_without_its_consumer_a_message_stays_parked(stack: BusStack) -> None:
    entry = await set_aside(stack, 1)
    with pytest.raises(Retryable):
        await ask_replay(await stack.connect("gateway"), entry)
    assert await parked(await stack.connect("gateway")) == [entry]


async def test_replays_go_on_after_the_stream_was_lost(stack: BusStack) -> None:
    await set_aside(stack, 1)
    planner, handler = await stack.connect("planner"), Handler()
    async with working(planner, handler):
        await until(lambda: handler.nonces == [1])
        for name in ("STATUS", "PARKED"):
            await planner.jetstream.delete_stream(name)
        await topology.ensure(planner, [ClusterName("east")])
        await _park_beside(stack, nonce=2)
        await until(lambda: handler.nonces.count(2) == 2, timeout_s=20)
