"""Says what was decided: commands and run events, on the bus and in the archive.

What is decided is stored with its outbox, and stays there until all of it is archived and published: so it does no harm
to be stopped in between, nor to say something again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

from services.planner.domain.outbox import Outbox
from services.planner.domain.turn import Send, SendKind, utc
from services.planner.domain.undeliverable import refusal
from services.planner.ports import ApplicationPort, ArchivePort, PublishPort
from shared.contracts import subjects
from shared.contracts.commands import ApplyStep, Command, PrepareRun, PruneObjects
from shared.contracts.facts import Answer
from shared.contracts.identity import AppUid
from shared.contracts.phases import AppPhase
from shared.contracts.runs import AppPhaseChanged, RunEvent
from shared.errors import Rejected
from shared.logging import get_logger
from shared.store.archive import ArchivedCommand

logger = get_logger(__name__)

T = TypeVar("T")
R = TypeVar("R")

_PUBLISHED_AT_ONCE = 64
"""More would wait for each other until they time out."""
_COMMANDS: dict[SendKind, type[PrepareRun | ApplyStep | PruneObjects]] = {
    SendKind.PREPARE: PrepareRun,
    SendKind.APPLY: ApplyStep,
    SendKind.PRUNE: PruneObjects,
}


class Voice:
    """Archives and publishes what stands in an outbox."""

    def __init__(
        self, *, archive: ArchivePort, applications: ApplicationPort, bus: PublishPort, clock: Callable[[], float]
    ) -> None:
        self._archive = archive
        self._applications = applications
        self._bus = bus
        self._clock = clock

    async def say(self, uid: AppUid, outbox: Outbox, commands: Sequence[Command]) -> list[Answer]:
        """Say all of it; `commands` are what its sends are still good for.

        Returns what we answer ourselves, for commands that the bus does not take. Raises what failed as a group: one
        failure stops nothing else, so what was decided while the bus is away can be read.
        """
        # Nothing that a cluster waits for waits for the archive.
        ordered, kept, told = await asyncio.gather(
            self._order(commands), self.keep(uid, outbox.sends), self._tell(outbox.events), return_exceptions=True
        )
        if isinstance(ordered, BaseException) or kept is not None or told is not None:
            msg = "not all was said"
            raise BaseExceptionGroup(msg, [e for e in (ordered, kept, told) if isinstance(e, BaseException)])
        return ordered

    async def keep(self, uid: AppUid, sends: Iterable[Send]) -> None:
        """Archive commands; raises Retryable."""
        await self._archive.add_commands(_archived(uid, send) for send in sends)

    async def _order(self, commands: Sequence[Command]) -> list[Answer]:
        answers = await _each(commands, self._publish_command)
        return [answer for answer in answers if answer is not None]

    async def _tell(self, events: Sequence[RunEvent]) -> None:
        """Archive run events, then publish them: whoever projects takes a message for the sign to read the archive."""
        await self._archive.add_run_events(events)
        async with asyncio.TaskGroup() as group:
            group.create_task(_each(events, self._publish_event), name="events")
            group.create_task(self._acknowledge(events), name="acknowledge")

    async def _publish_event(self, event: RunEvent) -> None:
        try:
            await self._bus.publish(subjects.run(event.app), event, msg_id=f"run:{event.uid}:{event.n}")
        except Rejected as error:
            # It is archived: whoever projects finds it there.
            logger.error("event_not_published", uid=event.uid, n=event.n, error=str(error))  # noqa: TRY400 - expected

    async def _publish_command(self, command: Command) -> Answer | None:
        subject = subjects.step(command.cluster, command.app, command.step)
        try:
            await self._bus.publish(subject, command, msg_id=_command_id(command))
        except Rejected as error:
            logger.warning("command_not_published", run=command.run, step=command.step, error=str(error))
            return refusal(command, str(error), datetime.fromtimestamp(self._clock(), UTC))
        return None

    async def _acknowledge(self, events: Iterable[RunEvent]) -> None:
        """Make the desired record of what is deleted a tombstone."""
        for event in events:
            if isinstance(event, AppPhaseChanged) and event.phase is AppPhase.DELETED:
                await self._applications.mark_deleted(event.uid, event.generation)


async def _each(items: Sequence[T], action: Callable[[T], Awaitable[R]]) -> list[R]:
    """Act on all, some at a time."""
    results: list[R] = []
    for start in range(0, len(items), _PUBLISHED_AT_ONCE):
        async with asyncio.TaskGroup() as group:
            batch = items[start : start + _PUBLISHED_AT_ONCE]
            tasks = [group.create_task(_awaited(action(item)), name="publish") for item in batch]
        results += [task.result() for task in tasks]
    return results


async def _awaited(action: Awaitable[R]) -> R:
    return await action


def _archived(uid: AppUid, send: Send) -> ArchivedCommand:
    return ArchivedCommand(
        id=_command_id(send),
        type=str(_COMMANDS[send.kind].model_fields["type"].default),
        uid=uid,
        run=send.run,
        cluster=send.cluster,
        step=send.step,
        attempt=send.attempt,
        nonce=send.nonce,
        not_after=utc(send.not_after),
    )


def _command_id(command: Command | Send) -> str:
    """Names the cause, never the content: run, cluster, step, attempt and nonce."""
    return f"cmd:{command.run}:{command.cluster}:{command.step}:{command.attempt}:{command.nonce}"
