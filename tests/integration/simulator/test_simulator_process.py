"""The simulator as a program of its own."""

import asyncio
import base64
import json
import signal
import ssl
import stat
import sys
from pathlib import Path

import aiohttp
import pytest
import yaml
from yarl import URL

from dev.simulator.server import SimulatorOptions, simulated_cluster

START_S = 60.0


@pytest.mark.parametrize("tls", [False, True])
async def test_program_writes_a_kubeconfig_and_stops_when_asked(tmp_path: Path, tls: bool) -> None:  # noqa: FBT001 - a parameter of the test
    kubeconfig = tmp_path / "kubeconfig"
    arguments = ["--name", "demo", "--port", "0", "--kubeconfig", str(kubeconfig), *(["--tls"] if tls else [])]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "dev.simulator", *arguments, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_S):
            started = json.loads(await process.stdout.readline())
        config = yaml.safe_load(kubeconfig.read_text())
        [cluster], [user] = config["clusters"], config["users"]

        assert started["url"] == cluster["cluster"]["server"]
        assert config["current-context"] == "demo"
        assert stat.S_IMODE(kubeconfig.stat().st_mode) == 0o600
        assert await nodes(cluster["cluster"], user["user"]["token"]) == ["n1", "n2"]

        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(START_S):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def nodes(cluster: dict[str, str], token: str) -> list[str]:
    context: ssl.SSLContext | bool = True
    if data := cluster.get("certificate-authority-data"):
        context = ssl.create_default_context(cadata=base64.b64decode(data).decode())
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{cluster['server']}/api/v1/nodes", ssl=context) as response,
    ):
        listed = await response.json()
    return [node["metadata"]["name"] for node in listed["items"]]


async def test_malformed_capacity_is_refused_in_one_sentence(tmp_path: Path) -> None:
    arguments = ["--kubeconfig", str(tmp_path / "k"), "--capacity", "gpu"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "dev.simulator", *arguments, stderr=asyncio.subprocess.PIPE
    )

    async with asyncio.timeout(START_S):
        _, error = await process.communicate()

    assert process.returncode == 1
    assert error.decode() == "dev.simulator: 'gpu' is not of the form resource=quantity\n"


async def test_port_that_is_taken_is_refused_in_one_sentence(tmp_path: Path) -> None:
    async with simulated_cluster(SimulatorOptions()) as other:
        port = str(URL(other.url).port)
        arguments = ["--kubeconfig", str(tmp_path / "k"), "--port", port]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "dev.simulator", *arguments, stderr=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(START_S):
            _, error = await process.communicate()

    assert process.returncode == 1
    assert b"address already in use" in error
    assert error.count(b"\n") == 1
