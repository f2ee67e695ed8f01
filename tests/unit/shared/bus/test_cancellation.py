import asyncio
from contextlib import suppress

import pytest

from shared.bus.cancellation import cancellable


async def test_a_cancellation_that_a_library_dropped_is_raised_again() -> None:
    waiting = asyncio.Event()

    @cancellable
    async def careless() -> str:
        waiting.set()
        with suppress(asyncio.CancelledError):
            await asyncio.Event().wait()
        return "an answer"

    async with asyncio.TaskGroup() as group:
        task = group.create_task(careless())
        await waiting.wait()
        task.cancel()
    assert task.cancelled()


async def test_what_nobody_cancelled_answers_and_fails_as_ever() -> None:
    @cancellable
    async def divide(number: int) -> float:
        return 1 / number

    assert await divide(2) == 0.5
    with pytest.raises(ZeroDivisionError):
        await divide(0)


async def test_what_a_cancelled_task_still_has_to_do_can_be_done() -> None:
    done: list[str] = []

    @cancellable
    async def last_words() -> None:
        await asyncio.sleep(0)
        done.append("said")

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await last_words()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
    assert done == ["said"]
