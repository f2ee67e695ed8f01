"""From the bus to the handler of the gateway's questions, a few at once."""

from contextlib import AsyncExitStack
from typing import Protocol

from shared.bus import Bus, decode
from shared.contracts import subjects
from shared.contracts.differences import DIFF, DIFF_REQUEST, CheckSlice, CompareSteps, SliceChecked, StepsCompared
from shared.contracts.envelope import Envelope
from shared.contracts.identity import ClusterName
from shared.errors import Retryable
from shared.logging import get_logger
from shared.runtime.stopping import Stopping

logger = get_logger(__name__)

_QUEUE = "executor"
"""One of a cluster's executors answers."""
_AT_ONCE = 4
"""Requests at work in one executor; each subscription takes one after the other."""
_AGAIN_S = 1.0


class Answering(Protocol):
    """What answers questions."""

    async def answer(self, request: CheckSlice | CompareSteps) -> SliceChecked | StepsCompared:
        """Answer in time; raises Rejected."""
        ...


class Questions:
    """Serves a cluster's `diff` until the stop."""

    def __init__(self, bus: Bus, cluster: ClusterName, answering: Answering) -> None:
        self._bus = bus
        self._cluster = cluster
        self._answering = answering

    async def run(self, stopping: Stopping) -> None:
        """Serve until the stop, as soon as the bus lets us."""
        subject = subjects.rpc(self._cluster, DIFF)
        async with AsyncExitStack() as serving:
            while not stopping.is_set():
                try:
                    for _ in range(_AT_ONCE):
                        serving.push_async_callback(await self._bus.serve(subject, self._answer, queue=_QUEUE))
                except Retryable as error:
                    logger.warning("questions_not_served", error=str(error))
                    await serving.aclose()
                    await stopping.sleep(_AGAIN_S)
                else:
                    await stopping.wait()

    async def _answer(self, envelope: Envelope) -> SliceChecked | StepsCompared:
        return await self._answering.answer(decode(DIFF_REQUEST, envelope))
