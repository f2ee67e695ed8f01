"""Looks for what held runs back, so that they go on a moment after it has come.

In memory: the planner asks again every few seconds, and so fills the lookout of an executor that has just started.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.executor.handlers.concurrently import concurrently
from services.executor.handlers.prepare import Awaited
from services.executor.ports import Clock, ClusterReader
from shared.contracts.commands import PrepareRun
from shared.contracts.identity import AppRef
from shared.kube.errors import KubeError
from shared.logging import get_logger

logger = get_logger(__name__)

_READS_AT_ONCE = 16


@dataclass
class _Held:
    """A command and what it waits for; what has come is taken off."""

    command: PrepareRun
    awaited: list[Awaited]


class Lookout:
    """One entry for each application, for as long as its command is valid."""

    def __init__(self, cluster: ClusterReader, now: Clock) -> None:
        self._cluster = cluster
        self._now = now
        self._held: dict[AppRef, _Held] = {}

    def hold(self, command: PrepareRun, awaited: Sequence[Awaited]) -> None:
        """Look for these from now on."""
        self._held[command.app] = _Held(command, list(awaited))

    def forget(self, app: AppRef) -> None:
        """A command of the application is carried out: its answer is what counts."""
        self._held.pop(app, None)

    async def come(self) -> list[PrepareRun]:
        """Look once; return the commands for which everything has come, to be carried out anew."""
        now = self._now()
        self._held = {app: held for app, held in self._held.items() if now < held.command.not_after}
        waiting = list(self._held.values())
        complete = await concurrently(self._complete, waiting, limit=_READS_AT_ONCE)
        return [held.command for held, all_there in zip(waiting, complete, strict=True) if all_there]

    async def _complete(self, held: _Held) -> bool:
        """Whether nothing is lacking any more; a look ends at the first that is."""
        while held.awaited:
            first = held.awaited[0]
            try:
                live = await self._cluster.find(first.key, acting_as=first.account, metadata_only=True)
            except KubeError as error:
                # The planner asks again, and then it is told.
                logger.debug("look_failed", key=str(first.key), error=str(error))
                return False
            if live is None:
                return False
            held.awaited.pop(0)
        return True
