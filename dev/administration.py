"""Registers tenant, clusters and a token by the same commands that an operator uses."""

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from dev.python import PYTHON, environment

_TIMEOUT_S = 60.0


class CommandFailedError(Exception):
    """A command of ours ended with an error."""

    def __init__(self, command: Sequence[str], output: str) -> None:
        self.command = tuple(command)
        super().__init__(f"{' '.join(command)} failed:\n{output}")


async def admin(arguments: Sequence[str], env: Mapping[str, str]) -> Any:
    """Run `kubemin-admin` and return its JSON; raises CommandFailedError."""
    return json.loads(await run(["-m", "services.gateway.admin", *arguments, "--output", "json"], env) or "null")


async def run(arguments: Sequence[str], env: Mapping[str, str]) -> str:
    """Run a Python module of ours to its end and return what it printed; raises CommandFailedError."""
    process = await asyncio.create_subprocess_exec(
        PYTHON,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment(), **env},
    )
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            out, err = await process.communicate()
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    if process.returncode:
        raise CommandFailedError(["python", *arguments], (err or out).decode(errors="replace").strip())
    return out.decode().strip()
