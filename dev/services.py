"""Our services as child processes of the embedded stack, wired by environment as in production."""

import asyncio
import urllib.error
import urllib.request
from collections.abc import Mapping

from dev.clusters import Cluster
from dev.layout import Layout
from dev.processes import ChildProcess
from dev.python import PYTHON, environment

_READY_TIMEOUT_S = 60.0
_POLL_S = 0.05
_PROBE_TIMEOUT_S = 2.0


class ServiceNotReadyError(Exception):
    """A service did not become ready in time."""

    def __init__(self, name: str, reasons: str, log_tail: str) -> None:
        self.name = name
        super().__init__(
            f"{name} is not ready after {_READY_TIMEOUT_S:.0f} s: {reasons}; the end of its log:\n{log_tail}"
        )


class Service:
    """One of our services."""

    def __init__(self, name: str, module: list[str], layout: Layout, env: Mapping[str, str]) -> None:
        self.name = name
        self._port_file = layout.ports / name
        self.process = ChildProcess(
            name,
            [PYTHON, "-m", *module],
            log_path=layout.logs / f"{name}.log",
            env={
                **environment(),
                "KUBEMIN_HTTP_PORT": "0",
                "KUBEMIN_HTTP_PORT_FILE": str(self._port_file),
                "KUBEMIN_LOG_LEVEL": "INFO",
                **env,
            },
        )

    @property
    def url(self) -> str:
        """Where it listens; only once it does."""
        return f"http://127.0.0.1:{self._port_file.read_text(encoding='utf-8').strip()}"

    async def start(self) -> None:
        """Start it; that it runs says nothing about its being ready."""
        self._port_file.unlink(missing_ok=True)
        await self.process.start()

    async def ready(self) -> None:
        """Wait until it says that it is ready; raises ProcessExitedError or ServiceNotReadyError."""
        reasons = "it does not listen yet"
        try:
            async with asyncio.timeout(_READY_TIMEOUT_S):
                while True:
                    self.process.check()
                    if self._port_file.exists() and self._port_file.read_text(encoding="utf-8").strip():
                        reasons = await asyncio.to_thread(_not_ready, f"{self.url}/readyz")
                        if not reasons:
                            return
                    await asyncio.sleep(_POLL_S)
        except TimeoutError as error:
            raise ServiceNotReadyError(self.name, reasons, self.process.log_tail()) from error


def central(layout: Layout, mongodb_uri: str, gateway_port: int, environment: Mapping[str, str]) -> list[Service]:
    """Gateway, planner and record; the environment overrides what they get otherwise."""
    store = {"KUBEMIN_MONGODB_URI": mongodb_uri}
    return [
        Service("planner", ["services.planner"], layout, {**store, **_bus(layout, "planner"), **environment}),
        Service("record", ["services.watcher", "record"], layout, {**store, **_bus(layout, "record"), **environment}),
        Service(
            "gateway",
            ["services.gateway"],
            layout,
            {
                **store,
                **_bus(layout, "gateway"),
                "KUBEMIN_HTTP_PORT": str(gateway_port),
                "KUBEMIN_SEALING_MARK_KEY_FILE": str(layout.mark_key),
                **environment,
            },
        ),
    ]


def agent(layout: Layout, cluster: Cluster, environment: Mapping[str, str]) -> list[Service]:
    """Executor and observer of one cluster; the environment overrides what they get otherwise."""
    env = {
        **_bus(layout, f"cluster-{cluster.name}"),
        "KUBEMIN_CLUSTER": cluster.name,
        "KUBEMIN_KUBECONFIG": str(cluster.kubeconfig),
        "KUBEMIN_KUBE_CONTEXT": cluster.context,
        **environment,
    }
    key = {"KUBEMIN_SEALING_KEY_FILE": str(layout.sealing_key(cluster.name))}
    return [
        Service(f"executor-{cluster.name}", ["services.executor"], layout, env | key),
        Service(f"observe-{cluster.name}", ["services.watcher", "observe"], layout, env),
    ]


def _bus(layout: Layout, user: str) -> dict[str, str]:
    return {"KUBEMIN_NATS_CREDENTIALS_FILE": str(layout.credentials(user))}


def _not_ready(url: str) -> str:
    """Why it is not ready, or an empty string."""
    try:
        with urllib.request.urlopen(url, timeout=_PROBE_TIMEOUT_S) as response:  # noqa: S310 - a loopback URL of ours
            return "" if response.status == 200 else f"HTTP {response.status}"
    except urllib.error.HTTPError as error:
        return error.read(2000).decode(errors="replace")
    except OSError as error:
        return str(error)
