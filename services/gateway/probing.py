"""Whether what the gateway cannot do without is there, asked now and then so that `/readyz` answers at once."""

from collections.abc import Awaitable, Callable

from shared.errors import Retryable
from shared.runtime.stopping import Stopping

_INTERVAL_S = 2.0


class Probe:
    """Remembers the last answer of the database."""

    def __init__(self, ping: Callable[[], Awaitable[None]]) -> None:
        self._ping = ping
        self._problem = "MongoDB was not asked yet"

    def reasons(self) -> list[str]:
        """Why the gateway is not ready."""
        return [self._problem] if self._problem else []

    async def work(self, stopping: Stopping) -> None:
        """Ask every 2 s until the stop; raises StoreRefused, which only a process with another password gets over."""
        while not stopping.is_set():
            try:
                await self._ping()
                self._problem = ""
            except Retryable:
                # Which address and why is in the log of whoever needed it; readiness is told to anybody.
                self._problem = "MongoDB does not answer"
            await stopping.sleep(_INTERVAL_S)
