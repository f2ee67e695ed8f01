"""The recorder's consumers on a real bus: doorbells, facts, and a bus that is lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.watcher.record.handlers import Recorder
from services.watcher.record.sweeping import Sweeper
from shared.bus import Bus, topology
from shared.bus.parking import Parker
from shared.bus.worker import work_batches
from shared.contracts import subjects
from shared.runtime.stopping import Stopping
from shared.store.archive import Archive
from shared.store.database import Database
from shared.store.projections import Projections
from tests.support.bus import BusStack
from tests.support.conditions import until
from tests.support.recorders import projector, recorded, shown
from tests.unit.services.planner.trace import UID


def recorder(database: Database) -> Recorder:
    return Recorder(history=Archive(database), projections=Projections(database), projector=projector(database))


@asynccontextmanager
async def recording(database: Database, *connections: Bus) -> AsyncIterator[None]:
    """Run a replica for each connection."""
    stopping = Stopping()
    async with asyncio.TaskGroup() as group:
        for bus in connections:
            consumer = bus.consumer(subjects.STREAM_RUNS, topology.DURABLE_RECORD_RUNS)
            park = Parker(bus, topology.DURABLE_RECORD_RUNS)
            group.create_task(
                work_batches(consumer, recorder(database).run_events, stopping=stopping, park=park, batch=16)
            )
        try:
            yield
        finally:
            stopping.request()


async def test_replicas_project_what_the_planner_publishes_in_any_order(
    bus: BusStack, ready_database: Database
) -> None:
    events = recorded("delivery")
    planner = await bus.connect("planner")
    history = Archive(ready_database)

    async def projected() -> bool:
        return await shown(ready_database, UID) == len(events)

    async with recording(ready_database, await bus.connect("record"), await bus.connect("record")):
        for event in reversed(events):
            await history.add_run_events([event])
            await planner.publish(subjects.run(event.app), event, msg_id=f"run:{event.uid}:{event.n}")
        await until(projected)


async def test_run_events_that_were_lost_with_the_bus_are_found_in_the_archive(
    bus: BusStack, ready_database: Database
) -> None:
    events = recorded("delivery")
    history = Archive(ready_database)
    await history.add_run_events(events)
    planner = await bus.connect("planner")
    for event in events[:3]:
        await planner.publish(subjects.run(event.app), event)
    await bus.server.wipe()
    sweeper = Sweeper(history=history, projector=projector(ready_database))
    await sweeper.once()
    assert await shown(ready_database, UID) == len(events)
