"""Messages to decisions: desired records and facts."""

import asyncio
from collections.abc import Sequence

from services.planner.domain.decide import Cancel, Delete, Deploy, Input, Refuse
from services.planner.engine import Engine
from services.planner.ports import ApplicationPort
from shared.bus.delivery import Delivery
from shared.bus.messages import decode
from shared.bus.settling import Batch
from shared.contracts.desired import SPEC_EVENT, DesiredRecord
from shared.contracts.envelope import Envelope
from shared.contracts.facts import FACT, Fact
from shared.contracts.identity import AppUid
from shared.contracts.plan import Plan
from shared.dialect import PathMap
from shared.errors import Rejected
from shared.jobtypes.base import Registry
from shared.planning import DocumentRejected, plan_document

_FOLDED_AT_ONCE = 16
"""Applications of one batch of facts."""


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
        """Open the run of a generation, or end the one that it cancels; taken up before, it changes nothing."""
        new = record.generation == 1
        await self._engine.fold(record.uid, [await self._input(record)], app=record.app, new=new)
        await self._applications.mark_observed(record.uid, record.generation)

    async def _input(self, record: DesiredRecord) -> Input:
        actor = record.audit.actor
        if record.deleted:
            return Delete(generation=record.generation, requested_by=actor)
        if record.cancels is not None:
            return Cancel(generation=record.generation, requested_by=actor, cancellation=record.cancels)
        try:
            # Planning is pure computing: 2,000 components take seconds, and the loop has other applications to serve.
            plan = await asyncio.to_thread(self._plan, record)
        except DocumentRejected as refused:
            findings = PathMap(record.places).findings(refused.findings)
            return Refuse(generation=record.generation, requested_by=actor, findings=findings)
        return Deploy(plan=await self._engine.remember(plan), requested_by=actor)

    def _plan(self, record: DesiredRecord) -> Plan:
        """The plan with the places of the document that was sent; raises DocumentRejected."""
        plan = plan_document(
            record.document,
            ref=record.app,
            uid=record.uid,
            generation=record.generation,
            placements=record.targets,
            registry=self._registry,
            copies=record.copies,
        )
        return PathMap(record.places).plan(plan)


class Facts:
    """Folds what agents state, one decision per application and batch."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def stated(self, batch: Batch) -> None:
        """Handle a batch of facts; an application that cannot be folded does not bring back those of others."""
        by_app: dict[AppUid, list[tuple[Delivery, Fact]]] = {}
        for delivery, envelope in batch:
            fact = decode(FACT, envelope)
            by_app.setdefault(fact.uid, []).append((delivery, fact))
        room = asyncio.Semaphore(_FOLDED_AT_ONCE)
        folds = [self._fold(uid, stated, room) for uid, stated in by_app.items()]
        outcomes = await asyncio.gather(*folds, return_exceptions=True)
        failures = [outcome for outcome in outcomes if outcome is not None]
        for failure in failures:
            raise failure

    async def _fold(self, uid: AppUid, stated: Sequence[tuple[Delivery, Fact]], room: asyncio.Semaphore) -> None:
        # Acknowledged one after the other: a planner that dies early again and again gets on nevertheless.
        async with room:
            await self._engine.fold(uid, [fact for _, fact in stated])
            for delivery, _ in stated:
                await delivery.ack()
