import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from dev.processes import ChildProcess, ProcessExitedError, free_ports, supervise

SLEEP = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]
DEAF = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)",
]
# Starts a child, prints its pid once it is up, waits to be killed.
PARENT = """
import asyncio, pathlib, sys
from dev.processes import ChildProcess

async def main():
    script = "import time; print('up', flush=True); time.sleep(600)"
    child = ChildProcess("child", [sys.executable, "-c", script], log_path=pathlib.Path(sys.argv[1]))
    await child.start()
    while "up" not in child.log_tail():
        await asyncio.sleep(0.01)
    print(child.pid, flush=True)
    await child.wait()

asyncio.run(main())
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def started(argv: list[str], log: Path) -> ChildProcess:
    """Start a program and wait until it has printed that it is up."""
    child = ChildProcess("program", argv, log_path=log)
    await child.start()
    async with asyncio.timeout(10):
        while "up" not in child.log_tail():
            child.check()
            await asyncio.sleep(0.01)
    return child


async def test_stopping_ends_a_program_with_sigterm(tmp_path: Path) -> None:
    child = await started(SLEEP, tmp_path / "log")

    await child.stop()

    assert child.poll() == -signal.SIGTERM
    assert not child.running


async def test_program_that_ignores_sigterm_is_killed_after_the_grace_period(tmp_path: Path) -> None:
    child = await started(DEAF, tmp_path / "log")

    await child.stop(grace_s=0.1)

    assert child.poll() == -signal.SIGKILL


async def test_cancelled_stop_still_ends_the_program(tmp_path: Path) -> None:
    child = await started(DEAF, tmp_path / "log")

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await child.stop(grace_s=60)

    assert child.poll() == -signal.SIGKILL


async def test_program_that_ends_by_itself_is_an_error_with_the_end_of_its_log(tmp_path: Path) -> None:
    child = ChildProcess(
        "program", [sys.executable, "-c", "raise SystemExit('no such table')"], log_path=tmp_path / "log"
    )
    await child.start()
    assert await child.wait() == 1

    with pytest.raises(ProcessExitedError, match=r"program ended with exit code 1(.|\n)*no such table"):
        child.check()


async def test_program_that_cannot_be_run_is_named(tmp_path: Path) -> None:
    child = ChildProcess("program", [str(tmp_path / "absent")], log_path=tmp_path / "log")
    await child.start()
    await child.wait()

    with pytest.raises(ProcessExitedError, match=r"cannot run .*absent: No such file"):
        child.check()


async def test_supervision_ignores_what_was_stopped_or_restarted_and_notices_what_died(tmp_path: Path) -> None:
    first = await started(SLEEP, tmp_path / "first")
    second = await started(SLEEP, tmp_path / "second")
    await first.stop()
    await second.kill()
    await second.start()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5):
            await supervise([first, second])

    assert second.pid is not None
    os.kill(second.pid, signal.SIGKILL)
    with pytest.raises(ProcessExitedError, match="program was ended by SIGKILL"):
        async with asyncio.timeout(10):
            await supervise([first, second])


async def test_child_has_a_session_of_its_own(tmp_path: Path) -> None:
    child = await started(SLEEP, tmp_path / "log")
    assert child.pid is not None
    try:
        assert os.getsid(child.pid) == child.pid
    finally:
        await child.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a parent-death signal")
async def test_child_dies_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PARENT,
        str(tmp_path / "log"),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    assert parent.stdout is not None
    child_pid = int(await parent.stdout.readline())
    assert alive(child_pid)

    parent.kill()
    await parent.wait()

    try:
        async with asyncio.timeout(10):
            while alive(child_pid):  # noqa: ASYNC110 - it is another's child: we cannot wait for it
                await asyncio.sleep(0.01)
    finally:
        if alive(child_pid):
            os.kill(child_pid, signal.SIGKILL)


async def test_environment_is_added_to_ours(tmp_path: Path) -> None:
    script = "import os; print(os.environ['COLOUR'], 'PATH' in os.environ)"
    child = ChildProcess("program", [sys.executable, "-c", script], log_path=tmp_path / "log", env={"COLOUR": "blue"})
    await child.start()
    await child.wait()

    assert child.log_tail() == "blue True"


def test_log_tail_is_the_end_without_what_a_terminal_cannot_show(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"first\nsecond\0\0\n" + b"x" * 2000)

    assert ChildProcess("program", [], log_path=log).log_tail(2) == "second\n" + "x" * 1000


def test_free_ports_are_distinct_and_can_be_bound() -> None:
    ports = [*free_ports(10), *free_ports(10)]

    assert len(set(ports)) == 20
    for port in ports:
        with socket.socket() as server:
            server.bind(("127.0.0.1", port))


@pytest.mark.skipif(sys.platform != "linux", reason="reads the kernel's range of ephemeral ports")
def test_free_ports_are_none_that_the_kernel_gives_to_others() -> None:
    first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii").split())

    assert not [port for port in free_ports(50) if first <= port <= last]
