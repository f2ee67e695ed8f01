"""One gateway for the suite, and a tenant for each test."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from shared.contracts.registry import Role
from tests.support.gateway import Caller, GatewayStack, gateway_stack


@pytest.fixture(scope="session")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayStack]:
    async with gateway_stack(tmp_path_factory.mktemp("gateway")) as stack:
        yield stack


@dataclass(frozen=True)
class Team:
    """A tenant and somebody who deploys for it."""

    name: str
    namespace: str
    ann: Caller

    def document(self, name: str = "shop", *, image: str = "nginx", **spec: Any) -> dict[str, Any]:
        """An application of theirs."""
        return {
            "apiVersion": "core.oam.dev/v1beta1",
            "kind": "Application",
            "metadata": {"name": name, "namespace": self.namespace},
            "spec": {"components": [{"name": "web", "type": "webservice", "properties": {"image": image}}], **spec},
        }

    def path(self, name: str = "shop") -> str:
        """Where the API has it."""
        return f"/api/v1/applications/{self.namespace}/{name}"


@pytest.fixture
async def team(gateway: GatewayStack) -> Team:
    name = await gateway.tenant()
    return Team(name, f"{name}-dev", gateway.caller(await gateway.token(name, Role.DEPLOYER, name="ann")))
