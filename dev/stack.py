"""The embedded stack: everything that KubeMin is, on one machine, from real parts, for as long as it is wanted."""

import asyncio
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from dev import services
from dev.administration import admin
from dev.clusters import Cluster, choose
from dev.enrolment import enrol
from dev.layout import NAMESPACES, TENANT, Layout, cluster_names
from dev.mongo import MongoServer
from dev.nats import NatsServer
from dev.processes import supervise
from shared.bus.accounts import write_accounts
from shared.bus.credentials import Storage
from shared.sealing.keys import generate, public_key_of, save_key
from shared.store import applications, archive, idempotency, planner_states, projections, registry, revisions

if TYPE_CHECKING:
    from dev.services import Service

Progress = Callable[[str], None]

_STORAGE = Storage(file_bytes=2 * 1024**3, memory_bytes=64 * 1024**2)
"""Of all streams: a developer's machine has other uses for its disk."""

_INDEXES = (
    *applications.INDEXES,
    *revisions.INDEXES,
    *registry.INDEXES,
    *idempotency.INDEXES,
    *planner_states.INDEXES,
    *archive.INDEXES,
    *projections.INDEXES,
)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What to start."""

    cluster: str = "sim"
    """`sim`, `plane` or `kubeconfig[:context]`."""
    kubeconfig: Path | None = None
    """Of a cluster that is there already; without one it is $KUBECONFIG, else kubectl's default."""
    clusters: int = 1
    port: int = 0
    """Of the gateway; 0 takes a free one."""
    directory: Path | None = None
    """Keeps everything there; without one it is in a temporary directory and gone at the end."""
    mongodb_port: int = 0
    """Of MongoDB; 0 takes a free one."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables that every service gets besides, or instead of, those that the stack gives it."""


class Stack:
    """Starts everything, and stops everything that it started, in the opposite order."""

    def __init__(self, options: Options, progress: Progress) -> None:
        self._options = options
        self._progress = progress
        self._exit = AsyncExitStack()
        root = options.directory or Path(tempfile.mkdtemp(prefix="kubemin-dev-"))
        self.layout = Layout(root.absolute())
        self.nats = NatsServer(self.layout.nats)
        self.mongodb = MongoServer(self.layout.mongodb, port=options.mongodb_port)
        names = cluster_names(options.clusters)
        self.clusters: list[Cluster] = choose(
            options.cluster, names, self.layout.clusters, progress, options.kubeconfig
        )
        self.services: dict[str, Service] = {}
        self.token = ""

    @property
    def server(self) -> str:
        """The gateway's address."""
        return self.services["gateway"].url

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Start everything and return when applications can be delivered; what fails stops what was started."""
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop everything that was started, services first."""
        await self._exit.aclose()

    async def supervise(self) -> None:
        """Watch over everything that was started; raises ProcessExitedError when a part of it dies."""
        children = [self.nats.process, self.mongodb.process, *(s.process for s in self.services.values())]
        async with asyncio.TaskGroup() as group:
            group.create_task(supervise(children), name="supervise")
            for cluster in self.clusters:
                group.create_task(cluster.supervise(), name=f"supervise/{cluster.name}")

    async def _start(self) -> None:
        if self._options.directory is None:
            self._exit.callback(shutil.rmtree, self.layout.root, ignore_errors=True)
        self.layout.make()
        self._progress("Starting NATS and MongoDB …")
        write_accounts(
            self.layout.accounts,
            url=self.nats.url,
            clusters=[c.name for c in self.clusters],
            storage=_STORAGE,
            store_dir=self.nats.store_dir,
        )
        self.nats.config = self.layout.accounts / "nats.conf"
        self._exit.push_async_callback(self.nats.stop)
        self._exit.push_async_callback(self.mongodb.stop)
        for cluster in self.clusters:
            self._exit.push_async_callback(cluster.stop)
        self._progress(f"Starting {_clusters_text(self.clusters)} …")
        async with asyncio.TaskGroup() as group:
            group.create_task(self.nats.start(), name="nats")
            group.create_task(self._start_database(), name="mongodb")
            for cluster in self.clusters:
                group.create_task(self._start_cluster(cluster), name=f"cluster/{cluster.name}")
        self._progress("Registering tenant, clusters and a token …")
        await self._register()
        self._progress("Starting gateway, planner, record and an executor and observer per cluster …")
        await self._start_services()
        self._write_context()

    async def _start_database(self) -> None:
        await self.mongodb.start()
        # Every service would do it, and all at once; SecantusDB has answered that with an internal error.
        async with self.mongodb.connected() as database:
            await database.ensure(_INDEXES)

    async def _start_cluster(self, cluster: Cluster) -> None:
        await cluster.start()
        await enrol(str(cluster.kubeconfig), cluster.context, TENANT, NAMESPACES)

    async def _register(self) -> None:
        env = {"KUBEMIN_MONGODB_URI": self.mongodb.uri}
        if not self.layout.mark_key.exists():
            _write_private(self.layout.mark_key, secrets.token_hex(32))
        namespaces = [word for name in NAMESPACES for word in ("--namespace", name)]
        async with asyncio.TaskGroup() as group:
            for index, cluster in enumerate(self.clusters):
                default = ["--default"] if index == 0 else []
                key = ["--sealing-public-key", self._sealing_key(cluster.name)]
                group.create_task(admin(["cluster", "add", cluster.name, *key, *default], env), name="cluster add")
            await admin(["tenant", "create", TENANT, *namespaces], env)
            created = await admin(["token", "create", "--tenant", TENANT, "--role", "admin", "--name", "dev"], env)
        self.token = created["token"]

    def _sealing_key(self, cluster: str) -> str:
        """Make the key pair of a cluster; returns the public key."""
        private_key = generate()
        save_key(private_key, self.layout.sealing_key(cluster))
        return public_key_of(private_key)

    async def _start_services(self) -> None:
        started = services.central(self.layout, self.mongodb.uri, self._options.port, self._options.environment)
        for cluster in self.clusters:
            started += services.agent(self.layout, cluster, self._options.environment)
        self.services = {service.name: service for service in started}
        for service in started:
            self._exit.push_async_callback(service.process.stop)
            await service.start()
        async with asyncio.TaskGroup() as group:
            for service in started:
                group.create_task(service.ready(), name=f"ready/{service.name}")

    def _write_context(self) -> None:
        context = {"current": "dev", "contexts": {"dev": {"server": self.server, "token": self.token}}}
        _write_private(self.layout.context, json.dumps(context, indent=2))


def _clusters_text(clusters: list[Cluster]) -> str:
    names = ", ".join(c.name for c in clusters)
    return f"cluster{'s' if len(clusters) > 1 else ''} {names} ({clusters[0].described})"


def _write_private(path: Path, content: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(content + "\n")
