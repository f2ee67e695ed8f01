"""Waits for a condition instead of sleeping."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable

_POLL_S = 0.02


async def until(condition: Callable[[], bool | Awaitable[bool]], *, timeout_s: float = 30.0) -> None:
    """Return as soon as the condition holds; raises TimeoutError when it does not come to that."""
    async with asyncio.timeout(timeout_s):
        while True:
            held = condition()
            if inspect.isawaitable(held):
                held = await held
            if held:
                return
            await asyncio.sleep(_POLL_S)
