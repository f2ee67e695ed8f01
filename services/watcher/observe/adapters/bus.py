"""The bus, as the observer uses it."""

from collections.abc import Callable

from pydantic import BaseModel

from shared.bus import Bus, decode
from shared.contracts import subjects
from shared.contracts.envelope import Envelope
from shared.contracts.identity import ClusterName
from shared.contracts.nudge import NUDGE, Nudge
from shared.errors import Rejected
from shared.logging import get_logger

logger = get_logger(__name__)


class BusOutbox:
    """Publishes facts; they carry no message id, for its window is shared between accounts."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def publish(self, subject: str, message: BaseModel) -> None:
        """See `ports.Outbox`."""
        await self._bus.publish(subject, message)

    async def lost(self) -> None:
        """See `ports.Outbox`."""
        # Set at every reconnect and by every missing stream; in an agent nobody else clears it.
        await self._bus.topology_suspect.wait()
        self._bus.topology_suspect.clear()


async def receive_nudges(bus: Bus, cluster: ClusterName, nudged: Callable[[Nudge], None]) -> None:
    """Hand over every nudge from now on; raises Retryable."""

    async def receive(envelope: Envelope) -> None:
        try:
            nudged(decode(NUDGE, envelope))
        except (Rejected, ValueError) as error:
            logger.warning("nudge_dropped", error=str(error))

    await bus.subscribe_core(subjects.nudge(cluster), receive)
