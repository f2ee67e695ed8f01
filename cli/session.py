"""Runs a command's work against the gateway, and makes an exit code of however it ends."""

import asyncio
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from cli import context
from cli.client import Client
from cli.context import Options
from cli.failures import ExitCode, Failure, Refused
from cli.outputs import Output
from cli.terminal import Terminal


@dataclass
class Session:
    """One call of the command."""

    options: Options
    environment: dict[str, str]
    terminal: Terminal
    interrupted: str = field(default="Interrupted.")
    """What to say after Ctrl-C; work changes it as it gets on."""
    _terminated: bool = False

    def run(self, work: Callable[[Client], Awaitable[ExitCode]]) -> ExitCode:
        """Do the work; whatever is wrong is said on standard error."""
        try:
            return asyncio.run(self._connected(work))
        except (KeyboardInterrupt, asyncio.CancelledError):
            self.terminal.err.print(self.interrupted)
            return ExitCode.TERMINATED if self._terminated else ExitCode.INTERRUPTED
        except Failure as failure:
            return self.failed(failure)

    def failed(self, failure: Failure) -> ExitCode:
        """Say why, in the form that was asked for."""
        if isinstance(failure, Refused) and self.terminal.output != Output.TABLE:
            self.terminal.write(failure.body)
        self.terminal.fail(failure)
        return failure.exit_code

    async def _connected(self, work: Callable[[Client], Awaitable[ExitCode]]) -> ExitCode:
        task = asyncio.current_task()
        if task is not None:
            # So that a picture on the terminal is taken down before we go.
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._terminate, task)
        file = context.path(self.environment)
        target = context.target(self.options, self.environment, file)
        if target.token_source.startswith("context") and context.exposed(file):
            self.terminal.err.print(f"kubemin: others may read the tokens in {file}; `chmod 600` it.")
        async with Client(target) as client:
            return await work(client)

    def _terminate(self, task: "asyncio.Task[ExitCode]") -> None:
        self._terminated = True
        task.cancel()
