"""From the subjects of the cluster's requests to the handlers."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter

from shared.bus import Bus, decode
from shared.contracts import subjects
from shared.contracts.envelope import Envelope
from shared.contracts.identity import ClusterName
from shared.errors import Retryable
from shared.logging import get_logger
from shared.runtime.stopping import Stopping

logger = get_logger(__name__)

_QUEUE = "executor"
"""One of several replicas answers."""
_AT_ONCE = 4
"""Requests of one method: each subscription hands over one after the other."""
_AGAIN_S = 2.0
"""While the bus is away."""

R = TypeVar("R")
Handler = Callable[[Envelope], Awaitable[BaseModel]]


def answering(adapter: TypeAdapter[R], answer: Callable[[R], Awaitable[BaseModel]]) -> Handler:
    """A handler of requests that one contract describes; what is none is refused."""

    async def handle(envelope: Envelope) -> BaseModel:
        return await answer(decode(adapter, envelope))

    return handle


class Requests:
    """Answers what the gateway asks of this cluster on `kubemin.rpc.<cluster>.<method>`."""

    def __init__(self, bus: Bus, cluster: ClusterName, handlers: Mapping[str, Handler]) -> None:
        """`handlers` are by method; what they raise as Rejected is told to who asked."""
        self._bus = bus
        self._cluster = cluster
        self._handlers = handlers

    async def serve(self, stopping: Stopping) -> None:
        """Answer until the stop."""
        wanted = [one for one in self._handlers.items() for _ in range(_AT_ONCE)]
        stops: list[Callable[[], Awaitable[None]]] = []
        while len(stops) < len(wanted) and not stopping.is_set():
            method, handler = wanted[len(stops)]
            try:
                stops.append(await self._bus.serve(subjects.rpc(self._cluster, method), handler, queue=_QUEUE))
            except Retryable as error:
                logger.warning("requests_not_served", method=method, error=str(error))
                await stopping.sleep(_AGAIN_S)
        await stopping.wait()
        for stop in stops:
            await stop()
