"""Waiting that a stop cuts short."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Stopping(Protocol):
    """The signal that ends a process, such as `shared.runtime.Stopping` or an asyncio.Event."""

    def is_set(self) -> bool:
        """Whether to stop."""
        ...

    async def wait(self) -> object:
        """Wait until it is set."""
        ...


async def unless_stopped(stopping: Stopping, work: Coroutine[Any, Any, T]) -> T | None:
    """The result of the work, or None when the stop came first; the work is cancelled then."""
    outcome: list[T | Exception] = []

    async def record() -> None:
        # Not raised inside the group, which would wrap it in an ExceptionGroup.
        try:
            outcome.append(await work)
        except Exception as error:  # noqa: BLE001  # raised again below, in the caller's own task
            outcome.append(error)

    async with asyncio.TaskGroup() as group:
        tasks = (group.create_task(_wait(stopping)), group.create_task(record()))
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
    if not outcome:
        return None
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    return outcome[0]


async def until_stopped(stopping: Stopping, items: AsyncIterator[T]) -> AsyncIterator[T]:
    """The items until there are no more or the stop comes."""
    while not stopping.is_set():
        item = await unless_stopped(stopping, _next(items))
        if item is None:
            return
        yield item


async def sleep_unless_stopped(stopping: Stopping, seconds: float) -> None:
    """Sleep, but no longer than until the stop."""
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return


async def _wait(stopping: Stopping) -> None:
    await stopping.wait()


async def _next(items: AsyncIterator[T]) -> T | None:
    return await anext(items, None)
