"""Asks for a change until there is an answer, under one key: the gateway does it once, however often it is asked."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import uuid4

from cli.failures import Unavailable, Unreachable

HEADER = "Idempotency-Key"
PATIENCE_S = 90.0
"""Longer than the 60 s for which a gateway that died holds what it had begun."""
_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 5.0

T = TypeVar("T")


async def repeated(ask: Callable[[dict[str, str]], Awaitable[T]], *, patience_s: float = PATIENCE_S) -> T:
    """Return the answer to `ask`, which is given the headers to send.

    It is asked again where the connection was lost and where the gateway says when to come back. A gateway that was
    never reached is an answer at once: it is down, or the address is wrong.
    Raises what the last try raised.
    """
    headers = {HEADER: uuid4().hex}
    until_s = time.monotonic() + patience_s
    pause_s, reached = _PAUSE_S, False
    while True:
        try:
            return await ask(headers)
        except Unavailable as error:
            if error.retry_after_s is None:
                raise
            failure: Unavailable | Unreachable = error
            wait_s = error.retry_after_s
        except Unreachable as error:
            if not (error.connected or reached):
                raise
            failure, wait_s = error, pause_s
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
        reached = True
        if time.monotonic() + wait_s > until_s:
            raise failure
        await asyncio.sleep(wait_s)
