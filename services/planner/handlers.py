"""Messages and the clock to decisions: desired records, facts, and what is due."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta
from typing import TypeVar

from services.planner.domain.decide import Delete, Deploy, Input, Refuse, Tick
from services.planner.engine import Engine, utc_now
from services.planner.ports import ApplicationPort, StatePort
from shared.bus.delivery import Delivery
from shared.bus.messages import decode
from shared.bus.settling import Batch
from shared.contracts.desired import SPEC_EVENT, DesiredRecord
from shared.contracts.envelope import Envelope
from shared.contracts.facts import FACT
from shared.contracts.identity import AppUid
from shared.errors import Rejected, Retryable
from shared.jobtypes.base import Registry
from shared.logging import get_logger
from shared.planning import DocumentRejected, plan_document
from shared.runtime.stopping import Stopping

logger = get_logger(__name__)

T = TypeVar("T")

_SWEEP_LIMIT = 200
_UNOBSERVED_AFTER_S = 2.0
"""A record that young is probably being taken up by its message."""
_UNSENT_AFTER_S = 5.0
"""An outbox that young is probably being sent."""
_DUE_INTERVAL_S = 0.25
_SWEEP_INTERVAL_S = 1.0
_TROUBLE_PAUSE_S = 2.0
_BACKLOG_PATIENCE_S = 10.0
"""How long verdicts wait for facts that were stored before them and are not folded yet."""


class TakeUp:
    """Takes up generations: plans them and opens their runs."""

    def __init__(self, *, engine: Engine, applications: ApplicationPort, registry: Registry) -> None:
        self._engine = engine
        self._applications = applications
        self._registry = registry

    async def changed(self, _delivery: Delivery, envelope: Envelope) -> None:
        """Handle ApplicationChanged. The message is a doorbell: what is taken up is the record as stored now."""
        message = decode(SPEC_EVENT, envelope)
        stored = await self._applications.load(message.record.uid)
        if stored is None:
            raise Rejected(f"no desired record {message.record.uid}", reason="UnknownApplication")
        if stored.unobserved:
            await self.take_up(stored.record)

    async def take_up(self, record: DesiredRecord) -> None:
        """Open the run of a generation; one that was taken up before changes nothing."""
        await self._engine.fold(record.uid, [await self._input(record)], app=record.app)
        # A decision that another replica made says so too; repeating it costs one guarded write.
        await self._applications.mark_observed(record.uid, record.generation)

    async def _input(self, record: DesiredRecord) -> Input:
        actor = record.audit.actor
        if record.deleted:
            return Delete(generation=record.generation, requested_by=actor)
        try:
            # Planning is pure computing: 2,000 components take seconds, and the loop has other applications to serve.
            plan = await asyncio.to_thread(
                plan_document,
                record.document,
                ref=record.app,
                uid=record.uid,
                generation=record.generation,
                clusters=record.clusters,
                registry=self._registry,
            )
        except DocumentRejected as refused:
            return Refuse(generation=record.generation, requested_by=actor, findings=tuple(refused.findings))
        await self._engine.remember(plan)
        return Deploy(plan=plan, requested_by=actor)


class Facts:
    """Folds what agents state, one decision per application and batch."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def stated(self, batch: Batch) -> None:
        """Handle a batch of facts."""
        by_app: dict[AppUid, list[Input]] = {}
        for _, envelope in batch:
            fact = decode(FACT, envelope)
            by_app.setdefault(fact.uid, []).append(fact)
        folds = [self._engine.fold(uid, facts) for uid, facts in by_app.items()]
        outcomes = await asyncio.gather(*folds, return_exceptions=True)
        for failure in (o for o in outcomes if isinstance(o, BaseException)):
            # Folding again what was folded changes nothing, so the whole batch may come back.
            raise failure


class Sweeper:
    """Does what no message asks for: records whose message was lost, deadlines, outboxes left behind."""

    def __init__(
        self,
        *,
        engine: Engine,
        take_up: TakeUp,
        applications: ApplicationPort,
        states: StatePort,
        backlog: Callable[[], Awaitable[int]],
        clock: Callable[[], float],
    ) -> None:
        self._engine = engine
        self._take_up = take_up
        self._applications = applications
        self._states = states
        self._backlog = backlog
        self._clock = clock

    async def keep_deadlines(self, stopping: Stopping) -> None:
        """Tick applications whose deadline has passed."""
        await _every(_DUE_INTERVAL_S, self._due, stopping)

    async def find_unobserved(self, stopping: Stopping) -> None:
        """Take up records whose message never came."""
        await _every(_SWEEP_INTERVAL_S, self._unobserved, stopping)

    async def flush_outboxes(self, stopping: Stopping) -> None:
        """Say what was decided and never said."""
        await _every(_SWEEP_INTERVAL_S, self._unsent, stopping)

    async def _due(self) -> None:
        now = self._clock()
        due = await self._states.due(now, _SWEEP_LIMIT)
        if due and await self._backlog() > 0:
            # Facts that were stored before the deadline come first, for a while.
            due = await self._states.due(now - _BACKLOG_PATIENCE_S, _SWEEP_LIMIT)
        await _each(due, lambda uid: self._engine.fold(uid, [Tick()]))

    async def _unobserved(self) -> None:
        waiting = await self._applications.unobserved(_SWEEP_LIMIT)
        before = utc_now() - timedelta(seconds=_UNOBSERVED_AFTER_S)
        await _each([s.record for s in waiting if s.updated_at < before], self._take_up.take_up)

    async def _unsent(self) -> None:
        before = utc_now() - timedelta(seconds=_UNSENT_AFTER_S)
        await _each(await self._states.unsent(before, _SWEEP_LIMIT), self._engine.flush)


async def _each(items: Iterable[T], action: Callable[[T], Awaitable[None]]) -> None:
    """Act on each item side by side; one that fails holds up no other."""
    async with asyncio.TaskGroup() as group:
        for item in items:
            group.create_task(_guarded(action, item), name="sweep")


async def _guarded(action: Callable[[T], Awaitable[None]], item: T) -> None:
    try:
        await action(item)
    except Retryable as error:
        logger.warning("sweep_postponed", error=str(error))
    except Exception:
        # An application that cannot be folded is left alone: the others go on, and the log says which it was.
        logger.exception("sweep_failed", item=str(item)[:200])


async def _every(interval_s: float, action: Callable[[], Awaitable[None]], stopping: Stopping) -> None:
    while not await stopping.sleep(interval_s):
        try:
            await action()
        except Retryable as error:
            logger.warning("sweep_interrupted", error=str(error))
            await stopping.sleep(_TROUBLE_PAUSE_S)
