"""Waits for a state by reading it, never for a time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

_INTERVAL_S = 0.05


async def eventually(
    read: Callable[[], Awaitable[T]],
    holds: Callable[[T], object],
    *,
    within_s: float = 30.0,
) -> T:
    """Read until it holds, and return what was read then; a KeyError in `holds` means that a field is not there yet."""
    seen: T | None = None
    try:
        async with asyncio.timeout(within_s):
            while True:
                seen = await read()
                if held(holds, seen):
                    return seen
                await asyncio.sleep(_INTERVAL_S)
    except TimeoutError:
        message = f"not within {within_s} s; the last that was seen: {seen}"
        raise AssertionError(message) from None


def held(holds: Callable[[T], object], seen: T) -> bool:
    """Whether it holds; what asks for a field that is not there yet does not."""
    try:
        return bool(holds(seen))
    except (KeyError, IndexError):
        return False
