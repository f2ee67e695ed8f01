"""Kills by schedule, starts again, and does what a supervisor would: who ended by itself is started again as well."""

import asyncio
import time
from collections.abc import Sequence

from dev.processes import ChildProcess, ProcessExitedError
from dev.stack import Stack
from tests.chaos.schedule import NATS, Kill

_LOOK_S = 0.5


class Killer:
    """Ends processes of a stack with SIGKILL, and keeps the others running."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._down: set[str] = set()
        self.killed: list[str] = []
        self.ended: list[str] = []
        """Who ended without having been killed, with the end of its log."""

    @property
    def victims(self) -> list[str]:
        """Every process of ours, and the bus."""
        return [*sorted(self._stack.services), NATS]

    async def run(self, kills: Sequence[Kill]) -> None:
        """Carry out a schedule, and at last have everything running and ready."""
        begun = time.monotonic()
        async with asyncio.TaskGroup() as group:
            keeping = group.create_task(self._keep(), name="keep-running")
            async with asyncio.TaskGroup() as killing:
                for kill in kills:
                    killing.create_task(self._kill(kill, begun), name=f"kill/{kill.victim}")
            keeping.cancel()
        await self._restart_ended()
        for service in self._stack.services.values():
            await service.ready()

    async def _kill(self, kill: Kill, begun: float) -> None:
        await asyncio.sleep(max(0.0, begun + kill.at_s - time.monotonic()))
        if kill.victim in self._down:
            # It was down until now: a busy machine was late with its start.
            return
        self._down.add(kill.victim)
        try:
            self._note_end(kill.victim)
            await self._process(kill.victim).kill()
            self.killed.append(kill.victim)
            await asyncio.sleep(kill.down_s)
            await self._start(kill.victim)
        finally:
            self._down.discard(kill.victim)

    async def _keep(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            await self._restart_ended()

    async def _restart_ended(self) -> None:
        for name in self.victims:
            if name not in self._down and not self._process(name).running:
                self._note_end(name)
                await self._start(name)

    def _note_end(self, name: str) -> None:
        try:
            self._process(name).check()
        except ProcessExitedError as error:
            self.ended.append(str(error))

    def _process(self, name: str) -> ChildProcess:
        return self._stack.nats.process if name == NATS else self._stack.services[name].process

    async def _start(self, name: str) -> None:
        if name == NATS:
            await self._stack.nats.start()
        else:
            await self._stack.services[name].start()
