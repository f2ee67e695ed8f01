"""The clusters' executors, asked over the bus."""

from typing import TypeVar

from pydantic import TypeAdapter

from services.gateway.domain.refusals import ClusterSilent
from services.gateway.ports import NotAnswered
from shared.bus.connection import Bus
from shared.bus.errors import BusUnavailable
from shared.bus.messages import decode
from shared.contracts import subjects
from shared.contracts.differences import (
    DIFF,
    SLICE_CHECKED,
    STEPS_COMPARED,
    CheckSlice,
    CompareSteps,
    SliceChecked,
    StepsCompared,
)
from shared.contracts.reads import OBJECTS, READ_ANSWER, ObjectsNotRead, ObjectsRead, ReadObjects
from shared.errors import Rejected, Retryable
from shared.logging import get_logger

logger = get_logger(__name__)

_ON_THE_WAY_S = 2.0
"""For the messages, beyond what the executor takes."""
_AGAIN_AFTER_S = 5.0
"""An executor that starts again is there within this."""

A = TypeVar("A")


class BusExecutors:
    """Asks on `kubemin.rpc.<cluster>.<method>`: the ports `Agents` and `ClusterObjects`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def check(self, request: CheckSlice) -> SliceChecked:
        """Have a slice checked; raises NotAnswered."""
        return await self._ask(SLICE_CHECKED, DIFF, request, timeout_s=request.within_s)

    async def compare(self, request: CompareSteps) -> StepsCompared:
        """Have objects compared; raises NotAnswered."""
        return await self._ask(STEPS_COMPARED, DIFF, request, timeout_s=request.within_s)

    async def read(self, request: ReadObjects) -> ObjectsRead | ObjectsNotRead:
        """Have objects read; raises ClusterSilent."""
        try:
            return await self._ask(READ_ANSWER, OBJECTS, request, timeout_s=request.within_s + _ON_THE_WAY_S)
        except NotAnswered as error:
            # An executor that is away, of another version, or defective: not the author's fault, and it passes.
            raise ClusterSilent(request.cluster, str(error), retry_after_s=_AGAIN_AFTER_S) from error

    async def _ask(
        self,
        adapter: TypeAdapter[A],
        method: str,
        request: CheckSlice | CompareSteps | ReadObjects,
        *,
        timeout_s: float,
    ) -> A:
        try:
            answer = await self._bus.request(subjects.rpc(request.cluster, method), request, timeout_s=timeout_s)
        except BusUnavailable as error:
            raise NotAnswered(f"its executor does not answer ({error.problem})") from error
        except Rejected as error:
            # What it says is about builds that do not agree, and for operators.
            logger.warning("executor_refused", cluster=request.cluster, method=method, error=str(error))
            raise NotAnswered("its executor does not take the request: it may be of another version") from error
        except Retryable as error:
            raise NotAnswered(str(error)) from error
        try:
            return decode(adapter, answer)
        except Rejected as error:
            raise NotAnswered("its executor's answer is not understood: it may be of another version") from error
