"""Planner engines on a real bus and a real database, and a cluster that answers by hand."""

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from pydantic import BaseModel

from services.planner.domain.decide import Delete, Deploy, Input
from services.planner.domain.turn import Policy, Revert
from services.planner.engine import Engine, EngineMetrics, Stores
from services.planner.ports import ArchivePort, PublishPort
from shared.bus import Bus, topology
from shared.bus.messages import decode, open_delivery
from shared.bus.tail import Resync
from shared.contracts import subjects
from shared.contracts.commands import COMMAND, ApplyStep, Command, PrepareRun, PruneObjects
from shared.contracts.facts import Fact, ObjectsPruned, RunPrepared
from shared.contracts.identity import ClusterName
from shared.contracts.plan import Plan
from shared.contracts.runs import RUN_EVENT, RunEvent
from shared.store import applications, archive, planner_states, plans
from shared.store.database import Database
from tests.unit.services.planner.trace import APP, HERE, UID, World


class Reachable:
    """Every cluster gives signs of life."""

    def reachable(self, _cluster: ClusterName) -> bool:
        """It does."""
        return True


class Silent:
    """A bus that never answers: its process dies while it waits."""

    async def publish(self, subject: str, message: BaseModel, *, msg_id: str | None = None) -> None:
        """Wait for ever."""
        del subject, message, msg_id
        await asyncio.Event().wait()


class Counting:
    """Publishes, and counts."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self.published = 0

    async def publish(self, subject: str, message: BaseModel, *, msg_id: str | None = None) -> None:
        """Publish it."""
        self.published += 1
        await self._bus.publish(subject, message, msg_id=msg_id)


class Gated:
    """The archive, which takes nothing while its gate is closed."""

    def __init__(self, database: Database) -> None:
        self._archive = archive.Archive(database)
        self.gate = asyncio.Event()

    async def add_run_events(self, events: Sequence[RunEvent]) -> None:
        """Keep run events once the gate is open."""
        await self.gate.wait()
        await self._archive.add_run_events(events)

    async def add_commands(self, commands: Iterable[archive.ArchivedCommand]) -> None:
        """Keep commands once the gate is open."""
        if kept := list(commands):
            await self.gate.wait()
            await self._archive.add_commands(kept)


@dataclass
class Planner:
    """One replica."""

    database: Database
    bus: PublishPort
    clock: Callable[[], float] = time.time
    archive: ArchivePort | None = None
    """Instead of the database's own."""
    conflicts: int = 0
    reverts: list[Revert] = field(default_factory=list)
    engine: Engine = field(init=False)
    states: planner_states.PlannerStates = field(init=False)
    records: applications.Applications = field(init=False)

    def __post_init__(self) -> None:
        self.states = planner_states.PlannerStates(self.database)
        self.records = applications.Applications(self.database)
        self.engine = Engine(
            stores=Stores(
                states=self.states,
                plans=plans.Plans(self.database),
                archive=self.archive or archive.Archive(self.database),
                applications=self.records,
            ),
            bus=self.bus,
            beats=Reachable(),
            policy=Policy(),
            clock=self.clock,
            metrics=EngineMetrics(decided=lambda _: None, conflicted=self._conflicted, reverted=self.reverts.append),
        )

    def _conflicted(self) -> None:
        self.conflicts += 1

    async def deploy(self, plan: Plan) -> None:
        """Take up a generation."""
        plan = await self.engine.remember(plan)
        await self.engine.fold(plan.uid, [Deploy(plan=plan, requested_by="ann")], app=plan.app)

    async def delete(self, generation: int) -> None:
        """Take up a deletion."""
        await self.engine.fold(UID, [Delete(generation=generation, requested_by="ann")], app=APP)

    async def tell(self, *inputs: Input) -> None:
        """Fold inputs."""
        await self.engine.fold(UID, inputs)


async def ensure(database: Database) -> None:
    """Create what the planner's stores need."""
    await database.ensure((*applications.INDEXES, *planner_states.INDEXES, *archive.INDEXES))


async def take_commands(bus: Bus, *, timeout_s: float = 1.0) -> list[Command]:
    """What is in the mailbox of the cluster now; waits for the first."""
    consumer = bus.consumer(subjects.STREAM_STEPS, topology.executor_durable(HERE))
    try:
        found = await consumer.fetch(256, timeout_s)
        commands: list[Command] = []
        for delivery in found:
            commands.append(decode(COMMAND, open_delivery(delivery)))
            await delivery.ack()
        return commands
    finally:
        await consumer.close()


def facts_about(command: Command) -> list[Fact]:
    """What a cluster says where all goes well."""
    world = World()
    match command:
        case PrepareRun():
            return [RunPrepared(**world.header(command))]
        case ApplyStep():
            return [world.applied_fact(command), *world.observations(command)]
        case PruneObjects():
            gone = tuple(o.object_uid for o in command.objects)
            return [ObjectsPruned(**world.header(command), gone=gone)]


async def published(bus: Bus, *, until: Callable[[list[RunEvent]], bool], timeout_s: float = 15.0) -> list[RunEvent]:
    """Read the stream of run events from its beginning until the condition holds."""
    events: list[RunEvent] = []
    async with asyncio.timeout(timeout_s):
        async for item in bus.tail(subjects.STREAM_RUNS, subjects.run(APP), deliver="all"):
            if isinstance(item, Resync):
                continue
            events.append(decode(RUN_EVENT, open_delivery(item)))
            if until(events):
                return events
    return events


def shuffled(facts: list[Fact], *, seed: int) -> list[Fact]:
    """The same in another order."""
    mixed = list(facts)
    random.Random(seed).shuffle(mixed)
    return mixed
