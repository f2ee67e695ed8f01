"""A cluster that goes away and comes back as another one."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dev.processes import free_ports
from dev.simulator.server import SimulatorOptions, simulated_cluster
from shared.contracts.facts import StepSucceeded
from shared.kube import KubeApi
from tests.support.bus import BusStack
from tests.support.clusters import ADMIN, RunningCluster, manifest
from tests.support.conditions import until
from tests.support.observers import App, Observers, Told
from tests.support.workloads import a_config_map

NAMESPACE = "away"


@pytest.fixture
async def observers(bus: BusStack, tmp_path: Path) -> AsyncIterator[Observers]:
    running = Observers(bus, RunningCluster("sim", tmp_path / "kubeconfig"), "kube-system", tmp_path)
    try:
        yield running
    finally:
        await running.stop()


async def test_an_observer_waits_for_its_cluster_and_knows_a_new_one(
    observers: Observers, told: Told, tmp_path: Path
) -> None:
    options = SimulatorOptions(port=free_ports(1)[0])
    async with simulated_cluster(options) as simulator:
        simulator.write_kubeconfig(tmp_path / "kubeconfig")
        await observers.start()
        await _deliver(tmp_path / "kubeconfig", told)
    first = told.facts[-1]

    async def says_why() -> bool:
        return any("Kubernetes API" in reason for reason in await observers.reasons(0))

    await until(says_why, timeout_s=30)
    async with simulated_cluster(options) as simulator:
        simulator.write_kubeconfig(tmp_path / "kubeconfig")
        await _deliver(tmp_path / "kubeconfig", told)
    assert told.facts[-1].order.incarnation != first.order.incarnation
    assert told.facts[-1].order.later_than(first.order)


async def _deliver(kubeconfig: Path, told: Told) -> None:
    api = await KubeApi.connect(kubeconfig=str(kubeconfig))
    try:
        await api.create(manifest("Namespace", NAMESPACE), field_manager=ADMIN)
        app = App(api, NAMESPACE, told)
        await app.apply(a_config_map())
        await app.seen(lambda fact: isinstance(fact, StepSucceeded))
    finally:
        await api.close()
