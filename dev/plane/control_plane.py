"""One running control plane, and the objects that every cluster has: nodes and storage classes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

import aiohttp

from dev.plane import components
from dev.plane.admin_api import AdminApi, ApiError
from dev.plane.build import Progress, ensure_binaries
from dev.plane.components import LOOPBACK, SERVICE_ADDRESS, Layout, Ports
from dev.plane.file_lock import FileLock
from dev.plane.kwok_config import write_kwok_config
from dev.processes import ChildProcess, free_ports, supervise

_START_TIMEOUT_S = 120.0
_STOP_GRACE_S = 8.0
_PROBE_INTERVAL_S = 0.1
_PROVISIONER = "kubemin.dev/dev"
_CAPACITY = {"cpu": "4000", "memory": "16Ti", "pods": "100000", "ephemeral-storage": "100Ti", "nvidia.com/gpu": "8"}

Probe = Callable[[], Awaitable[bool]]


class DirectoryInUseError(Exception):
    """Another control plane runs in the directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        super().__init__(f"another control plane is running in {directory}: stop it, or choose another directory")


class StartTimeoutError(Exception):
    """The control plane was not ready in time."""

    def __init__(self, waiting_for: str, log_tails: dict[str, str]) -> None:
        self.waiting_for = waiting_for
        logs = "\n".join(f"--- {name}\n{tail}" for name, tail in log_tails.items())
        super().__init__(
            f"after {_START_TIMEOUT_S:.0f} s still waiting for {waiting_for}; the ends of the logs:\n{logs}"
        )


class ControlPlane:
    """A control plane on free loopback ports, whose state lies in one directory and survives a restart.

    Start it and stop it, or use it as an asynchronous context manager. All of its processes end with ours (see
    `dev.processes`). While it runs, `supervise` tells when one of them dies.
    """

    def __init__(self, directory: Path, *, name: str = "dev", nodes: int = 2, progress: Progress = print) -> None:
        self.directory = directory.absolute()
        self.name = name
        self.node_names = tuple(f"{name}-node-{number}" for number in range(1, nodes + 1))
        self._progress = progress
        self._layout: Layout | None = None
        self._api: AdminApi | None = None
        self._children: dict[str, ChildProcess] = {}
        self._waiting_for = "nothing"
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig of a cluster administrator, certificates included; it is written anew at every start."""
        return self._started.kubeconfig

    @property
    def server(self) -> str:
        """The URL of the API server; the port changes with every start."""
        return self._started.server

    @property
    def api(self) -> AdminApi:
        """The API server as its administrator."""
        if self._api is None:
            raise RuntimeError(f"the control plane {self.name} is not running")
        return self._api

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of the programs that run."""
        return {name: child.pid for name, child in self._children.items() if child.running and child.pid is not None}

    async def start(self) -> None:
        """Start everything, building the programs first if it must, and return when pods can be created.

        Raises:
            DirectoryInUseError: another control plane runs in the directory.
            NoGoError, BuildError: see `ensure_binaries`.
            ProcessExitedError: one of the programs ended; with the end of its log.
            StartTimeoutError: not ready within two minutes; with the ends of all logs.

        """
        lock = FileLock(self.directory / "lock")
        if not lock.try_acquire():
            raise DirectoryInUseError(self.directory)
        self._stack.callback(lock.release)
        try:
            binaries = await ensure_binaries(self._progress)
            async with self._start_deadline():
                await self._start(binaries)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop what runs, the last started first: SIGTERM, and SIGKILL after a grace period."""
        await self._stack.aclose()
        self._api = None

    async def supervise(self) -> NoReturn:
        """Run for as long as everything does; run it as a task beside the use of the control plane.

        Raises:
            ProcessExitedError: when a program ends that nobody has stopped; with the end of its log.

        """
        await supervise(self._children.values())

    async def kill_apiserver(self) -> None:
        """End the API server with SIGKILL; everything else stays, and tries to reach it."""
        await self._children["kube-apiserver"].kill()

    async def start_apiserver(self) -> None:
        """Start the API server again, on the same port, and wait until it is ready.

        Raises:
            ProcessExitedError, StartTimeoutError: as `start`.

        """
        async with self._start_deadline():
            await self._children["kube-apiserver"].start()
            await self._wait_for("the API server", self._apiserver_ready)

    async def restart_etcd(self) -> None:
        """End etcd with SIGKILL and start it again; the API server finds it by itself."""
        await self._children["etcd"].kill()
        await self._children["etcd"].start()

    @property
    def _started(self) -> Layout:
        if self._layout is None:
            raise RuntimeError(f"the control plane {self.name} was never started")
        return self._layout

    @contextlib.asynccontextmanager
    async def _start_deadline(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(_START_TIMEOUT_S):
                yield
        except TimeoutError as error:
            tails = {name: child.log_tail(10) for name, child in self._children.items()}
            raise StartTimeoutError(self._waiting_for, tails) from error

    async def _start(self, binaries: Path) -> None:
        layout = self._layout = Layout(binaries, self.directory, Ports(*free_ports(6)))
        layout.pki.ensure(SERVICE_ADDRESS)
        layout.pki.write_kubeconfig(layout.kubeconfig, name=self.name, server=layout.server)
        self._api = await self._stack.enter_async_context(AdminApi(layout.server, layout.pki))
        await self._run("etcd", components.etcd(layout))
        # It waits for etcd by itself.
        await self._run("kube-apiserver", components.apiserver(layout))
        await self._wait_for("the API server", self._apiserver_ready)
        await self._run("kube-controller-manager", components.controller_manager(layout))
        await self._run("kube-scheduler", components.scheduler(layout))
        # Of an earlier run in this directory: the new KWOK would wait until they have expired.
        await self.api.delete("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases")
        kwok_config = write_kwok_config(self.directory)
        await self._run(
            "kwok",
            components.kwok(layout, [kwok_config]),
            # Not the user's own configuration of KWOK.
            env={"KWOK_WORKDIR": str(self.directory / "kwok")},
        )
        await self._create_nodes_and_storage_classes()
        await self._wait_for("the controller manager", lambda: self._healthy(layout.ports.controller_manager))
        await self._wait_for("the scheduler", lambda: self._healthy(layout.ports.scheduler))
        await self._wait_for("KWOK", lambda: self._healthy(layout.ports.kwok))
        await self._wait_for("the nodes", self._nodes_ready)
        # Admission refuses pods before the controller manager has made it.
        await self._wait_for("the default service account", self._service_account_exists)

    async def _run(self, name: str, argv: list[str], env: dict[str, str] | None = None) -> None:
        child = ChildProcess(name, argv, log_path=self.directory / "logs" / f"{name}.log", env=env)
        self._children[name] = child
        self._stack.push_async_callback(child.stop, grace_s=_STOP_GRACE_S)
        await child.start()

    async def _wait_for(self, what: str, probe: Probe) -> None:
        self._waiting_for = what
        while not await _answers(probe):
            for child in self._children.values():
                child.check()
            await asyncio.sleep(_PROBE_INTERVAL_S)

    async def _create_nodes_and_storage_classes(self) -> None:
        for name in self.node_names:
            await self.api.ensure("/api/v1/nodes", _node(name))
            # Where the API server fetches logs; a node of an earlier run still names that run's port.
            endpoints = {"kubeletEndpoint": {"Port": self._started.ports.kwok}}
            await self.api.merge(f"/api/v1/nodes/{name}/status", {"status": {"daemonEndpoints": endpoints}})
        for storage_class in (
            _storage_class("standard", "WaitForFirstConsumer", default=True),
            _storage_class("immediate", "Immediate", default=False),
        ):
            await self.api.ensure("/apis/storage.k8s.io/v1/storageclasses", storage_class)

    async def _apiserver_ready(self) -> bool:
        return await self.api.text("GET", "/readyz") == "ok"

    async def _healthy(self, port: int) -> bool:
        return await self.api.text("GET", f"https://{LOOPBACK}:{port}/healthz") == "ok"

    async def _nodes_ready(self) -> bool:
        nodes = [await self.api.get(f"/api/v1/nodes/{name}") for name in self.node_names]
        return all(_is_ready(node) for node in nodes)

    async def _service_account_exists(self) -> bool:
        return bool(await self.api.get("/api/v1/namespaces/default/serviceaccounts/default"))


async def _answers(probe: Probe) -> bool:
    try:
        return await probe()
    except (ApiError, aiohttp.ClientError, TimeoutError):
        return False


def _is_ready(node: dict[str, Any]) -> bool:
    conditions = node["status"].get("conditions", [])
    ready = any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
    # The controller manager takes its not-ready taint off a moment later.
    return ready and not node["spec"].get("taints")


def _node(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"},
        },
        "status": {"capacity": _CAPACITY, "allocatable": _CAPACITY},
    }


def _storage_class(name: str, binding_mode: str, *, default: bool) -> dict[str, Any]:
    annotations = {"storageclass.kubernetes.io/is-default-class": "true"} if default else {}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": annotations},
        "provisioner": _PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": binding_mode,
    }
