"""Fixtures for suites that run the same against the simulator and against the real control plane.

Loaded as a plugin by `tests/conftest.py`, so that there is one of each per session.
"""

import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from dev.plane.control_plane import ControlPlane
from dev.simulator.server import SimulatorOptions, simulated_cluster
from shared.contracts.identity import ObjectKey
from shared.kube import KubeApi
from tests.support.conditions import until

ADMIN = "kubemin-tests"
"""Field manager of what tests write beside the system."""


@dataclass(frozen=True)
class RunningCluster:
    """A cluster that answers."""

    name: str
    kubeconfig: Path

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the API server."""
        url = urlsplit(self._cluster["server"])
        return url.hostname or "", url.port or 0

    def through(self, port: int, kubeconfig: Path) -> Path:
        """Write a kubeconfig that goes by another port of this machine."""
        config = yaml.safe_load(self.kubeconfig.read_text())
        [entry] = [c for c in config["clusters"] if c["cluster"]["server"] == self._cluster["server"]]
        url = urlsplit(entry["cluster"]["server"])
        entry["cluster"]["server"] = f"{url.scheme}://{url.hostname}:{port}"
        kubeconfig.write_text(yaml.safe_dump(config))
        return kubeconfig

    @property
    def _cluster(self) -> dict[str, Any]:
        cluster: dict[str, Any] = yaml.safe_load(self.kubeconfig.read_text())["clusters"][0]["cluster"]
        return cluster

    @property
    def enforces_rbac(self) -> bool:
        """The simulator stores roles and does not enforce them."""
        return self.name != "sim"


@pytest.fixture(scope="session")
async def plane(
    tmp_path_factory: pytest.TempPathFactory, progress: Callable[[str], None]
) -> AsyncIterator[ControlPlane]:
    """The real control plane; built first if it must be."""
    directory = tmp_path_factory.mktemp("plane")
    async with ControlPlane(directory, name="test", progress=progress) as plane:
        yield plane


@pytest.fixture(scope="session")
def control_plane(plane: ControlPlane) -> RunningCluster:
    return RunningCluster("plane", plane.kubeconfig)


@pytest.fixture(scope="session")
async def simulator(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RunningCluster]:
    kubeconfig = tmp_path_factory.mktemp("simulator") / "kubeconfig"
    async with simulated_cluster(SimulatorOptions()) as simulator:
        simulator.write_kubeconfig(kubeconfig)
        yield RunningCluster("sim", kubeconfig)


# The time of a test is its own: the first one's fixture may have to build the control plane.
@pytest.fixture(
    scope="session",
    params=[
        "simulator",
        pytest.param("control_plane", marks=[pytest.mark.plane, pytest.mark.timeout(300, func_only=True)]),
    ],
)
def cluster(request: pytest.FixtureRequest) -> RunningCluster:
    running: RunningCluster = request.getfixturevalue(request.param)
    return running


@pytest.fixture
async def kube(cluster: RunningCluster) -> AsyncIterator[KubeApi]:
    """The API as the administrator of the cluster."""
    api = await KubeApi.connect(kubeconfig=str(cluster.kubeconfig))
    yield api
    await api.close()


@pytest.fixture
async def kube_namespace(kube: KubeApi) -> AsyncIterator[str]:
    """A namespace of the test's own."""
    name = f"test-{secrets.token_hex(4)}"
    await kube.create(manifest("Namespace", name), field_manager=ADMIN)
    # Admission refuses pods before it is there.
    default = key("ServiceAccount", "default", name)
    await until(lambda: exists(kube, default))
    yield name
    await kube.delete(key("Namespace", name))


async def exists(kube: KubeApi, where: ObjectKey) -> bool:
    return await kube.find(where) is not None


def key(kind: str, name: str, namespace: str = "", api_version: str = "v1") -> ObjectKey:
    return ObjectKey(api_version=api_version, kind=kind, namespace=namespace, name=name)


def manifest(kind: str, name: str, namespace: str = "", api_version: str = "v1", **fields: Any) -> dict[str, Any]:
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def deployment(namespace: str, *, replicas: int = 0, app: str = "web") -> dict[str, Any]:
    """A Deployment `web` whose pods are labelled with the app."""
    return manifest(
        "Deployment",
        "web",
        namespace,
        "apps/v1",
        spec={
            "replicas": replicas,
            "selector": {"matchLabels": {"app": app}},
            "template": {
                "metadata": {"labels": {"app": app}},
                "spec": {"containers": [{"name": "app", "image": "web:1"}]},
            },
        },
    )


def written(metadata: dict[str, Any]) -> str:
    """The resource version; of what has a controller, which writes when it likes, its generation and other writers."""
    if "generation" not in metadata:
        return str(metadata["resourceVersion"])
    others = [m for m in metadata["managedFields"] if m["manager"] != "kube-controller-manager"]
    return f"{metadata['generation']} {[m for m in others if not m.get('subresource')]}"
