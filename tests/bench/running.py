"""The system that benches measure: started as the tests start it, its services profiled on request."""

import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from dev.processes import free_ports
from dev.python import PYTHON
from dev.stack import Options
from shared.bus import Bus
from shared.runtime.settings import BusSettings
from tests.bench.settings import Settings
from tests.e2e.system import System

_STOP_S = 30.0


@asynccontextmanager
async def running(bench: str, settings: Settings, *, cluster: str) -> AsyncIterator[System]:
    """Start one stack with one cluster (`sim` or `plane`)."""
    # A fixed port, so that a gateway that is started again is found again.
    options = Options(cluster=cluster, port=free_ports(1)[0])
    async with System.running(options, settings.say) as system:
        if settings.profiles is not None:
            await _profile(system, settings.profiles / bench)
        yield system


async def _profile(system: System, directory: Path) -> None:
    """Start every service again under the profiler; it writes when the stack stops it."""
    for name, service in system.stack.services.items():
        process = service.process
        # After `python -m`.
        module = process.argv[2:]
        await process.stop(grace_s=_STOP_S)
        statistics = (directory / f"{name}.pstats").absolute()
        process.argv = (PYTHON, "-m", "tests.bench.profiled", str(statistics), *module)
        await service.start()
        await service.ready()
        if process.pid is not None:
            os.kill(process.pid, signal.SIGUSR1)


@asynccontextmanager
async def bus_of(system: System) -> AsyncIterator[Bus]:
    """The bus as an operator sees it."""
    credentials = system.stack.layout.credentials("admin")
    bus = await Bus.connect(
        BusSettings(nats_credentials_file=credentials), source="kubemin/bench", on_closed=lambda: None
    )
    try:
        yield bus
    finally:
        await bus.close()
