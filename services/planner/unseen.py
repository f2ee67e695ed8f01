"""Looks for what was deleted while no observer watched: an observer that starts cannot miss what it never saw.

Once for each term of a cluster's observer, when everything there has been stated anew and projected. Every replica
looks; what one has found the others find done.
"""

from collections.abc import Callable, Mapping

from services.planner.domain.decide import Unseen
from services.planner.engine import Engine
from services.planner.ports import ObservationPort
from shared.contracts.facts import ObservationOrder
from shared.contracts.identity import ClusterName
from shared.errors import Retryable
from shared.logging import get_logger
from shared.runtime.stopping import Stopping

logger = get_logger(__name__)

_INTERVAL_S = 1.0
_PROJECTED_AFTER_S = 10.0
"""What was stated is projected by then; where it is not, what is there is applied once more, to no effect."""


class UnseenObjects:
    """Compares what was seen with what was stated anew."""

    def __init__(
        self,
        *,
        engine: Engine,
        observations: ObservationPort,
        restated: Callable[[], Mapping[ClusterName, ObservationOrder]],
        monotonic_s: Callable[[], float],
    ) -> None:
        self._engine = engine
        self._observations = observations
        self._restated = restated
        self._monotonic_s = monotonic_s
        self._terms: dict[ClusterName, tuple[ObservationOrder, float]] = {}
        """The first of each term, and when it is to be looked at."""
        self._done: dict[ClusterName, ObservationOrder] = {}

    async def look(self, stopping: Stopping) -> None:
        """Look at each new term until the stop."""
        while not await stopping.sleep(_INTERVAL_S):
            for cluster in self._due():
                order, _ = self._terms[cluster]
                try:
                    await self._compare(cluster, order)
                except Retryable as error:
                    logger.warning("unseen_postponed", cluster=cluster, error=str(error))
                else:
                    self._done[cluster] = order

    def _due(self) -> list[ClusterName]:
        now_s = self._monotonic_s()
        for cluster, order in self._restated().items():
            known = self._terms.get(cluster)
            if known is None or _term(known[0]) != _term(order):
                self._terms[cluster] = (order, now_s + _PROJECTED_AFTER_S)
        return [c for c, (order, due_s) in self._terms.items() if due_s <= now_s and self._done.get(c) != order]

    async def _compare(self, cluster: ClusterName, order: ObservationOrder) -> None:
        for uid, objects in (await self._observations.unseen(cluster, order)).items():
            logger.info("objects_unseen", cluster=cluster, uid=uid, objects=len(objects))
            try:
                await self._engine.fold(uid, [Unseen(cluster=cluster, restated=order, objects=tuple(objects))])
            except Retryable:
                raise
            except Exception:
                # An application that cannot be folded is left alone: the others are looked at.
                logger.exception("unseen_failed", uid=uid)


def _term(order: ObservationOrder) -> tuple[str, int]:
    return order.incarnation, order.transitions
