"""Runs decisions: load, decide, compare-and-set, say what was decided. One application at a time, many side by side."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from services.planner.caches import PlanCache, ReadState, StateCache
from services.planner.domain import outbox as outboxes
from services.planner.domain.commands import materialise
from services.planner.domain.deadlines import next_deadline
from services.planner.domain.decide import Input, Tick, decide
from services.planner.domain.outbox import Outbox
from services.planner.domain.planned import IndexedPlan
from services.planner.domain.state import STATE, AppState
from services.planner.domain.turn import Policy, Revert, Send, SendKind
from services.planner.ports import ApplicationPort, ArchivePort, BeatPort, PlanPort, PublishPort, StatePort
from services.planner.saying import Voice
from shared.contracts.commands import Command
from shared.contracts.facts import Answer
from shared.contracts.identity import AppRef, AppUid, RunId
from shared.contracts.plan import Plan
from shared.errors import Retryable
from shared.logging import get_logger
from shared.store.planner_states import StoredState

logger = get_logger(__name__)

_ATTEMPTS = 20
_SPIN_GUARD_S = 5.0
"""Where a tick did not move the deadline: a defect that must not keep the planner busy."""


@dataclass(frozen=True, kw_only=True)
class EngineMetrics:
    """What the engine counts."""

    decided: Callable[[int], None]
    """Inputs folded by one decision."""
    conflicted: Callable[[], None]
    """A compare-and-set that another replica had won."""
    reverted: Callable[[Revert], None]
    """An object that was set back, once its answer is folded for good."""


@dataclass(frozen=True, kw_only=True)
class Stores:
    """Where the engine keeps what it decides."""

    states: StatePort
    plans: PlanPort
    archive: ArchivePort
    applications: ApplicationPort


class Engine:
    """Decides for applications; safe beside other replicas, for every decision is one compare-and-set."""

    def __init__(
        self,
        *,
        stores: Stores,
        bus: PublishPort,
        beats: BeatPort,
        policy: Policy,
        clock: Callable[[], float],
        metrics: EngineMetrics,
    ) -> None:
        self._states = stores.states
        self._plans = stores.plans
        self._voice = Voice(archive=stores.archive, applications=stores.applications, bus=bus, clock=clock)
        self._beats = beats
        self._policy = policy
        self._clock = clock
        self._metrics = metrics
        self._locks: dict[AppUid, tuple[asyncio.Lock, int]] = {}
        self._plan_cache = PlanCache()
        self._state_cache = StateCache()
        self._said: dict[AppUid, int] = {}
        """Revisions of which everything was said, and whose outbox is stored nevertheless until `forget_said`."""

    async def fold(self, uid: AppUid, inputs: Sequence[Input], *, app: AppRef | None = None, new: bool = False) -> None:
        """Decide on inputs and say what follows.

        `app` is given where the state may not exist yet, `new` where it probably does not. Inputs about an application
        without a state are dropped: nothing was ever asked of its clusters. What cannot be said now is left to `flush`:
        the decision stands.
        Raises Retryable while the store is away; then it is unknown whether it was decided, and folding again is safe.
        """
        async with self._serial(uid):
            while inputs:
                decided = await self._decide(uid, inputs, app, new=new)
                if decided is None:
                    logger.warning("input_without_state", uid=uid)
                    return
                try:
                    inputs = await self._say(decided)
                except Exception:
                    logger.exception("outbox_stuck", uid=uid)
                    return

    async def flush(self, uid: AppUid) -> None:
        """Say what a process that died had decided but not said."""
        async with self._serial(uid):
            # As stored: what is left may be of another replica.
            self._state_cache.take(uid)
            read = await self._load(uid)
            undeliverable = await self._say(read) if read is not None else ()
        if undeliverable:
            await self.fold(uid, undeliverable)

    async def forget_said(self) -> None:
        """Clear the outboxes of what was said, all at once; the next decision of an application does so by itself.

        Raises Retryable while the store is away: then they are cleared later, or said again by who finds them.
        """
        said = dict(self._said)
        if not said:
            return
        await self._states.clear_outboxes(said)
        for uid, revision in said.items():
            if self._said.get(uid) == revision:
                del self._said[uid]

    async def remember(self, plan: Plan) -> Plan:
        """Store a plan before the run that refers to it; returns the one that is stored, perhaps by another build."""
        if not await self._plans.save(plan):
            plan = await self._plans.load(plan.run)
        self._plan_cache.put(IndexedPlan.of(plan))
        return plan

    async def _decide(self, uid: AppUid, inputs: Sequence[Input], app: AppRef | None, *, new: bool) -> ReadState | None:
        """Decide, and store that; None where there is no state."""
        for attempt in range(_ATTEMPTS):
            # What is stored as new does not take the place of what is there, as what is outdated does not.
            read = self._state_cache.take(uid) if new and attempt == 0 else await self._load(uid)
            if read is None and app is None:
                return None
            decided = await self._try(uid, app, read, inputs)
            if decided is not None:
                self._state_cache.put(decided)
                return decided
            self._metrics.conflicted()
        msg = f"state of {uid} changed under {_ATTEMPTS} decisions in a row"
        raise Retryable(msg)

    async def _try(
        self, uid: AppUid, app: AppRef | None, read: ReadState | None, inputs: Sequence[Input]
    ) -> ReadState | None:
        """Decide on the state as read; None where another decision came before."""
        state = read.state if read is not None else _new(uid, app)
        before = outboxes.read(read.stored.outbox) if read is not None else Outbox()
        now = self._clock()
        turn = decide(state, inputs, now=now, policy=self._policy, reachable=self._beats.reachable)
        self._metrics.decided(len(inputs))
        deadline = next_deadline(turn.state)
        ticked = any(isinstance(input_, Tick) for input_ in inputs)
        if read is not None and not turn.changed and (not ticked or deadline > now):
            # Nothing is stored that would tell whether the state was the present one: what means nothing to an outdated
            # one may mean something now.
            return await self._current(read)
        if ticked and deadline <= now:
            deadline = now + _SPIN_GUARD_S
        outbox = before.then(turn.events, turn.sends)
        # Whoever decided it may have died after publishing it: nothing leaves the outbox that is not archived.
        await self._voice.keep(uid, before.superseded_by(outbox))
        successor = StoredState(
            uid=uid,
            revision=(read.stored.revision if read is not None else 0) + 1,
            body=_write(turn.state),
            outbox=outboxes.write(outbox),
        )
        if not await self._states.save(successor, next_deadline=deadline):
            return None
        self._said.pop(uid, None)
        for revert in turn.reverts:
            self._metrics.reverted(revert)
        return ReadState(successor, turn.state)

    async def _load(self, uid: AppUid) -> ReadState | None:
        """Return the state, perhaps an outdated one from the cache: the compare-and-set finds that out."""
        cached = self._state_cache.take(uid)
        if cached is not None:
            return cached
        stored = await self._states.load(uid)
        return ReadState(stored, _read(stored)) if stored is not None else None

    async def _current(self, read: ReadState) -> ReadState | None:
        """Return the state with its outbox as stored; None where it is outdated."""
        head = await self._states.head(read.stored.uid)
        if head is None or head.revision != read.stored.revision:
            return None
        outbox = b"" if self._said.get(read.stored.uid) == head.revision else head.outbox
        return ReadState(replace(read.stored, outbox=outbox), read.state)

    async def _say(self, read: ReadState) -> Sequence[Answer]:
        """Say what is left to say, then forget; returns what we answer ourselves, for what the bus does not take.

        What fails here is said again by `flush`.
        """
        outbox = outboxes.read(read.stored.outbox)
        if not outbox:
            return ()
        uid = read.stored.uid
        refusals: Sequence[Answer] = ()
        try:
            commands = [c for s in outbox.sends if (c := await self._command(read.state, s)) is not None]
            refusals = await self._voice.say(uid, outbox, commands)
            self._said[uid] = read.stored.revision
            self._state_cache.put(ReadState(replace(read.stored, outbox=b""), read.state))
        except* Retryable as postponed:
            logger.warning("outbox_left_behind", uid=uid, error=_first(postponed))
        return refusals

    async def _command(self, state: AppState, send: Send) -> Command | None:
        plan = await self._plan(send.run) if send.kind is not SendKind.PRUNE else None
        return materialise(state, plan, send)

    async def _plan(self, run: RunId) -> IndexedPlan:
        plan = self._plan_cache.get(run)
        if plan is None:
            plan = IndexedPlan.of(await self._plans.load(run))
            self._plan_cache.put(plan)
        return plan

    @asynccontextmanager
    async def _serial(self, uid: AppUid) -> AsyncIterator[None]:
        """One decision at a time per application within this process; other replicas meet the compare-and-set."""
        lock, users = self._locks.get(uid, (asyncio.Lock(), 0))
        self._locks[uid] = (lock, users + 1)
        try:
            async with lock:
                yield
        finally:
            lock, users = self._locks[uid]
            if users == 1:
                del self._locks[uid]
            else:
                self._locks[uid] = (lock, users - 1)


def _new(uid: AppUid, app: AppRef | None) -> AppState:
    if app is None:
        msg = "a new state needs the application's address"
        raise AssertionError(msg)
    return AppState(app=app, uid=uid)


def _write(state: AppState) -> bytes:
    return zlib.compress(STATE.dump_json(state), 1)


def _read(stored: StoredState) -> AppState:
    return STATE.validate_json(zlib.decompress(stored.body))


def _first(group: BaseExceptionGroup[BaseException]) -> str:
    """What one of the errors says; groups may stand in groups."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error)
