"""Child processes of the development stack: started in their own session, and never outliving us.

A child gets its own session, so that Ctrl-C in the terminal reaches only us and the children end in the order that we
choose. On Linux it also dies with us, however we die: a small Python launcher sets `PR_SET_PDEATHSIG` and then becomes
the program. (A launcher and not `preexec_fn`, which may deadlock once there are threads.) The kernel ties that signal
to the *thread* that started the child, so start children from a thread that lives as long as they do: the event loop's.
"""

import asyncio
import contextlib
import os
import random
import signal
import socket
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import NoReturn

_LOG_TAIL_BYTES = 64 * 1024
_LOG_LINE_CHARACTERS = 1000
_SUPERVISE_INTERVAL_S = 0.2
_KILL_TIMEOUT_S = 10.0
_PORTS = range(20_000, 30_000)
"""Below the ephemeral ports of Linux (32768 and more) and macOS (49152), and below the NodePorts of Kubernetes."""
_PORT_TRIES = 1000
_RANDOM = random.SystemRandom()
_given: set[int] = set()
"""Ports of this process: a server that is being started, or started again, does not listen yet."""

# Its arguments: our pid, the program and what that is given. We may have died before prctl took effect: hence getppid.
_LAUNCHER = """
import ctypes, os, signal, sys
PR_SET_PDEATHSIG = 1
ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent process has ended")
try:
    os.execvp(sys.argv[2], sys.argv[2:])
except OSError as error:
    sys.exit(f"cannot run {sys.argv[2]}: {error.strerror}")
"""


class ProcessExitedError(Exception):
    """A child process ended although nobody had asked it to."""

    def __init__(self, name: str, returncode: int, log_tail: str) -> None:
        self.name = name
        self.returncode = returncode
        self.log_tail = log_tail
        super().__init__(f"{name} {_describe_exit(returncode)}; the end of its log:\n{log_tail or '(empty)'}")


class ChildProcess:
    """One external program, its output appended to a log file; it can be started again after it has ended."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log_path: Path,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.argv = tuple(argv)
        self.log_path = log_path
        self.env = env
        """Variables added to our own environment."""
        self._process: asyncio.subprocess.Process | None = None
        self._ending = False

    @property
    def pid(self) -> int | None:
        """The process id, None before the first start."""
        return None if self._process is None else self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start the program; that it runs says nothing about its being ready."""
        if self.running:
            message = f"{self.name} is already running"
            raise RuntimeError(message)
        self._ending = False
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *_launch(self.argv),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                env=None if self.env is None else {**os.environ, **self.env},
                start_new_session=True,
            )

    def poll(self) -> int | None:
        """Return the exit code (negative: the signal), or None while the process runs or was never started."""
        return None if self._process is None else self._process.returncode

    def check(self) -> None:
        """Raise if the process has ended by itself.

        Raises:
            ProcessExitedError: with the exit code and the end of the log.

        """
        returncode = self.poll()
        if returncode is not None and not self._ending:
            raise ProcessExitedError(self.name, returncode, self.log_tail())

    async def wait(self) -> int:
        """Wait until the process has ended, and return its exit code."""
        if self._process is None:
            message = f"{self.name} was never started"
            raise RuntimeError(message)
        return await self._process.wait()

    async def stop(self, *, grace_s: float = 10.0) -> None:
        """End the process with SIGTERM, after the grace period with SIGKILL; harmless if it has already ended."""
        if not self.running:
            return
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(grace_s):
                await self.wait()
        except TimeoutError:
            pass
        finally:
            # Also when we are cancelled while we wait.
            await self.kill()

    async def kill(self) -> None:
        """End the process and all of its session at once with SIGKILL, and wait for it."""
        if self.running:
            self._signal(signal.SIGKILL, group=True)
            await self._reap()

    def log_tail(self, lines: int = 20) -> str:
        """Return the last lines of the log, each clipped to 1000 characters."""
        try:
            with self.log_path.open("rb") as log:
                log.seek(max(0, log.seek(0, os.SEEK_END) - _LOG_TAIL_BYTES))
                text = log.read().decode(errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(line[:_LOG_LINE_CHARACTERS] for line in text.replace("\0", "").splitlines()[-lines:])

    def _signal(self, number: signal.Signals, *, group: bool = False) -> None:
        pid = self.pid
        if pid is None:
            return
        self._ending = True
        with contextlib.suppress(ProcessLookupError):
            # The session's leader is also its process group.
            (os.killpg if group else os.kill)(pid, number)

    async def _reap(self) -> None:
        async with asyncio.timeout(_KILL_TIMEOUT_S):
            await self.wait()


async def supervise(children: Collection[ChildProcess]) -> NoReturn:
    """Watch over children until one ends by itself; one that was stopped or restarted on purpose does not count.

    Raises:
        ProcessExitedError: for the first child that is found dead.

    """
    while True:
        for child in children:
            child.check()
        await asyncio.sleep(_SUPERVISE_INTERVAL_S)


def free_ports(count: int) -> list[int]:
    """Return distinct TCP ports that are free on loopback now, and are given to nobody who asks for any port.

    Whoever gets one listens there a moment later, and again whenever it is started anew: meanwhile the kernel would
    give a port of its ephemeral range to another server's port 0, or to a client.
    """
    found: list[int] = []
    for _ in range(_PORT_TRIES):
        port = _RANDOM.choice(_PORTS)
        if port not in _given and _is_free(port):
            _given.add(port)
            found.append(port)
        if len(found) == count:
            return found
    message = f"no {count} free TCP ports were found from {_PORTS.start} to {_PORTS.stop - 1}"
    raise OSError(message)


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _launch(argv: Sequence[str]) -> tuple[str, ...]:
    if sys.platform != "linux":
        return tuple(argv)
    return (sys.executable, "-I", "-S", "-c", _LAUNCHER, str(os.getpid()), *argv)


def _describe_exit(returncode: int) -> str:
    if returncode >= 0:
        return f"ended with exit code {returncode}"
    return f"was ended by {signal.Signals(-returncode).name}"
