"""The NATS servers of the manifests, started: the same configuration, with addresses of this machine."""

import json
import re
import shutil
import urllib.request
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dev.nats import _binary as server_binary
from dev.processes import ChildProcess, free_ports
from dev.repo.tree import ROOT
from shared.bus import Bus, topology
from shared.bus.accounts import CENTRE, write_accounts
from shared.bus.credentials import Storage
from shared.contracts.identity import ClusterName
from shared.errors import Retryable
from shared.runtime.settings import BusSettings
from tests.packaging.certificates import write_authority
from tests.support.conditions import until

CLUSTER = ClusterName("home")
STORAGE = {"file_bytes": 64 * 1024**2, "memory_bytes": 16 * 1024**2}


@dataclass
class Server:
    """One process with a configuration of the manifests."""

    name: str
    client: int
    monitoring: int
    routes: int
    directory: Path
    process: ChildProcess

    def asks(self, path: str) -> dict[str, Any]:
        """What its monitoring tells, as KEDA and the probes ask for it."""
        url = f"http://127.0.0.1:{self.monitoring}{path}"
        with urllib.request.urlopen(url, timeout=5) as answer:
            told: dict[str, Any] = json.loads(answer.read())
            return told

    def healthy(self) -> bool:
        """As the readiness probe sees it."""
        self.process.check()
        try:
            return bool(self.asks("/healthz?js-server-only=true")["status"] == "ok")
        except OSError:
            return False


def configured(directory: Path, config: str, count: int) -> list[Server]:
    """Lay out what the pods mount, for servers called as the StatefulSet calls them."""
    ports = iter(free_ports(3 * count))
    servers = []
    for index in range(count):
        name = f"nats-{index}"
        own = directory / name
        (own / "nats").mkdir(parents=True)
        (own / "nats-accounts").mkdir()
        process = ChildProcess(
            name,
            [server_binary(), "-c", str(own / "nats" / "server.conf")],
            log_path=own / "server.log",
            env={"POD_NAME": name},
        )
        servers.append(Server(name, next(ports), next(ports), next(ports), own, process))
    for server in servers:
        _write_config(server, servers, (ROOT / "k8s" / config).read_text("utf-8"), directory)
    return servers


def _write_config(server: Server, servers: list[Server], text: str, directory: Path) -> None:
    for port, here in ((4222, server.client), (8222, server.monitoring), (6222, server.routes)):
        text = text.replace(f"0.0.0.0:{port}", f"127.0.0.1:{here}")
    for other in servers:
        text = text.replace(f"{other.name}.nats:6222", f"127.0.0.1:{other.routes}")
    text = re.sub(r"/etc/(nats-\w*-?tls)/", rf"{directory}/certificates/", text)
    (server.directory / "nats" / "server.conf").write_text(text)


def write_credentials(directory: Path, servers: list[Server], scheme: str) -> Path:
    """Write the accounts once for all, and each server's configuration with a store of its own."""
    accounts = directory / "accounts"
    for server in servers:
        config = write_accounts(
            accounts,
            url=",".join(f"{scheme}://127.0.0.1:{each.client}" for each in servers),
            clusters=[CLUSTER],
            storage=Storage(**STORAGE, replicas=len(servers)),
            store_dir=server.directory / "data",
        )
        shutil.copy(config, server.directory / "nats-accounts")
    return accounts


@asynccontextmanager
async def running(servers: list[Server]) -> AsyncIterator[None]:
    """Start them and wait until each is ready."""
    async with AsyncExitStack() as stack:
        for server in servers:
            stack.push_async_callback(server.process.stop)
            await server.process.start()
        for server in servers:
            await until(server.healthy, timeout_s=30)
        yield


@asynccontextmanager
async def connected(credentials: Path) -> AsyncIterator[Bus]:
    """A connection with every stream and durable ensured."""
    settings = BusSettings(nats_credentials_file=credentials, nats_connect_deadline_s=20)
    bus = await Bus.connect(settings, source="kubemin/planner/test", on_closed=lambda: None)
    try:
        await until(lambda: _ensured(bus), timeout_s=30)
        yield bus
    finally:
        await bus.close()


async def _ensured(bus: Bus) -> bool:
    # A cluster that has just met has no leader for a moment.
    try:
        await topology.ensure(bus, [CLUSTER])
    except Retryable:
        return False
    return True


def consumers(told: dict[str, Any]) -> set[tuple[str, str]]:
    """Stream and consumer, the way KEDA's scaler finds them in /jsz."""
    [account] = [each for each in told["account_details"] if each["name"] == CENTRE]
    return {
        (stream["name"], consumer["name"])
        for stream in account["stream_detail"]
        for consumer in stream.get("consumer_detail") or ()
        if "num_pending" in consumer
    }


def replicas(server: Server) -> dict[str, int]:
    """Of each stream that the server has."""
    accounts = [each for each in server.asks(JSZ)["account_details"] if each["name"] == CENTRE]
    streams = [stream for account in accounts for stream in account.get("stream_detail") or ()]
    return {stream["name"]: stream["config"]["num_replicas"] for stream in streams}


JSZ = f"/jsz?acc={CENTRE}&consumers=true&config=true"
DURABLES = {(durable.stream, durable.name) for durable in topology.durables([CLUSTER], ())}


async def test_server_of_the_evaluation_takes_our_accounts(tmp_path: Path) -> None:
    [server] = servers = configured(tmp_path, "nats/server.conf", 1)
    accounts = write_credentials(tmp_path, servers, "nats")
    async with running(servers), connected(accounts / "planner.json"):
        assert server.asks("/varz")["server_name"] == "nats-0"
        assert consumers(server.asks(JSZ)) >= DURABLES


async def test_three_servers_of_production_hold_every_stream_thrice_and_lose_one(tmp_path: Path) -> None:
    authority = write_authority(tmp_path / "certificates")
    servers = configured(tmp_path, "overlays/production/server.conf", 3)
    accounts = write_credentials(tmp_path, servers, "tls")
    for file in accounts.glob("*.json"):
        file.write_text(json.dumps(json.loads(file.read_text()) | {"ca_file": str(authority)}))
    async with running(servers), connected(accounts / "planner.json") as bus:
        for server in servers:
            # The leader answers before the others have heard of it.
            await until(lambda server=server: replicas(server) == {s.name: 3 for s in topology.STREAMS}, timeout_s=30)  # type: ignore[misc]  # mypy: lambda default
            # What KEDA needs in order to find the server that leads a consumer.
            await until(lambda server=server: len(server.asks("/varz")["cluster"]["urls"]) == 3, timeout_s=30)  # type: ignore[misc]  # mypy: lambda default
            assert not server.asks("/varz").get("connect_urls")
        await servers[1].process.kill()
        await until(lambda: _ensured(bus), timeout_s=60)


@pytest.mark.parametrize("config", ["nats/server.conf", "overlays/production/server.conf"])
def test_configuration_names_no_path_that_no_pod_mounts(config: str) -> None:
    text = (ROOT / "k8s" / config).read_text("utf-8")
    directories = {path.rpartition("/")[0] for path in re.findall(r"(?:file|include)\S* (\S+/\S+)", text)}
    assert directories <= {"../nats-accounts", "/etc/nats-tls", "/etc/nats-route-tls"}
