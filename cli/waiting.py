"""Follows runs to their end, across lost connections."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Protocol

from cli.failures import CouldNotTell, Unavailable, Unreachable
from cli.sse import ServerEvent, SseParser
from cli.tracking import TrackedRun, UnknownEventError

_FIRST_RETRY_S = 0.5
_MAX_RETRY_S = 5.0


class Events(Protocol):
    """Where events of runs come from."""

    def events(self, run: str, stream: SseParser) -> AsyncGenerator[ServerEvent, None]:
        """Follow a run from where the parser is."""


class LostContact(CouldNotTell):
    """The gateway could not be reached again in time."""

    def __init__(self, run: str, last: str) -> None:
        self.run = run
        super().__init__(
            f"lost contact while waiting: {last}", f"The run goes on; `kubemin watch {run}` shows it again."
        )


@dataclass
class Followed:
    """A run that somebody waits for."""

    run: str
    tracked: TrackedRun = field(default_factory=TrackedRun)
    trouble: str = ""
    """Why there is no connection at the moment; empty: there is one."""


async def follow(events: Events, followed: Followed, changed: Callable[[Followed], None], *, patience_s: float) -> None:
    """Return when the run has ended; `changed` is called after every event and when contact is lost or found.

    Raises LostContact after `patience_s` without a connection, and whatever final answer the gateway gives.
    """
    retry_s = _FIRST_RETRY_S
    lost_at_s: float | None = None
    while True:
        stream = SseParser(last_id=followed.tracked.last_id or "")
        least_s = 0.0
        try:
            await _read(events, followed, stream, changed)
            followed.trouble = "the gateway closed the stream before its end"
        except Unreachable as error:
            followed.trouble = error.cause
        except Unavailable as error:
            followed.trouble, least_s = error.message, error.retry_after_s or 0.0
        if followed.tracked.ended:
            followed.trouble = ""
            return
        now_s = time.monotonic()
        if stream.begun or lost_at_s is None:
            lost_at_s, retry_s = now_s, stream.retry_s or _FIRST_RETRY_S
        if now_s - lost_at_s >= patience_s:
            raise LostContact(followed.run, followed.trouble)
        changed(followed)
        # Jitter: many who lost the same gateway do not come back in the same moment.
        await asyncio.sleep(max(least_s, retry_s * random.uniform(0.75, 1.25)))  # noqa: S311 - no secret
        retry_s = min(retry_s * 2, _MAX_RETRY_S)


async def _read(events: Events, followed: Followed, stream: SseParser, changed: Callable[[Followed], None]) -> None:
    async with aclosing(events.events(followed.run, stream)) as told:
        async for event in told:
            try:
                followed.tracked.take(event)
            except UnknownEventError as error:
                raise CouldNotTell(
                    f"the gateway tells of the run with {error}", "Use the kubemin of the gateway's version."
                ) from error
            followed.trouble = ""
            changed(followed)
            if followed.tracked.ended:
                return
