"""A nats-server with our accounts, streams and durables, and connections to it that are closed with it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from nats.aio.client import Client
from pydantic import BaseModel

from dev.nats import NatsServer
from shared.bus import Bus, BusUnavailable, topology
from shared.bus.accounts import write_accounts
from shared.bus.credentials import Storage, read_credentials
from shared.contracts.envelope import Envelope
from shared.contracts.identity import ClusterName
from shared.runtime.settings import BusSettings

_ASK_AGAIN_AFTER_S = 0.02

STORAGE = Storage(file_bytes=64 * 1024**2, memory_bytes=16 * 1024**2)


class BusStack:
    """One server and the connections to it."""

    def __init__(self, directory: Path, clusters: Sequence[str]) -> None:
        self.clusters = [ClusterName(cluster) for cluster in clusters]
        self.server = NatsServer(directory)
        self.accounts = directory / "accounts"
        self.closed: list[str] = []
        """Users whose connection was lost for good."""
        self._connections: list[Bus] = []
        self.write_accounts(clusters)

    def write_accounts(self, clusters: Sequence[str]) -> None:
        """Write the accounts; the server needs a reload if it runs."""
        self.server.config = write_accounts(
            self.accounts,
            url=self.server.url,
            clusters=clusters,
            storage=STORAGE,
            store_dir=self.server.store_dir,
        )

    def settings(self, user: str, *, deadline_s: float = 10.0) -> BusSettings:
        """Return the settings of a user: gateway, planner, record, admin, cluster-<name>, auditor-audit."""
        return BusSettings(nats_credentials_file=self.accounts / f"{user}.json", nats_connect_deadline_s=deadline_s)

    async def connect(self, user: str, *, on_closed: Callable[[], None] | None = None) -> Bus:
        """Return a connection that is closed at the end of the test."""
        bus = await Bus.connect(
            self.settings(user),
            source=f"kubemin/{user}/test",
            on_closed=on_closed or (lambda: self.closed.append(user)),
        )
        self._connections.append(bus)
        return bus

    async def ensure(self) -> None:
        """Create streams and durables."""
        bus = await self.connect("planner")
        await topology.ensure(bus, self.clusters)

    async def close(self) -> None:
        """Close the connections and end the server."""
        for bus in self._connections:
            await bus.close()
        await self.server.stop()


async def answered(asker: Bus, subject: str, message: BaseModel, *, within_s: float = 15.0) -> Envelope:
    """Ask until somebody answers.

    An agent's interest crosses the accounts a moment after its own server has confirmed it.
    """
    async with asyncio.timeout(within_s):
        while True:
            try:
                return await asker.request(subject, message)
            except BusUnavailable:
                await asyncio.sleep(_ASK_AGAIN_AFTER_S)


@asynccontextmanager
async def bus_stack(directory: Path, *clusters: str) -> AsyncIterator[BusStack]:
    """Run a server with streams and durables for the clusters."""
    stack = BusStack(directory, clusters)
    await stack.server.start()
    try:
        await stack.ensure()
        yield stack
    finally:
        await stack.close()


async def raw_client(stack: BusStack, user: str) -> Client:
    """Return the library's own client, which checks nothing for us."""
    credentials = read_credentials(stack.accounts / f"{user}.json")
    client = Client()

    async def ignore(_error: Exception) -> None:
        """Denials arrive here; the tests look at effects."""

    await client.connect(
        servers=credentials.servers,
        user=credentials.user,
        password=credentials.password.get_secret_value(),
        inbox_prefix=credentials.inbox_prefix,
        error_cb=ignore,
        allow_reconnect=False,
    )
    return client
