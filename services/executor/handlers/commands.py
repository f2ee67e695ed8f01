"""Answers commands: runs the handler, states its outcome, nudges the observer."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, assert_never

from services.executor.domain.comeback import Comeback
from services.executor.domain.outcomes import Expired, Outage, Outrun, Refused
from services.executor.handlers.apply import Application
from services.executor.handlers.deadline import Deadline
from services.executor.handlers.lookout import Lookout
from services.executor.handlers.prepare import Preparation
from services.executor.handlers.prune import Pruning
from services.executor.ports import Answers, Clock, Meter
from shared.contracts.commands import ApplyStep, CommandHeader, PrepareRun, PruneObjects
from shared.contracts.facts import (
    Answer,
    AnswerHeader,
    ObjectsPruned,
    RunHeldBack,
    RunPrepared,
    RunRejected,
    StepApplied,
    StepErrored,
    StepRejected,
    Superseded,
    Unsupported,
)
from shared.contracts.identity import AppRef, ObjectKey, StepId
from shared.contracts.nudge import Nudge
from shared.contracts.phases import Reason
from shared.errors import Retryable
from shared.logging import bound, get_logger

logger = get_logger(__name__)

Command = PrepareRun | ApplyStep | PruneObjects


class Commands:
    """Handles the commands of one cluster; those of one step of an application one after another."""

    def __init__(
        self,
        *,
        preparation: Preparation,
        application: Application,
        pruning: Pruning,
        lookout: Lookout,
        answers: Answers,
        now: Clock,
        meter: Meter,
    ) -> None:
        self._preparation = preparation
        self._application = application
        self._pruning = pruning
        self._lookout = lookout
        self._answers = answers
        self._now = now
        self._meter = meter
        self._comeback = Comeback()
        self._locks: dict[tuple[AppRef, StepId], asyncio.Lock] = {}
        self._waiting: Counter[tuple[AppRef, StepId]] = Counter()

    async def handle(self, command: Command) -> None:
        """Carry out one command, state the answer and nudge the observer; raises Retryable when it is not stated."""
        started = time.monotonic()
        with bound(run=command.run, step=command.step, cluster=command.cluster, app=str(command.app)):
            async with self._one_at_a_time((command.app, command.step)):
                answer = await self._answer(command)
                await self._answers.state(answer)
                await self._answers.nudge(_nudge(command, answer))
            self._meter.answered(command.type, answer.type, time.monotonic() - started)
            logger.info("command_answered", command=command.type, answer=answer.type, **_said(answer))

    async def look_again(self) -> None:
        """Answer once more what was held back by something that has come."""
        for command in await self._lookout.come():
            try:
                await self.handle(command)
            except Retryable as error:
                logger.warning("answer_not_stated", run=command.run, error=str(error))

    async def unsupported(self, header: CommandHeader, message: str) -> None:
        """Answer a command of which no more than the header can be read."""
        await self._answers.state(Unsupported(**self._header(header), message=message))
        logger.warning("command_unsupported", run=header.run, step=header.step, message=message)

    async def _answer(self, command: Command) -> Answer:
        try:
            return await self._carry_out(command)
        except Expired as expired:
            return self._failed(command, Outage(Reason.COMMAND_EXPIRED, str(expired)))
        except (Outrun, Refused, Outage) as error:
            return self._failed(command, error)
        except Exception as error:
            # Our own defect must not leave the planner without an answer until its deadline.
            logger.exception("command_failed", command=command.type)
            return self._failed(command, Outage(Reason.INTERNAL, f"the executor failed: {type(error).__name__}"))

    def _failed(self, command: Command, error: Outrun | Refused | Outage) -> Answer:
        header = self._header(command)
        match error:
            case Outrun():
                return Superseded(**header, by_generation=error.generation)
            case Refused() if isinstance(command, ApplyStep):
                return StepRejected(**header, reason=error.reason, message=str(error))
            case Refused():
                return StepErrored(**header, reason=error.reason, message=str(error))
            case Outage():
                again_s = self._comeback.after_s(time.monotonic(), error.retry_after_s)
                return StepErrored(**header, reason=error.reason, message=str(error), retry_after_s=again_s)
            case _:
                assert_never(error)

    async def _carry_out(self, command: Command) -> Answer:
        deadline = Deadline(command.not_after, self._now)
        deadline.check()
        match command:
            case PrepareRun():
                self._lookout.forget(command.app)
                found = await self._preparation.check(command)
                header = self._header(command)
                if found.held_back:
                    self._lookout.hold(command, found.awaited)
                    return RunHeldBack(**header, problems=tuple(found.problems))
                if found.problems:
                    return RunRejected(**header, problems=tuple(found.problems))
                return RunPrepared(**header, warnings=tuple(found.warnings))
            case ApplyStep():
                objects = await self._application.apply(command, deadline)
                return StepApplied(**self._header(command), objects=objects)
            case PruneObjects():
                pruned = await self._pruning.prune(command, deadline)
                return ObjectsPruned(**self._header(command), **pruned._asdict())
            case _:
                assert_never(command)

    def _header(self, command: CommandHeader) -> dict[str, Any]:
        repeated = {name: getattr(command, name) for name in AnswerHeader.model_fields if name != "at"}
        return {**repeated, "at": self._now()}

    @asynccontextmanager
    async def _one_at_a_time(self, step: tuple[AppRef, StepId]) -> AsyncIterator[None]:
        """A command that replaced another in the mailbox is delivered while that one is still at work."""
        lock = self._locks.setdefault(step, asyncio.Lock())
        self._waiting[step] += 1
        try:
            async with lock:
                yield
        finally:
            self._waiting[step] -= 1
            if not self._waiting[step]:
                del self._waiting[step], self._locks[step]


def _nudge(command: Command, answer: Answer) -> Nudge:
    kinds = sorted({f"{key.api_version}/{key.kind}" for key in _keys(command)})
    return Nudge(
        app=command.app, uid=command.uid, step=command.step, kinds=tuple(kinds), restate=_is_awaited(command, answer)
    )


def _is_awaited(command: Command, answer: Answer) -> bool:
    """Whether the planner waits for facts of the observer."""
    match answer:
        case ObjectsPruned():
            # An observer that lags behind would state what is gone, which would be taken for a stray and pruned again.
            return False
        case StepApplied():
            # Drift has ended when all is seen as it was applied.
            reverting = isinstance(command, ApplyStep) and command.reverting
            return reverting or not all(obj.final for obj in answer.objects)
        case _:
            return True


def _keys(command: Command) -> list[ObjectKey]:
    match command:
        case PrepareRun():
            return [obj.key for step in command.steps for obj in step.objects]
        case ApplyStep() | PruneObjects():
            return [obj.key for obj in command.objects]
        case _:
            assert_never(command)


def _said(answer: Answer) -> dict[str, str]:
    """The words of an answer that is no success, for the log line."""
    match answer:
        case StepRejected() | StepErrored():
            return {"reason": answer.reason, "message": answer.message}
        case RunRejected() | RunHeldBack():
            return {"problems": "; ".join(f"{p.step}: {p.reason}: {p.message}" for p in answer.problems)}
        case _:
            return {}
