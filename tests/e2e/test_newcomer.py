"""A newcomer's mistakes: each gets one clear sentence and leaves nothing behind."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest

from tests.e2e.system import System, application, component
from tests.support.waiting import eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180, func_only=True)]

TIMEOUT_S = 90.0
MARK = "KUBEMIN_TEST_MARK"


@asynccontextmanager
async def program(*arguments: str, env: dict[str, str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python program of ours in a session of its own; ended with the test."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **env},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def kubemin(config: Path, *arguments: str) -> tuple[int, str]:
    """The command line; returns its exit code and everything it said."""
    async with (
        asyncio.timeout(TIMEOUT_S),
        program("-m", "cli", *arguments, env={"KUBEMIN_CONFIG": str(config)}) as process,
    ):
        out, _ = await process.communicate()
        return process.returncode or 0, out.decode()


def one_clear_sentence(said: str) -> None:
    assert "Traceback" not in said
    assert 0 < len(said.strip().splitlines()) <= 6, said


@pytest.fixture
def config(system: System) -> Path:
    return system.stack.layout.context


async def test_no_context_says_how_to_get_one(tmp_path: Path) -> None:
    code, said = await kubemin(tmp_path / "none.json", "list")
    assert code == 2
    one_clear_sentence(said)
    assert "kubemin dev" in said


async def test_gateway_that_is_not_running_is_said_so(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        server = f"http://127.0.0.1:{taken.getsockname()[1]}"
        config.write_text(json.dumps({"current": "x", "contexts": {"x": {"server": server, "token": "t"}}}))
        config.chmod(0o600)
        code, said = await kubemin(config, "list")
    assert code == 2
    one_clear_sentence(said)
    assert server.removeprefix("http://") in said


async def test_wrong_token_is_said_so(system: System, tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    context = {"server": system.stack.server, "token": "kubemin_wrong"}
    config.write_text(json.dumps({"current": "x", "contexts": {"x": context}}))
    config.chmod(0o600)
    code, said = await kubemin(config, "list")
    assert code != 0
    one_clear_sentence(said)
    assert "token" in said


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [1", "line"),
        ("kind: Application\nkind: Application\n", "kind"),
        ("just a text", "map"),
        ("", "no document"),
    ],
    ids=["broken YAML", "a key twice", "a text", "nothing"],
)
async def test_wrong_yaml_names_the_place(config: Path, tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "app.yaml"
    path.write_text(text)
    code, said = await kubemin(config, "apply", "-f", str(path))
    assert code in (1, 2)
    one_clear_sentence(said)
    assert expected in said


async def test_unknown_type_suggests_the_nearest(config: Path, namespace: str, tmp_path: Path) -> None:
    path = tmp_path / "app.json"
    path.write_text(json.dumps(application(namespace, component("web", "webservise"))))
    code, said = await kubemin(config, "plan", "-f", str(path))
    assert code == 1
    one_clear_sentence(said)
    assert "spec.components[0].type" in said
    assert "webservice" in said


async def test_cycle_is_shown_as_a_path(config: Path, namespace: str, tmp_path: Path) -> None:
    path = tmp_path / "app.json"
    cyclic = application(
        namespace, component("a", after=["b"]), component("b", after=["c"]), component("c", after=["a"])
    )
    path.write_text(json.dumps(cyclic))
    code, said = await kubemin(config, "apply", "-f", str(path))
    assert code == 1
    one_clear_sentence(said)
    assert "a → b" in said.replace("->", "→") or "a → c" in said.replace("->", "→")


async def test_file_that_is_not_there_is_named(config: Path) -> None:
    code, said = await kubemin(config, "apply", "-f", "nowhere/app.yaml")
    assert code == 2
    one_clear_sentence(said)
    assert "nowhere/app.yaml" in said


async def test_port_in_use_is_one_sentence_and_nothing_is_left(tmp_path: Path) -> None:
    mark = uuid4().hex
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        env = {MARK: mark, "KUBEMIN_CONFIG": str(tmp_path / "config.json")}
        async with program("-m", "dev", "up", "--port", str(port), env=env) as process:
            out, _ = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
    assert process.returncode not in (0, None)
    assert str(port) in out.decode()
    assert "in use" in out.decode()
    assert "Traceback" not in out.decode()
    assert await none_left(mark)


# Both signals cancel the same task: each moment, and both where there is most to clean up.
@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("Starting NATS", signal.SIGTERM),
        ("Starting gateway", signal.SIGINT),
        ("Delivering it", signal.SIGINT),
        ("Delivering it", signal.SIGTERM),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
async def test_interrupting_the_demo_leaves_nothing_behind(tmp_path: Path, moment: str, number: signal.Signals) -> None:
    mark = uuid4().hex
    env = {MARK: mark, "KUBEMIN_CONFIG": str(tmp_path / "config.json"), "TMPDIR": str(tmp_path)}
    async with program("-m", "dev", "demo", env=env) as process:
        await said_by(process, lambda line: moment in line)
        process.send_signal(number)
        rest, _ = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
    assert process.returncode == 130
    assert "Traceback" not in rest.decode()
    assert await none_left(mark)
    assert leftovers(tmp_path) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
async def test_stack_that_is_killed_takes_its_children_along(tmp_path: Path) -> None:
    mark = uuid4().hex
    env = {MARK: mark, "KUBEMIN_CONFIG": str(tmp_path / "config.json"), "TMPDIR": str(tmp_path)}
    async with program("-m", "dev", "up", env=env) as process:
        await said_by(process, lambda line: "KubeMin is up" in line)
        process.kill()
        await process.wait()
    assert await none_left(mark)


@pytest.mark.skipif(sys.platform != "linux", reason="finds processes in /proc")
async def test_stack_ends_with_the_log_of_a_part_that_died(tmp_path: Path) -> None:
    mark = uuid4().hex
    env = {MARK: mark, "KUBEMIN_CONFIG": str(tmp_path / "config.json"), "TMPDIR": str(tmp_path)}
    async with program("-m", "dev", "up", env=env) as process:
        await said_by(process, lambda line: "KubeMin is up" in line)
        (planner,) = [pid for pid in await asyncio.to_thread(marked, mark) if "services.planner" in command(pid)]
        os.kill(planner, signal.SIGKILL)
        rest, _ = await asyncio.wait_for(process.communicate(), TIMEOUT_S)
    assert process.returncode == 1
    assert "planner was ended by SIGKILL" in rest.decode()
    assert await none_left(mark)


def leftovers(directory: Path) -> list[Path]:
    return list(directory.glob("kubemin-dev-*"))


async def said_by(process: asyncio.subprocess.Process, wanted: Callable[[str], bool]) -> None:
    assert process.stdout is not None
    said: list[str] = []
    async with asyncio.timeout(TIMEOUT_S):
        while not wanted(line := (await process.stdout.readline()).decode()):
            assert line, f"it ended before it said so: {''.join(said)}"
            said.append(line)


async def none_left(mark: str) -> bool:
    """Whether every process that was started by the marked one ends within a moment."""

    async def left() -> list[int]:
        return await asyncio.to_thread(marked, mark)

    return await eventually(left, lambda pids: not pids, within_s=60) == []


def marked(mark: str) -> list[int]:
    """Processes that inherited the mark."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if wanted in environ.read_bytes().split(b"\0"):
                found.append(int(environ.parent.name))
        except OSError:
            continue
    return found


def command(pid: int) -> str:
    """A process's command line; empty where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""
