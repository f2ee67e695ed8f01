"""What is counted of drift that was set back: once, however many replicas hear of it."""

import asyncio
import time
from dataclasses import dataclass, field

from services.planner.domain.decide import Tick
from services.planner.domain.turn import Revert
from shared.contracts.commands import ApplyStep, Command
from shared.store.database import Database
from tests.support.bus import BusStack
from tests.support.planners import Planner, facts_about, take_commands
from tests.unit.services.planner.trace import World, plan, step

OURS, THEIRS = "0123456789abcdef", "fedcba9876543210"
LATER_S = 60.0


@dataclass
class Clock:
    """A clock that is put forward."""

    ahead_s: float = field(default=0)

    def __call__(self) -> float:
        return time.time() + self.ahead_s


async def test_object_that_was_set_back_is_counted_by_one_replica(bus: BusStack, ready_database: Database) -> None:
    clock = Clock()
    replicas = [Planner(ready_database, await bus.connect("planner"), clock) for _ in range(2)]
    cluster = await bus.connect("cluster-here")
    one, other = replicas
    world = World()

    async def asked() -> Command:
        (command,) = await take_commands(cluster)
        return command

    await one.deploy(plan(step("web")))
    await one.tell(*facts_about(await asked()))
    applied = await asked()
    await one.tell(world.applied_fact(applied, fields=OURS), *world.observations(applied, fields=OURS))
    await one.tell(*world.observations(applied, fields=THEIRS))
    clock.ahead_s = LATER_S
    await one.tell(Tick())
    again = await asked()
    assert isinstance(again, ApplyStep)
    assert again.reverting
    assert one.reverts == []

    answer = world.applied_fact(again, fields=OURS, written=True)
    await asyncio.gather(one.tell(answer), other.tell(answer))

    assert [*one.reverts, *other.reverts] == [Revert.CHANGED]
