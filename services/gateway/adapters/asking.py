"""The executors of clusters, asked over the bus."""

from services.gateway.domain.refusals import ClusterSilent
from shared.bus.connection import Bus
from shared.bus.errors import BusUnavailable
from shared.bus.messages import decode
from shared.contracts import subjects
from shared.contracts.reads import OBJECTS, READ_ANSWER, ObjectsNotRead, ObjectsRead, ReadObjects
from shared.errors import Rejected
from shared.logging import get_logger

logger = get_logger(__name__)

_ON_THE_WAY_S = 2.0
"""For the messages, beyond what the executor takes."""
_AGAIN_AFTER_S = 5.0
"""An executor that starts again is there within this."""


class BusClusters:
    """Sends requests to the executors."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def read(self, request: ReadObjects) -> ObjectsRead | ObjectsNotRead:
        """Ask the executor of the request's cluster; raises ClusterSilent."""
        subject = subjects.rpc(request.cluster, OBJECTS)
        try:
            answer = await self._bus.request(subject, request, timeout_s=request.within_s + _ON_THE_WAY_S)
            return decode(READ_ANSWER, answer)
        except BusUnavailable as error:
            logger.warning("cluster_silent", cluster=request.cluster, error=str(error))
            why = "its executor does not answer"
            raise ClusterSilent(request.cluster, why, retry_after_s=_AGAIN_AFTER_S) from error
        except Rejected as error:
            # An executor of another version, or a defect: not the author's fault, and over once they agree.
            logger.warning("cluster_refused", cluster=request.cluster, error=str(error))
            why = "its executor does not understand the request"
            raise ClusterSilent(request.cluster, why, retry_after_s=_AGAIN_AFTER_S) from error
