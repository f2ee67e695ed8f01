"""What every service of a cluster's agent begins with: the cluster's API and the bus, opened and closed together."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.bus.connection import Bus
from shared.bus.errors import BusClosed
from shared.kube.api import CALL_TIMEOUT_S, KubeApi
from shared.runtime.settings import AgentSettings
from shared.runtime.stopping import Stopping


@asynccontextmanager
async def connected(
    name: str, settings: AgentSettings, stopping: Stopping, *, call_timeout_s: float = CALL_TIMEOUT_S
) -> AsyncIterator[tuple[KubeApi, Bus, str]]:
    """Open both, and name this process as no other one is; a bus that closes for good fails the service."""
    identity = f"{settings.cluster}-{uuid.uuid4().hex[:8]}"
    api = await KubeApi.connect(
        kubeconfig=settings.kubeconfig,
        context=settings.kube_context,
        call_timeout_s=call_timeout_s,
        user_agent=f"kubemin-{name}",
    )
    try:
        source = f"kubemin/{name}/{identity}"
        bus = await Bus.connect(settings, source=source, on_closed=lambda: stopping.fail(BusClosed()))
        try:
            yield api, bus, identity
        finally:
            await bus.close()
    finally:
        await api.close()
