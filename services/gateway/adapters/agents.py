"""The clusters' executors, asked over the bus."""

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
from shared.contracts.envelope import Envelope
from shared.errors import Rejected, Retryable


class BusAgents:
    """Asks on `kubemin.rpc.<cluster>.diff`."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus

    async def check(self, request: CheckSlice) -> SliceChecked:
        """Have a slice checked; raises NotAnswered."""
        envelope = await self._ask(request)
        try:
            return decode(SLICE_CHECKED, envelope)
        except Rejected as error:
            raise NotAnswered(_STRANGE) from error

    async def compare(self, request: CompareSteps) -> StepsCompared:
        """Have objects compared; raises NotAnswered."""
        envelope = await self._ask(request)
        try:
            return decode(STEPS_COMPARED, envelope)
        except Rejected as error:
            raise NotAnswered(_STRANGE) from error

    async def _ask(self, request: CheckSlice | CompareSteps) -> Envelope:
        subject = subjects.rpc(request.cluster, DIFF)
        try:
            return await self._bus.request(subject, request, timeout_s=request.within_s)
        except BusUnavailable as error:
            raise NotAnswered(f"its executor cannot be asked ({error.problem})") from error
        except Rejected as error:
            raise NotAnswered(f"its executor does not answer that: {error}") from error
        except Retryable as error:
            raise NotAnswered(str(error)) from error


_STRANGE = "its executor's answer is not understood: it may be of another version"
