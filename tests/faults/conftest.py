"""A gateway to send what is broken to."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from shared.contracts.registry import Role
from tests.support.gateway import Caller, GatewayStack, gateway_stack


@pytest.fixture(scope="session")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayStack]:
    async with gateway_stack(tmp_path_factory.mktemp("faults"), KUBEMIN_TOKEN_CACHE_S="0") as stack:
        yield stack
    assert "Traceback" not in stack.log


@dataclass(frozen=True)
class Tenant:
    """A tenant and its administrator."""

    name: str
    namespace: str
    boss: Caller


@pytest.fixture(scope="module")
async def tenant(gateway: GatewayStack) -> Tenant:
    name = await gateway.tenant()
    return Tenant(name, f"{name}-dev", gateway.caller(await gateway.token(name, Role.ADMIN, name="boss")))
