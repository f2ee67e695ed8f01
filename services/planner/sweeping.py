"""Does what no message asks for: records whose message was lost, deadlines, outboxes left behind."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from services.planner.domain.decide import Tick
from services.planner.engine import Engine
from services.planner.folded import Folded
from services.planner.handlers import TakeUp
from services.planner.ports import ApplicationPort, StatePort
from services.planner.quarantine import Quarantine
from shared.bus.consumer import Backlog
from shared.errors import Retryable
from shared.logging import get_logger
from shared.runtime.stopping import Stopping

logger = get_logger(__name__)

T = TypeVar("T")

_SWEEP_LIMIT = 200
_UNOBSERVED_AFTER_S = 2.0
"""A record that young is probably being taken up by its message."""
_UNSENT_AFTER_S = 5.0
"""An outbox that young is probably being sent."""
_DUE_INTERVAL_S = 0.25
_SAID_INTERVAL_S = 0.5
"""Within it most applications decide again, which clears them too; far less than what `_UNSENT_AFTER_S` waits."""
_SWEEP_INTERVAL_S = 1.0
_TROUBLE_PAUSE_S = 2.0
_BACKLOG_PATIENCE_S = 180.0
"""How long verdicts wait for facts that were stored before them and are not folded yet.

What was delivered to a planner that died comes again after 60 s; it may have met two of them.
"""
_BUS_PATIENCE_S = 60.0
"""How long they wait while nobody can tell whether there are any: long enough for a replica that has a bus to act."""


class Sweeper:
    """Looks into the store at intervals; every replica does."""

    def __init__(
        self,
        *,
        engine: Engine,
        take_up: TakeUp,
        applications: ApplicationPort,
        states: StatePort,
        backlog: Callable[[], Awaitable[Backlog]],
        clock: Callable[[], float],
    ) -> None:
        self._engine = engine
        self._take_up = take_up
        self._applications = applications
        self._states = states
        self._backlog = backlog
        self._clock = clock
        self._quarantine = Quarantine(clock)
        self._folded = Folded()

    async def keep_deadlines(self, stopping: Stopping) -> None:
        """Tick applications whose deadline has passed."""
        await _every(_DUE_INTERVAL_S, self._due, stopping)

    async def find_unobserved(self, stopping: Stopping) -> None:
        """Take up records whose message never came."""
        await _every(_SWEEP_INTERVAL_S, self._unobserved, stopping)

    async def flush_outboxes(self, stopping: Stopping) -> None:
        """Say what was decided and never said."""
        await _every(_SWEEP_INTERVAL_S, self._unsent, stopping)

    async def forget_said(self, stopping: Stopping) -> None:
        """Clear the outboxes of what was said."""
        await _every(_SAID_INTERVAL_S, self._engine.forget_said, stopping)

    async def _due(self) -> None:
        now = self._clock()
        if not await self._states.due(now, 1):
            return
        try:
            folded_until = self._folded.until(now, await self._backlog())
        except Retryable as error:
            logger.debug("backlog_unknown", error=str(error))
            due, tick = await self._states.due(now - _BUS_PATIENCE_S, self._limit), Tick()
        else:
            due = await self._states.due(now, self._limit)
            tick = Tick(folded_until=max(folded_until, now - _BACKLOG_PATIENCE_S))
        await self._each("deadline", due, str, lambda uid: self._engine.fold(uid, [tick]))

    async def _unobserved(self) -> None:
        waiting = await self._applications.unobserved(self._limit)
        before = datetime.now(UTC) - timedelta(seconds=_UNOBSERVED_AFTER_S)
        records = [s.record for s in waiting if s.updated_at < before]
        await self._each("take-up", records, lambda record: record.uid, self._take_up.take_up)

    async def _unsent(self) -> None:
        before = datetime.now(UTC) - timedelta(seconds=_UNSENT_AFTER_S)
        unsent = await self._states.unsent(before, self._limit)
        await self._each("outbox", unsent, str, self._engine.flush)

    @property
    def _limit(self) -> int:
        """What is quarantined stands first in every list, and must not take the places of others."""
        return _SWEEP_LIMIT + len(self._quarantine)

    async def _each(
        self, what: str, items: Iterable[T], name: Callable[[T], str], action: Callable[[T], Awaitable[None]]
    ) -> None:
        """Act on each item side by side; one that fails holds up no other."""
        async with asyncio.TaskGroup() as group:
            for item in items:
                key = (what, name(item))
                if self._quarantine.admits(key):
                    group.create_task(self._guarded(key, action, item), name=what)

    async def _guarded(self, key: tuple[str, str], action: Callable[[T], Awaitable[None]], item: T) -> None:
        what, uid = key
        try:
            await action(item)
        except Retryable as error:
            logger.warning("sweep_postponed", what=what, uid=uid, error=str(error))
        except Exception:
            # An application that cannot be folded is left alone: the others go on, and the log says which it was.
            logger.exception("sweep_failed", what=what, uid=uid, again_after_s=self._quarantine.failed(key))
        else:
            self._quarantine.succeeded(key)


async def _every(interval_s: float, action: Callable[[], Awaitable[None]], stopping: Stopping) -> None:
    while not await stopping.sleep(interval_s):
        try:
            await action()
        except Retryable as error:
            logger.warning("sweep_interrupted", error=str(error))
            await stopping.sleep(_TROUBLE_PAUSE_S)
