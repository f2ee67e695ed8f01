"""A MongoDB-wire server of our own on loopback: `mongod` where it is on PATH, else SecantusDB as a separate process."""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

from pydantic import SecretStr

from dev.processes import ChildProcess, free_ports
from shared.errors import Retryable
from shared.runtime.settings import StoreSettings
from shared.store.database import Database

_START_TIMEOUT_S = 30.0
_POLL_INTERVAL_S = 0.05
_SECANTUS = "secantusd-py"
_CACHE = "256M"
"""SecantusDB's own default, 1 GiB, is too much beside everything else on a developer's machine."""


class MongoServer:
    """One server with its files in one directory; it keeps its port and data over a restart."""

    def __init__(self, directory: Path, *, port: int = 0) -> None:
        """Port 0 takes a free one."""
        self.port = port or free_ports(1)[0]
        self._directory = directory
        self._process = ChildProcess(
            "mongodb", _command(self.port, directory / "data"), log_path=directory / "mongodb.log"
        )

    @property
    def uri(self) -> str:
        """For `KUBEMIN_MONGODB_URI`."""
        return f"mongodb://127.0.0.1:{self.port}/?retryWrites=false&journal=true&w=majority"

    @property
    def process(self) -> ChildProcess:
        """For supervision."""
        return self._process

    async def start(self) -> None:
        """Start, and wait until it answers.

        Raises:
            dev.processes.ProcessExitedError: where it ended instead.
            TimeoutError: where it did not answer in time.

        """
        (self._directory / "data").mkdir(parents=True, exist_ok=True)
        await self._process.start()
        try:
            async with self.connected() as database, asyncio.timeout(_START_TIMEOUT_S):
                await self._answering(database)
        except BaseException:
            await self._process.kill()
            raise

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Database]:
        """The database that KubeMin uses there."""
        database = Database.connect(StoreSettings(mongodb_uri=SecretStr(self.uri)))
        try:
            yield database
        finally:
            database.close()

    async def stop(self) -> None:
        """End it in order; its data stay."""
        await self._process.stop()

    async def kill(self) -> None:
        """End it with SIGKILL."""
        await self._process.kill()

    async def restart(self) -> None:
        """Stop and start on the same port and data."""
        await self.stop()
        await self.start()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def _answering(self, database: Database) -> None:
        while True:
            self._process.check()
            try:
                # Before the first ping: a driver that meets a closed port waits half a second and more.
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                await database.ping()
            except (OSError, Retryable):
                await asyncio.sleep(_POLL_INTERVAL_S)
            else:
                return


def _command(port: int, data: Path) -> tuple[str, ...]:
    if mongod := shutil.which("mongod"):
        return (mongod, "--bind_ip", "127.0.0.1", "--port", str(port), "--dbpath", str(data), "--quiet")
    beside = Path(sys.executable).parent / _SECANTUS
    program = str(beside) if beside.exists() else shutil.which(_SECANTUS)
    if program is None:
        message = "neither mongod nor secantusd-py is on PATH: install kubemin[dev]"
        raise FileNotFoundError(message)
    return (
        program,
        *("--host", "127.0.0.1", "--port", str(port), "--storage-path", str(data)),
        *("--cache-size", _CACHE, "--log-level", "WARNING"),
    )
