"""Runs decisions: load, decide, compare-and-set, say what was decided. One application at a time, many side by side."""

import asyncio
import zlib
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from services.planner.domain import outbox as outboxes
from services.planner.domain.commands import materialise
from services.planner.domain.deadlines import next_deadline
from services.planner.domain.decide import Input, decide
from services.planner.domain.outbox import Outbox
from services.planner.domain.state import STATE, AppState
from services.planner.domain.turn import Policy, Send, SendKind
from services.planner.ports import ApplicationPort, ArchivePort, BeatPort, PlanPort, PublishPort, StatePort
from shared.contracts import subjects
from shared.contracts.commands import CommandHeader
from shared.contracts.identity import AppRef, AppUid, RunId
from shared.contracts.phases import AppPhase
from shared.contracts.plan import Plan
from shared.contracts.runs import AppPhaseChanged, RunAccepted, RunEvent
from shared.errors import Retryable
from shared.logging import get_logger
from shared.store.planner_states import StoredState

logger = get_logger(__name__)

_ATTEMPTS = 20
_CACHED_PLANS = 64
_SPIN_GUARD_S = 5.0


@dataclass(frozen=True, kw_only=True)
class EngineMetrics:
    """What the engine counts."""

    decided: Callable[[int], None]
    """Inputs folded by one decision."""
    conflicted: Callable[[], None]
    """A compare-and-set that another replica had won."""


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
        self._archive = stores.archive
        self._applications = stores.applications
        self._bus = bus
        self._beats = beats
        self._policy = policy
        self._clock = clock
        self._metrics = metrics
        self._locks: dict[AppUid, tuple[asyncio.Lock, int]] = {}
        self._plan_cache: OrderedDict[RunId, Plan] = OrderedDict()

    async def fold(self, uid: AppUid, inputs: Sequence[Input], *, app: AppRef | None = None) -> None:
        """Decide on inputs and say what follows.

        `app` is given where the state may not exist yet. Inputs about an application without a state are dropped:
        nothing was ever asked of its clusters.
        Raises Retryable while the store is away; then nothing was decided.
        """
        async with self._serial(uid):
            for _ in range(_ATTEMPTS):
                stored = await self._states.load(uid)
                if stored is None and app is None:
                    logger.warning("input_without_state", uid=uid)
                    return
                decided = await self._decided(uid, app, stored, inputs)
                if decided is not None:
                    await self._say(*decided)
                    return
                self._metrics.conflicted()
        msg = f"state of {uid} changed under {_ATTEMPTS} decisions in a row"
        raise Retryable(msg)

    async def flush(self, uid: AppUid) -> None:
        """Say what a process that died had decided but not said."""
        async with self._serial(uid):
            stored = await self._states.load(uid)
            if stored is not None and stored.outbox:
                await self._say(stored, _read(stored))

    async def remember(self, plan: Plan) -> None:
        """Store a plan before the run that refers to it."""
        await self._plans.save(plan)
        self._cache(plan)

    async def _decided(
        self, uid: AppUid, app: AppRef | None, stored: StoredState | None, inputs: Sequence[Input]
    ) -> tuple[StoredState, AppState] | None:
        state = _read(stored) if stored is not None else _new(uid, app)
        now = self._clock()
        turn = decide(state, inputs, now=now, policy=self._policy, reachable=self._beats.reachable)
        self._metrics.decided(len(inputs))
        before = outboxes.read(stored.outbox) if stored is not None else Outbox()
        deadline = next_deadline(turn.state)
        if not turn.changed and stored is not None and deadline > now:
            return stored, turn.state
        successor = StoredState(
            uid=uid,
            revision=(stored.revision if stored is not None else 0) + 1,
            body=_write(turn.state),
            outbox=outboxes.write(before.then(turn.events, turn.sends)),
        )
        if deadline <= now:
            deadline = now + _SPIN_GUARD_S
        saved = await self._states.save(successor, next_deadline=deadline)
        return (successor, turn.state) if saved else None

    async def _say(self, stored: StoredState, state: AppState) -> None:
        """Archive, publish, then forget. What fails here is said again by `flush`: the decision itself stands."""
        outbox = outboxes.read(stored.outbox)
        if not outbox:
            return
        try:
            await self._archive.add_run_events(outbox.events)
            commands = [c for s in outbox.sends if (c := await self._command(state, s)) is not None]
            await self._archive.add_commands((_command_id(c), type(c).__name__, c) for c in commands)
            async with asyncio.TaskGroup() as group:
                for event in outbox.events:
                    group.create_task(self._publish_event(event), name="publish_event")
                for command in commands:
                    group.create_task(self._publish_command(command), name="publish_command")
            await self._acknowledge(outbox.events)
            await self._states.clear_outbox(stored.uid, stored.revision)
        except* Retryable as group_error:
            logger.warning("outbox_left_behind", uid=stored.uid, error=str(group_error.exceptions[0]))

    async def _publish_event(self, event: RunEvent) -> None:
        await self._bus.publish(subjects.run(event.app), event, msg_id=f"run:{event.uid}:{event.n}")

    async def _publish_command(self, command: CommandHeader) -> None:
        subject = subjects.step(command.cluster, command.app, command.step)
        await self._bus.publish(subject, command, msg_id=_command_id(command))

    async def _command(self, state: AppState, send: Send) -> CommandHeader | None:
        run = state.run
        needs_plan = send.kind is not SendKind.PRUNE and run is not None
        plan = await self._plan(run.run) if needs_plan and run is not None else None
        return materialise(state, plan, send)

    async def _acknowledge(self, events: Iterable[RunEvent]) -> None:
        """Tell the desired record how far it was taken up."""
        for event in events:
            match event:
                case RunAccepted():
                    await self._applications.mark_observed(event.uid, event.generation)
                case AppPhaseChanged(phase=AppPhase.DELETED):
                    await self._applications.mark_deleted(event.uid, event.generation)
                case _:
                    pass

    async def _plan(self, run: RunId) -> Plan:
        plan = self._plan_cache.get(run)
        if plan is None:
            plan = await self._plans.load(run)
            self._cache(plan)
        return plan

    def _cache(self, plan: Plan) -> None:
        self._plan_cache[plan.run] = plan
        self._plan_cache.move_to_end(plan.run)
        while len(self._plan_cache) > _CACHED_PLANS:
            self._plan_cache.popitem(last=False)

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


def _command_id(command: CommandHeader) -> str:
    """Names the cause, never the content: run, cluster, step, attempt and nonce."""
    return f"cmd:{command.run}:{command.cluster}:{command.step}:{command.attempt}:{command.nonce}"


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)
