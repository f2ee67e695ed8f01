"""Parked messages of the caller's tenant: list, show, replay, drop."""

from services.gateway.domain.access import Principal
from services.gateway.domain.parked import Held
from services.gateway.domain.refusals import NotFound
from services.gateway.ports import ParkedStore
from shared.contracts.api import ParkedPage, ParkedSummary, ParkedView, ReplayResult
from shared.logging import get_logger

logger = get_logger(__name__)

_READ_AT_MOST = 500
"""Messages for one page, whoever's they are: each is a request to the bus."""


class ParkedMessages:
    """What an administrator of a tenant may do with them; raises NotFound for anybody else's, and Retryable."""

    def __init__(self, store: ParkedStore) -> None:
        self._store = store

    async def page(self, principal: Principal, *, consumer: str | None, after: int, limit: int) -> ParkedPage:
        """Return a page, the oldest first; it may be short although more follows."""
        items: list[ParkedSummary] = []
        read = 0
        async for held in self._store.held(after=after):
            read, after = read + 1, held.view.sequence
            if _visible(principal, held) and consumer in (None, held.view.consumer):
                items.append(held.view.summary())
            if len(items) == limit or read == _READ_AT_MOST:
                return ParkedPage(items=tuple(items), continue_=str(after))
        return ParkedPage(items=tuple(items))

    async def show(self, principal: Principal, sequence: int) -> ParkedView:
        """Return one with everything that is known of it."""
        return (await self._find(principal, sequence)).view

    async def replay(self, principal: Principal, sequence: int) -> ReplayResult:
        """Have its consumer take it again; raises NotReplayable."""
        held = await self._find(principal, sequence)
        result = await self._store.replay(sequence)
        logger.info(
            "parked_message_replay_asked", sequence=sequence, consumer=held.view.consumer, outcome=result.outcome
        )
        return result

    async def drop(self, principal: Principal, sequence: int) -> ParkedSummary:
        """Remove it for good."""
        held = await self._find(principal, sequence)
        await self._store.drop(sequence)
        logger.info("parked_message_dropped", sequence=sequence, consumer=held.view.consumer)
        return held.view.summary()

    async def _find(self, principal: Principal, sequence: int) -> Held:
        held = await self._store.find(sequence)
        if not _visible(principal, held):
            raise NotFound("parked message", str(sequence))
        return held


def _visible(principal: Principal, held: Held) -> bool:
    return held.tenant == principal.tenant
