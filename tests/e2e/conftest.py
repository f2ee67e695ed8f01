"""The whole system, once against the simulator and once against the real control plane."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack

import pytest

from dev.processes import free_ports
from dev.stack import Options
from tests.e2e import surroundings
from tests.e2e.system import System
from tests.support.sites import Site, serving

_NEXT: pytest.StashKey[pytest.Item | None] = pytest.StashKey()

_ENVIRONMENT = {"KUBEMIN_GRANTED_KINDS": ",".join(surroundings.GRANTED_KINDS)}


@pytest.fixture(scope="session")
async def site() -> AsyncIterator[Site]:
    """A web server from which the gateway may fetch."""
    async with serving() as files:
        yield files


class Systems:
    """The systems that are running, each from its first test on."""

    def __init__(self, progress: Callable[[str], None], site: Site) -> None:
        self._progress = progress
        self._environment = {**_ENVIRONMENT, "KUBEMIN_OBJECT_URLS": site.allowed}
        self._running: dict[str, System] = {}
        self._exit = AsyncExitStack()

    async def of(self, cluster: str) -> System:
        """The system with two clusters of a kind."""
        if cluster not in self._running:
            # A fixed port, so that a gateway that is started again is found again.
            options = Options(cluster=cluster, clusters=2, port=free_ports(1)[0], environment=self._environment)
            started = System.running(options, self._progress)
            self._running[cluster] = await self._exit.enter_async_context(started)
        return self._running[cluster]

    async def stop(self) -> None:
        """Stop all; they are started again when they are wanted again."""
        self._running.clear()
        await self._exit.aclose()


@pytest.fixture(scope="session")
async def systems(progress: Callable[[str], None], site: Site) -> AsyncIterator[Systems]:
    """None is running yet."""
    systems = Systems(progress, site)
    yield systems
    await systems.stop()


@pytest.fixture(scope="module", params=["sim", pytest.param("plane", marks=pytest.mark.plane)])
async def system(request: pytest.FixtureRequest, systems: Systems) -> AsyncIterator[System]:
    """Two clusters of a kind, and every service as a process of its own."""
    yield await systems.of(request.param)
    following = request.session.stash.get(_NEXT, None)
    if following is None or "system" not in getattr(following, "fixturenames", ()):
        # Two control planes and nine services are never idle: they would slow down all tests of other suites.
        await systems.stop()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Note what follows, for those that outlive a test."""
    item.session.stash[_NEXT] = nextitem


@pytest.fixture
async def namespace(system: System) -> str:
    """A namespace of the tenant, enrolled in both clusters."""
    return await system.enrolled_namespace()
