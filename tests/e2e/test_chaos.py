"""The short form of `make chaos`: every process killed again and again while applications are delivered."""

import pytest

from dev.clusters import SimulatedCluster
from tests.chaos.campaign import Plan, run
from tests.e2e.system import System

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600, func_only=True)]

SEED = 11
"""Always the same here: a test that fails is to fail again. The long form draws one."""


async def test_deliveries_survive_kills_of_everything(system: System) -> None:
    simulated = isinstance(system.stack.clusters[0], SimulatedCluster)
    plan = Plan(applications=10 if simulated else 30, seconds=16.0 if simulated else 24.0, every_s=1.5, seed=SEED)
    said: list[str] = []
    verdict = await run(system, plan, said.append)
    assert verdict.ok, "\n".join((*said, str(verdict)))
