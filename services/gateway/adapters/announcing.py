"""Desired records on the bus."""

from shared.bus.connection import Bus
from shared.contracts import subjects
from shared.contracts.desired import ApplicationChanged, DesiredRecord

_TIMEOUT_S = 2.0
"""Short: the caller waits, and the planner finds the record without the message."""


class BusAnnouncer:
    """Publishes ApplicationChanged."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def changed(self, record: DesiredRecord) -> None:
        """Publish the whole record; the message id names the cause, so that a repetition is dropped."""
        await self._bus.publish(
            subjects.spec(record.app),
            ApplicationChanged(record=record),
            msg_id=f"spec:{record.uid}:{record.generation}",
            timeout_s=_TIMEOUT_S,
        )
