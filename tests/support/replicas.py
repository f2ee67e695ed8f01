"""Further replicas of a stack's services, and processes that stand still."""

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from dev.services import Service
from dev.stack import Stack

_OWN = ("KUBEMIN_HTTP_PORT", "KUBEMIN_HTTP_PORT_FILE")


@asynccontextmanager
async def replica(stack: Stack, name: str, suffix: str, **env: str) -> AsyncIterator[Service]:
    """One more process like the service of that name, ready; `env` overrides."""
    original = stack.services[name].process
    _, _, *module = original.argv
    given = {key: value for key, value in (original.env or {}).items() if key not in _OWN}
    service = Service(f"{name}-{suffix}", module, stack.layout, given | env)
    await service.start()
    try:
        await service.ready()
        yield service
    finally:
        await service.process.kill()


@asynccontextmanager
async def away(*services: Service) -> AsyncIterator[None]:
    """The services are stopped in good order, and started again at the end of the scope."""
    for service in services:
        await service.process.stop()
    try:
        yield
    finally:
        for service in services:
            await service.start()
        for service in services:
            await service.ready()


@contextmanager
def frozen(*services: Service) -> Iterator[None]:
    """The processes stand still for the scope and know nothing of it."""
    pids = [service.process.pid for service in services if service.process.pid is not None]
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
