"""A service as a process: what it says on standard error, its exit code, what a signal does to it."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.conditions import until

ROOT = Path(__file__).parents[4]
SERVICE = """
import asyncio, sys
from shared.errors import Retryable
from shared.runtime.service import main, serve
from shared.runtime.settings import HttpSettings

async def run(settings):
    match sys.argv[1]:
        case "serve":
            async def task(stopping):
                await stopping.wait()
                print("finished", flush=True)
            await serve("test", http=settings, tasks={"task": task}, ready=list)
            print("closed", flush=True)
        case "start":
            print("starting", flush=True)
            await asyncio.Event().wait()
        case "refuse":
            raise Retryable("the database is away")
        case "break":
            raise ZeroDivisionError

main("test", HttpSettings, run)
"""


@contextmanager
def process(mode: str, **variables: str) -> Iterator[subprocess.Popen[str]]:
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "KUBEMIN_HTTP_PORT": "0", **variables}
    with subprocess.Popen(
        [sys.executable, "-c", SERVICE, mode],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as started:
        try:
            yield started
        finally:
            started.kill()


def run(mode: str, **variables: str) -> tuple[int, str, str]:
    with process(mode, **variables) as started:
        out, err = started.communicate(timeout=60)
        return started.returncode, out, err


def test_a_wrong_setting_is_one_sentence_and_exit_code_2() -> None:
    code, _, err = run("serve", KUBEMIN_HTTP_PORT="http")
    assert code == 2
    assert err.startswith("kubemin-test: KUBEMIN_HTTP_PORT: Input should be a valid integer")
    assert err.count("\n") == 1


def test_a_port_in_use_is_one_sentence_and_exit_code_2() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, _, err = run("serve", KUBEMIN_HTTP_PORT=str(port))
    assert code == 2
    assert err == f"kubemin-test: cannot listen on 127.0.0.1:{port}: the port is in use by another process\n"


def test_what_we_raise_on_purpose_is_one_sentence_and_exit_code_1() -> None:
    assert run("refuse")[::2] == (1, "kubemin-test: the database is away\n")


def test_a_bug_shows_its_traceback() -> None:
    code, _, err = run("break")
    assert code == 1
    assert "ZeroDivisionError" in err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_a_service_in_good_order(tmp_path: Path, number: signal.Signals) -> None:
    port_file = tmp_path / "port"
    with process("serve", KUBEMIN_HTTP_PORT_FILE=str(port_file)) as service:
        await until(port_file.exists)
        service.send_signal(number)
        out, err = service.communicate(timeout=60)
    assert (service.returncode, out) == (0, "finished\nclosed\n")
    assert '"event": "http_listening"' in err
    assert "Traceback" not in err


def test_a_signal_ends_a_service_that_still_starts() -> None:
    with process("start") as service:
        assert service.stdout is not None
        assert service.stdout.readline() == "starting\n"
        service.send_signal(signal.SIGTERM)
        _, err = service.communicate(timeout=60)
    assert (service.returncode, err) == (0, "")
