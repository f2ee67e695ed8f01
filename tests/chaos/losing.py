"""Ways in which a bus loses what it had acknowledged."""

import asyncio
import shutil
from pathlib import Path

from dev.nats import NatsServer
from shared.bus.connection import Bus
from shared.runtime.settings import BusSettings
from tests.e2e.system import System
from tests.support.waiting import eventually


class Loss:
    """Strikes in the middle of a delivery; what follows happens before `finish`."""

    def __init__(self, system: System) -> None:
        self.system = system

    @property
    def nats(self) -> NatsServer:
        """The server."""
        return self.system.stack.nats

    async def prepare(self) -> None:
        """Come before the delivery."""

    async def strike(self) -> None:
        """Lose."""
        raise NotImplementedError

    async def finish(self) -> None:
        """Come when the delivery has gone on for a while."""


class RemovedUnderTheServer(Loss):
    """JetStream's directory goes; the server does not notice, acknowledges and serves until it is restarted."""

    async def strike(self) -> None:
        while self.nats.store_dir.exists():
            # The server goes on writing there: a directory may have something in it again by the time that it goes.
            await asyncio.to_thread(shutil.rmtree, self.nats.store_dir, ignore_errors=True)

    async def finish(self) -> None:
        await self.nats.restart()


class RemovedWhileStopped(Loss):
    """The server comes back with nothing."""

    async def strike(self) -> None:
        await self.nats.wipe()


class StreamDeleted(Loss):
    """One stream goes, with its consumers; the server goes on."""

    def __init__(self, system: System, stream: str) -> None:
        super().__init__(system)
        self.stream = stream

    async def strike(self) -> None:
        settings = BusSettings(nats_credentials_file=self.system.stack.layout.credentials("admin"))
        bus = await Bus.connect(settings, source="kubemin/admin/chaos", on_closed=lambda: None)
        try:
            await bus.jetstream.delete_stream(self.stream)
        finally:
            await bus.close()


class TailCutOff(Loss):
    """The server comes back with its streams as they were before the delivery: everything acknowledged since is lost.

    The messages alone are set back: the consumers are ahead of their streams then. Or the consumers as well, and what
    they had taken already is delivered again.
    """

    def __init__(self, system: System, *, consumers: bool) -> None:
        super().__init__(system)
        self.consumers = consumers

    @property
    def copy(self) -> Path:
        """Where the streams are kept."""
        return self.nats.directory / "copy"

    async def prepare(self) -> None:
        await self.nats.stop()
        await asyncio.to_thread(shutil.copytree, self.nats.store_dir, self.copy)
        await self.nats.start()
        # The delivery begins on a bus that is whole: readers and consumers are there again.
        await eventually(self._whole, bool)

    async def strike(self) -> None:
        await self.nats.kill()
        await asyncio.to_thread(self._set_back)
        await self.nats.start()

    async def finish(self) -> None:
        await asyncio.to_thread(shutil.rmtree, self.copy)

    async def _whole(self) -> bool:
        answer = await self.system.call("GET", "/clusters")
        return all(cluster["reachable"] for cluster in answer.body["items"])

    def _set_back(self) -> None:
        kept = sorted(self.copy.rglob("streams/*/msgs"))
        if not kept:
            message = f"no streams in {self.copy}"
            raise FileNotFoundError(message)
        for messages in kept:
            stream = messages if not self.consumers else messages.parent
            present = self.nats.store_dir / stream.relative_to(self.copy)
            shutil.rmtree(present)
            shutil.copytree(stream, present)
