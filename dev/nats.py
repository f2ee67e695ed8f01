"""A nats-server of our own, for the embedded stack and the tests."""

import asyncio
import os
import shutil
import signal
import sys
from pathlib import Path

from dev.processes import ChildProcess, free_ports

_START_TIMEOUT_S = 20.0
_POLL_S = 0.02
_RELOADED = "Reloaded server configuration"
_NOT_RELOADED = "Failed to reload server configuration"
_HOST = "127.0.0.1"


class NatsServer:
    """One server on loopback; its port and its data stay the same when it is started again."""

    def __init__(self, directory: Path, *, port: int = 0, config: Path | None = None) -> None:
        self.directory = directory
        """Holds the log and JetStream's data."""
        self.port = port or free_ports(1)[0]
        self.config = config
        """As `shared.bus.accounts` writes it for our `store_dir`; without one there are no accounts.

        May be set until the first start: to write it one needs the url.
        """
        self._process: ChildProcess | None = None

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"nats://{_HOST}:{self.port}"

    @property
    def store_dir(self) -> Path:
        """JetStream's data."""
        return self.directory / "jetstream"

    @property
    def process(self) -> ChildProcess:
        """The server's process, to watch over."""
        if self._process is None:
            # A configuration names the store itself; the server refuses to be told twice.
            store = ["-js", "-sd", str(self.store_dir)] if self.config is None else ["-c", str(self.config)]
            arguments = [_binary(), "-a", _HOST, "-p", str(self.port), *store]
            self._process = ChildProcess("nats-server", arguments, log_path=self.directory / "nats-server.log")
        return self._process

    async def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            ProcessExitedError: it ended again, with the end of its log.
            TimeoutError: it does not answer.

        """
        await self.process.start()
        async with asyncio.timeout(_START_TIMEOUT_S):
            while not await self._answers():
                self.process.check()
                await asyncio.sleep(_POLL_S)

    async def stop(self) -> None:
        """End it in good order."""
        await self.process.stop()

    async def kill(self) -> None:
        """End it at once, as a power failure would."""
        await self.process.kill()

    async def restart(self) -> None:
        """Stop it and start it again."""
        await self.stop()
        await self.start()

    async def wipe(self) -> None:
        """Lose all streams: stop, remove the data, start again."""
        await self.stop()
        await asyncio.to_thread(shutil.rmtree, self.store_dir)
        await self.start()

    async def reload(self) -> None:
        """Make it read its configuration again: new accounts and users.

        Twice: after the first reload a new account's service imports lead nowhere (seen with 2.15.1; related to
        https://github.com/nats-io/nats-server/issues/8560), after the second they work.

        Raises:
            RuntimeError: it does not run, or refuses the configuration.

        """
        for _ in range(2):
            pid = self.process.pid
            if pid is None or not self.process.running:
                message = "nats-server does not run"
                raise RuntimeError(message)
            done, refused = self._logged(_RELOADED), self._logged(_NOT_RELOADED)
            os.kill(pid, signal.SIGHUP)
            async with asyncio.timeout(_START_TIMEOUT_S):
                while self._logged(_RELOADED) == done:
                    if self._logged(_NOT_RELOADED) > refused:
                        message = f"nats-server refuses the configuration:\n{self.process.log_tail(3)}"
                        raise RuntimeError(message)
                    await asyncio.sleep(_POLL_S)

    def _logged(self, text: str) -> int:
        return self.process.log_path.read_text(encoding="utf-8", errors="replace").count(text)

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(1.0):
                reader, writer = await asyncio.open_connection(_HOST, self.port)
                greeting = await reader.readline()
                writer.close()
        except (OSError, TimeoutError):
            return False
        return greeting.startswith(b"INFO ")


def _binary() -> str:
    beside = Path(sys.executable).with_name("nats-server")
    return str(beside) if beside.exists() else "nats-server"
