"""The simulator as a whole: store, API, controllers and the HTTP server, started and stopped together."""

import asyncio
import base64
import os
import secrets
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml
from aiohttp import web

from dev.simulator import kinds
from dev.simulator.certificates import make_certificate
from dev.simulator.cluster import Cluster
from dev.simulator.controllers.controller import Controller
from dev.simulator.controllers.daemonsets import DaemonSets
from dev.simulator.controllers.deployments import Deployments
from dev.simulator.controllers.garbage import GarbageCollector
from dev.simulator.controllers.jobs import Jobs
from dev.simulator.controllers.kubelet import Kubelet
from dev.simulator.controllers.namespaces import Namespaces
from dev.simulator.controllers.replicasets import ReplicaSets
from dev.simulator.controllers.scheduler import Scheduler
from dev.simulator.controllers.statefulsets import StatefulSets
from dev.simulator.controllers.volumes import PROVISIONER, Volumes
from dev.simulator.lifecycle import DEFAULT_CLASS_ANNOTATION
from dev.simulator.objects import Object
from dev.simulator.routes import MAX_BODY_BYTES, Api, RequestRecord
from dev.simulator.store import Store
from dev.simulator.timing import Timing

_CONTROLLERS: tuple[type[Controller], ...] = (
    Namespaces,
    GarbageCollector,
    Volumes,
    Scheduler,
    Kubelet,
    ReplicaSets,
    Deployments,
    StatefulSets,
    DaemonSets,
    Jobs,
)
_HOST = "127.0.0.1"
_STOP_TIMEOUT_S = 2.0
_READY = ("Ready", "KubeletReady", "the simulator plays the kubelet of this node")

DEFAULT_CAPACITY = {
    "cpu": "4000",
    "memory": "16Ti",
    "pods": "100000",
    "ephemeral-storage": "100Ti",
    "nvidia.com/gpu": "8",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorOptions:
    """What a simulated cluster is like."""

    name: str = "simulator"
    """The name of the cluster, its context and its user in the kubeconfig."""
    port: int = 0
    """The TCP port on the loopback interface; 0 takes a free one."""
    tls: bool = False
    """Serve HTTPS: kubectl sends no token over plain HTTP."""
    nodes: int = 2
    capacity: tuple[tuple[str, str], ...] = tuple(DEFAULT_CAPACITY.items())
    """What each node has to give."""
    timing: Timing = Timing()  # noqa: RUF009 - immutable
    history: int = 20_000
    """How many changes of each kind a watch may start behind."""
    bookmark_interval_s: float = 10.0
    """A real API server sends bookmarks about once a minute."""


class Simulator:
    """One simulated cluster. Its objects live in memory: another start is another cluster."""

    def __init__(self, options: SimulatorOptions = SimulatorOptions()) -> None:
        self.store = Store(history=options.history)
        self.cluster = Cluster(self.store)
        self._options = options
        self._token = secrets.token_urlsafe(32)
        self._api = Api(self.cluster, token=self._token, bookmark_interval_s=options.bookmark_interval_s)
        self._controllers = [controller(self.cluster, options.timing) for controller in _CONTROLLERS]
        for controller in self._controllers:
            self.store.listen(controller.observe)
        self._runner: web.AppRunner | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._running: list[asyncio.Task[None]] = []
        self._port = options.port
        self._certificate = make_certificate(_HOST) if options.tls else None

    @property
    def url(self) -> str:
        """The address of the API server, once started."""
        return f"{'https' if self._certificate else 'http'}://{_HOST}:{self._port}"

    @property
    def token(self) -> str:
        """The bearer token that every request must carry."""
        return self._token

    @property
    def requests(self) -> deque[RequestRecord]:
        """The most recent requests, with the users that they were made as."""
        return self._api.requests

    @property
    def failures(self) -> list[Exception]:
        """Defects that the controllers have met; empty unless the simulator itself is wrong."""
        return [failure for controller in self._controllers for failure in controller.failures]

    @property
    def kubeconfig(self) -> Object:
        """A kubeconfig for this cluster."""
        name = self._options.name
        cluster = {"server": self.url}
        if self._certificate is not None:
            cluster["certificate-authority-data"] = base64.b64encode(self._certificate.pem).decode()
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": {"token": self._token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }

    def write_kubeconfig(self, path: Path) -> None:
        """Write the kubeconfig for its owner alone: it holds the token. It appears as a whole: others wait for it."""
        draft = path.with_name(f"{path.name}.new")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            yaml.safe_dump(self.kubeconfig, file, sort_keys=False)
        draft.replace(path)

    def expire_history(self) -> None:
        """Compact: resource versions before now, and continue tokens, are answered 410 from here on."""
        self.store.forget_history()
        self._api.pages.forget()

    async def start(self) -> None:
        """Start the controllers and listen; returns once the cluster can be used.

        Raises:
            OSError: The port is taken.
        """
        try:
            await self._start()
        except BaseException:
            await self.stop()
            raise

    async def _start(self) -> None:
        self._populate()
        self._tasks = asyncio.TaskGroup()
        await self._tasks.__aenter__()
        self._running = [
            self._tasks.create_task(controller.run(), name=f"simulator-{controller.name}")
            for controller in self._controllers
        ]
        application = web.Application(client_max_size=MAX_BODY_BYTES)
        application.router.add_route("*", "/{path:.*}", self._api.handle)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=_STOP_TIMEOUT_S)
        await self._runner.setup()
        site = web.TCPSite(
            self._runner,
            _HOST,
            self._options.port,
            ssl_context=self._certificate.context if self._certificate else None,
        )
        await site.start()
        self._port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """End all watches, stop listening, stop the controllers."""
        self.store.close_watches()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        for controller in self._controllers:
            controller.queue.close()
        for task in self._running:
            task.cancel()
        if self._tasks is not None:
            await self._tasks.__aexit__(None, None, None)
            self._tasks = None

    def _populate(self) -> None:
        for name in ("kube-system", "default", "kube-public", "kube-node-lease"):
            self.cluster.create(kinds.NAMESPACE, "", {"metadata": {"name": name}})
            self.cluster.create(kinds.SERVICE_ACCOUNT, name, {"metadata": {"name": "default"}})
        for number in range(1, self._options.nodes + 1):
            self.cluster.create(kinds.NODE, "", _node(number, dict(self._options.capacity), self.cluster.timestamp()))
        for name, mode, default in (("standard", "WaitForFirstConsumer", True), ("immediate", "Immediate", False)):
            self.cluster.create(kinds.STORAGE_CLASS, "", _storage_class(name, mode, default=default))


@asynccontextmanager
async def simulated_cluster(options: SimulatorOptions) -> AsyncIterator[Simulator]:
    """Run a simulator for the length of a block."""
    simulator = Simulator(options)
    await simulator.start()
    try:
        yield simulator
    finally:
        await simulator.stop()


def _node(number: int, capacity: dict[str, str], now: str) -> Object:
    name = f"n{number}"
    type_, reason, message = _READY
    condition = {"type": type_, "status": "True", "reason": reason, "message": message}
    return {
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
            },
        },
        "status": {
            "capacity": capacity,
            "allocatable": dict(capacity),
            "conditions": [{**condition, "lastHeartbeatTime": now, "lastTransitionTime": now}],
            "addresses": [
                {"type": "InternalIP", "address": f"10.250.0.{number % 256}"},
                {"type": "Hostname", "address": name},
            ],
            "nodeInfo": {
                "kubeletVersion": "v1.36.3-kubemin-simulator",
                "operatingSystem": "linux",
                "architecture": "amd64",
            },
        },
    }


def _storage_class(name: str, mode: str, *, default: bool) -> Object:
    annotations = {DEFAULT_CLASS_ANNOTATION: "true"} if default else {}
    return {
        "metadata": {"name": name, "annotations": annotations},
        "provisioner": PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": mode,
    }


def capacity_with(extra: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Return the default capacity with `resource=quantity` entries added or changed.

    Raises:
        ValueError: An entry is not of that form.
    """
    capacity = dict(DEFAULT_CAPACITY)
    for entry in extra:
        resource, equals, quantity = entry.partition("=")
        if not equals or not resource or not quantity:
            raise ValueError(f"{entry!r} is not of the form resource=quantity")
        capacity[resource] = quantity
    return tuple(capacity.items())
