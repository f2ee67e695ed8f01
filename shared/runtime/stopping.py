"""The one signal that ends a service: asked for from outside, or because something broke."""

import asyncio

from shared.errors import Fatal


class Stopping:
    """Set once; tasks finish what they hold and return."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._failure: Fatal | None = None

    @property
    def failure(self) -> Fatal | None:
        """Why the process cannot go on; None for a stop that was asked for."""
        return self._failure

    def is_set(self) -> bool:
        """Whether to stop."""
        return self._event.is_set()

    async def wait(self) -> None:
        """Wait until it is set."""
        await self._event.wait()

    async def sleep(self, seconds: float) -> bool:
        """Sleep, but no longer than until the stop; return whether to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            pass
        return self._event.is_set()

    def request(self) -> None:
        """Stop in good order."""
        self._event.set()

    def fail(self, failure: Fatal) -> None:
        """Stop in good order, and end the process with this failure; the first one counts."""
        self._failure = self._failure or failure
        self._event.set()
