"""Answers and nudges, on the bus."""

from shared.bus import Bus
from shared.contracts import subjects
from shared.contracts.facts import Answer
from shared.contracts.identity import ClusterName
from shared.contracts.nudge import Nudge
from shared.errors import Retryable
from shared.logging import get_logger

logger = get_logger(__name__)


class BusAnswers:
    """States facts of one cluster."""

    def __init__(self, bus: Bus, cluster: ClusterName) -> None:
        self._bus = bus
        self._cluster = cluster

    async def state(self, fact: Answer) -> None:
        """Publish a fact, without a message id: the window of those is shared between accounts."""
        await self._bus.publish(subjects.status(self._cluster, fact.app), fact)

    async def nudge(self, nudge: Nudge) -> None:
        """Ask the observer to look; the planner asks again if that is lost."""
        try:
            await self._bus.publish_core(subjects.nudge(self._cluster), nudge)
        except Retryable as error:
            logger.debug("nudge_lost", app=str(nudge.app), error=str(error))
