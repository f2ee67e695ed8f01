"""Parked messages on the bus."""

from collections.abc import AsyncGenerator
from typing import Any

from services.gateway.domain.parked import Held
from shared.bus.connection import Bus
from shared.bus.parked import Parked, drop, find_parked, list_parked
from shared.bus.replaying import NotReplayable, ask_replay, check_replayable
from shared.contracts import subjects
from shared.contracts.api import ParkedView, ReplayResult
from shared.contracts.envelope import MalformedMessage, NewerMessage, unwrap
from shared.contracts.identity import Tenant


class BusParked:
    """The stream of parked messages."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def held(self, *, after: int) -> AsyncGenerator[Held, None]:
        """Every message above a sequence, the oldest first."""
        async for parked in list_parked(self._bus, after=after):
            yield _held(parked)

    async def find(self, sequence: int) -> Held:
        """One message; raises NoSuchMessage."""
        return _held(await find_parked(self._bus, sequence))

    async def replay(self, sequence: int) -> ReplayResult:
        """Ask its consumer to take it again; raises NoSuchMessage and NotReplayable."""
        replayed = await ask_replay(self._bus, await find_parked(self._bus, sequence))
        return ReplayResult(outcome=replayed.outcome, reason=replayed.reason, message=replayed.error)

    async def drop(self, sequence: int) -> None:
        """Remove a message; raises NoSuchMessage."""
        await drop(self._bus, sequence)


def _held(parked: Parked) -> Held:
    message = parked.message
    try:
        named = subjects.parse(message.subject)
    except ValueError:
        named = None
    view = ParkedView(
        sequence=parked.sequence,
        consumer=message.consumer,
        reason=message.reason,
        message=message.error,
        subject=message.subject,
        namespace=named.app.namespace if named else "",
        name=named.app.name if named else "",
        cluster=named.cluster if named else "",
        step=named.step if named else "",
        parked_at=message.parked_at,
        size_bytes=len(message.payload),
        replayable=_replayable(parked),
        headers=message.headers,
        payload=message.payload,
        payload_dropped=message.payload_dropped,
        envelope=_envelope(message.payload),
    )
    return Held(Tenant(named.app.tenant) if named else None, view)


def _replayable(parked: Parked) -> bool:
    try:
        check_replayable(parked)
    except NotReplayable:
        return False
    return True


def _envelope(payload: bytes) -> dict[str, Any] | None:
    try:
        envelope = unwrap(payload)
    except NewerMessage as error:
        envelope = error.envelope
    except MalformedMessage:
        return None
    return envelope.model_dump(mode="json", exclude_none=True)
