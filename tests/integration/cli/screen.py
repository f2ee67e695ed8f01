"""A terminal for the command line: it sees what a person would, and types."""

import asyncio
import os
import pty
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.integration.cli.api import Command

_TIMEOUT_S = 60


@dataclass
class Screen:
    """What a program on a terminal has written so far."""

    process: asyncio.subprocess.Process
    master: int
    seen: bytearray = field(default_factory=bytearray)
    _closed: asyncio.Event = field(default_factory=asyncio.Event)

    def read(self) -> None:
        """Take in what is there."""
        try:
            chunk = os.read(self.master, 65536)
        except OSError:
            # How Linux says that nobody has the other end open any more.
            chunk = b""
        self.seen.extend(chunk)
        if not chunk:
            asyncio.get_running_loop().remove_reader(self.master)
            self._closed.set()

    def type(self, text: bytes) -> None:
        """Press keys."""
        os.write(self.master, text)

    async def end(self) -> None:
        """Wait until the program has ended and everything is read."""
        async with asyncio.timeout(_TIMEOUT_S):
            await self.process.wait()
            await self._closed.wait()


@asynccontextmanager
async def on_screen(command: Command, *arguments: str) -> AsyncIterator[Screen]:
    """Run the command on a terminal of 80 columns and 24 lines."""
    master, slave = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cli",
        *arguments,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env={**command.environment, "TERM": "xterm", "LANG": "C.UTF-8", "COLUMNS": "80", "LINES": "24"},
    )
    os.close(slave)
    screen = Screen(process, master)
    asyncio.get_running_loop().add_reader(master, screen.read)
    try:
        yield screen
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        asyncio.get_running_loop().remove_reader(master)
        os.close(master)
