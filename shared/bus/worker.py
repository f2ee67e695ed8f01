"""The loop of every consumer: fetch, hand to a handler, settle; `settling` has the table of outcomes."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from functools import partial
from typing import Any

from shared.bus.backoff import backoff_s
from shared.bus.consumer import Consumer
from shared.bus.delivery import Delivery
from shared.bus.replaying import Replayed
from shared.bus.settling import BatchHandler, Handler, Parking, Settler, alone
from shared.bus.topology import ACK_WAIT_S
from shared.errors import Retryable
from shared.logging import get_logger
from shared.runtime.stopping import Stopping

logger = get_logger(__name__)

MAX_DELIVERIES = 20
"""Of a message whose handler breaks: with the back-off about a quarter of an hour."""
_FETCH_TIMEOUT_S = 1.0
_FETCH_BACKOFF_LIMIT_S = 5.0

_Process = Callable[[list[Delivery]], Awaitable[None]]
_Replay = Callable[[Stopping], Coroutine[Any, Any, None]]


async def work(
    consumer: Consumer,
    handler: Handler,
    *,
    stopping: Stopping,
    park: Parking,
    concurrency: int,
    newer: Handler | None = None,
    max_deliveries: int = MAX_DELIVERIES,
) -> None:
    """Handle messages one by one, up to `concurrency` at a time, until the stop; then finish those in flight.

    What the consumer parked is given back to the handler too: on request, and by itself once it may be understood.
    `newer` takes messages of a version that this build does not know, instead of their being parked.
    """
    settler = Settler(park, newer=newer, max_deliveries=max_deliveries)

    async def process(deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            await settler.one(delivery, handler)

    async def again(delivery: Delivery, parked_for: str) -> Replayed:
        return await settler.again(delivery, handler, parked_for)

    replay = partial(park.replay, again)
    await _pump(consumer, process, replay, stopping=stopping, concurrency=concurrency, batch=1)


async def work_batches(
    consumer: Consumer,
    handler: BatchHandler,
    *,
    stopping: Stopping,
    park: Parking,
    batch: int,
    concurrency: int = 1,
    max_deliveries: int = MAX_DELIVERIES,
) -> None:
    """Handle messages by the batch, until the stop; then finish those in flight.

    The handler may settle deliveries itself; those that it leaves are acknowledged when it returns. When it raises
    anything but Retryable, those are tried again one by one: what cannot be handled is found, and the others go on.
    """
    settler = Settler(park, newer=None, max_deliveries=max_deliveries)

    async def process(deliveries: list[Delivery]) -> None:
        await settler.batch(deliveries, handler)

    async def again(delivery: Delivery, parked_for: str) -> Replayed:
        return await settler.again(delivery, partial(alone, handler), parked_for)

    replay = partial(park.replay, again)
    await _pump(consumer, process, replay, stopping=stopping, concurrency=concurrency, batch=batch)


async def _pump(
    consumer: Consumer, process: _Process, replay: _Replay, *, stopping: Stopping, concurrency: int, batch: int
) -> None:
    """Fetch only what has a free slot, so that nothing waits here while its ack_wait runs out."""
    slots = _Slots(concurrency)
    try:
        async with asyncio.TaskGroup() as group:
            keeper = group.create_task(_keep_alive(slots), name=f"{consumer.durable}/keep-alive")
            group.create_task(replay(stopping), name=f"{consumer.durable}/replay")
            failures = 0
            while free := await slots.wait_free(stopping):
                try:
                    deliveries = await consumer.fetch(free * batch, _FETCH_TIMEOUT_S)
                    failures = 0
                except Retryable as error:
                    failures += 1
                    _log_trouble(consumer, error, failures)
                    await stopping.sleep(backoff_s(failures, limit_s=_FETCH_BACKOFF_LIMIT_S))
                    continue
                for start in range(0, len(deliveries), batch):
                    taken = deliveries[start : start + batch]
                    slots.take(taken)
                    name = f"{consumer.durable}/{taken[0].stream_sequence}"
                    group.create_task(_occupy(slots, taken, process), name=name)
            await slots.wait_empty()
            keeper.cancel()
    finally:
        try:
            await consumer.close()
        except Retryable as error:
            logger.debug("consumer_close_failed", consumer=consumer.durable, error=str(error))


async def _occupy(slots: "_Slots", taken: list[Delivery], process: _Process) -> None:
    try:
        await process(taken)
    finally:
        slots.give_back(taken)


async def _keep_alive(slots: "_Slots") -> None:
    """Start the ack_wait of everything in flight anew, in time: a handler may take as long as it needs."""
    while True:
        await asyncio.sleep(ACK_WAIT_S / 3)
        for delivery in slots.in_flight():
            try:
                await delivery.in_progress()
            except Retryable as error:
                logger.debug("keep_alive_failed", subject=delivery.subject, error=str(error))


def _log_trouble(consumer: Consumer, error: Retryable, failures: int) -> None:
    # A bus that is away is one line, not one for every try.
    log = logger.warning if failures == 1 else logger.debug
    log("fetch_failed", consumer=consumer.durable, error=str(error), failures=failures)


class _Slots:
    """Bounds what is in flight."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._free = count
        self._held: dict[int, Delivery] = {}
        self._changed = asyncio.Event()

    def in_flight(self) -> list[Delivery]:
        return list(self._held.values())

    def take(self, deliveries: Iterable[Delivery]) -> None:
        self._free -= 1
        self._held |= {id(delivery): delivery for delivery in deliveries}

    def give_back(self, deliveries: Iterable[Delivery]) -> None:
        self._free += 1
        for delivery in deliveries:
            del self._held[id(delivery)]
        self._changed.set()

    async def wait_free(self, stopping: Stopping) -> int:
        """Return how many are free; 0 when the stop came first."""
        while self._free == 0 and not stopping.is_set():
            await self._wait_changed()
        return 0 if stopping.is_set() else self._free

    async def wait_empty(self) -> None:
        while self._free < self._count:
            await self._wait_changed()

    async def _wait_changed(self) -> None:
        self._changed.clear()
        try:
            async with asyncio.timeout(_FETCH_TIMEOUT_S):
                await self._changed.wait()
        except TimeoutError:
            # So that the caller looks at the stop again.
            return
