"""Builds the recorder and runs it."""

import uuid
from typing import NoReturn

from services.watcher.record.handlers import Recorder
from services.watcher.record.projector import Projector
from services.watcher.record.settings import RecordSettings
from services.watcher.record.sweeping import Sweeper
from shared.bus import topology
from shared.bus.connection import Bus
from shared.bus.errors import BusClosed
from shared.bus.parking import Parker
from shared.bus.settling import BatchHandler
from shared.bus.worker import work_batches
from shared.contracts import subjects
from shared.contracts.identity import ClusterName
from shared.runtime.service import Task, main, serve
from shared.runtime.stopping import Stopping
from shared.store import archive, projections
from shared.store.database import Database
from shared.store.registry import Registry

_BATCH = 256


async def run(settings: RecordSettings) -> None:
    """Run the recorder until it is told to stop."""
    stopping = Stopping()
    database = Database.connect(settings)
    bus = await Bus.connect(
        settings, source=f"kubemin/record/{uuid.uuid4().hex[:8]}", on_closed=lambda: stopping.fail(BusClosed())
    )
    try:
        await database.ensure((*archive.INDEXES, *projections.INDEXES))
        await _serve(settings, stopping, database, bus)
    finally:
        await bus.close()
        database.close()


async def _serve(settings: RecordSettings, stopping: Stopping, database: Database, bus: Bus) -> None:
    registry = Registry(database)
    history, projected = archive.Archive(database), projections.Projections(database)
    projector = Projector(history=history, projections=projected)
    recorder = Recorder(history=history, projections=projected, projector=projector)
    sweeper = Sweeper(history=history, projector=projector)

    async def clusters() -> list[ClusterName]:
        return [ClusterName(cluster.name) for cluster in await registry.clusters()]

    def consume(stream: str, durable: str, handler: BatchHandler) -> Task:
        async def consuming(stop: Stopping) -> None:
            consumer = bus.consumer(stream, durable)
            await work_batches(consumer, handler, stopping=stop, park=Parker(bus, durable), batch=_BATCH)

        return consuming

    await serve(
        "record",
        http=settings,
        stopping=stopping,
        ready=lambda: [] if bus.connected else ["no connection to NATS"],
        tasks={
            "topology": lambda stop: topology.keep(bus, clusters, stop),
            "runs": consume(subjects.STREAM_RUNS, topology.DURABLE_RECORD_RUNS, recorder.run_events),
            "facts": consume(subjects.STREAM_STATUS, topology.DURABLE_RECORD_FACTS, recorder.facts),
            "progress": consume(subjects.STREAM_PROGRESS, topology.DURABLE_RECORD_PROGRESS, recorder.progress),
            "sweep": sweeper.sweep,
        },
    )


def start() -> NoReturn:
    """Run as this process."""
    main("record", RecordSettings, run)
