"""The whole system, once against the simulator and once against the real control plane."""

from collections.abc import AsyncIterator, Callable

import pytest

from dev.processes import free_ports
from dev.stack import Options
from tests.e2e import surroundings
from tests.e2e.system import System
from tests.support.sites import Site, serving

_ENVIRONMENT = {"KUBEMIN_GRANTED_KINDS": ",".join(surroundings.GRANTED_KINDS)}


@pytest.fixture(scope="session")
async def site() -> AsyncIterator[Site]:
    """A web server from which the gateway may fetch."""
    async with serving() as files:
        yield files


@pytest.fixture(
    scope="session",
    params=["sim", pytest.param("plane", marks=pytest.mark.plane)],
)
async def system(request: pytest.FixtureRequest, progress: Callable[[str], None], site: Site) -> AsyncIterator[System]:
    """Two clusters of a kind, and every service as a process of its own."""
    # A fixed port, so that a gateway that is started again is found again.
    environment = {**_ENVIRONMENT, "KUBEMIN_OBJECT_URLS": site.allowed}
    options = Options(cluster=request.param, clusters=2, port=free_ports(1)[0], environment=environment)
    async with System.running(options, progress) as running:
        yield running


@pytest.fixture
async def namespace(system: System) -> str:
    """A namespace of the tenant, enrolled in both clusters."""
    return await system.enrolled_namespace()
