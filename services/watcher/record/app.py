"""Builds the recorder and runs it."""

from typing import NoReturn

from services.watcher.record.handlers import Recorder
from services.watcher.record.projector import Projector
from services.watcher.record.settings import RecordSettings
from services.watcher.record.sweeping import Sweeper
from shared.bus import topology
from shared.bus.connection import Bus
from shared.bus.lag import measure_lag
from shared.bus.parking import Parker
from shared.bus.settling import Batch, BatchHandler
from shared.bus.worker import work_batches
from shared.central import connected
from shared.contracts import subjects
from shared.metrics import Metrics
from shared.runtime.service import Task, main, serve
from shared.runtime.stopping import Stopping
from shared.store import archive, projections
from shared.store.database import Database
from shared.store.registry import Registry

_BATCH = 256
_CONSUMED = (
    (subjects.STREAM_RUNS, topology.DURABLE_RECORD_RUNS),
    (subjects.STREAM_STATUS, topology.DURABLE_RECORD_FACTS),
    (subjects.STREAM_PROGRESS, topology.DURABLE_RECORD_PROGRESS),
)


INDEXES = (*archive.INDEXES, *projections.INDEXES)


async def run(settings: RecordSettings) -> None:
    """Run the recorder until it is told to stop."""
    stopping = Stopping()
    async with connected("record", settings, stopping, INDEXES) as (database, bus):
        await _serve(settings, stopping, database, bus)


async def _serve(settings: RecordSettings, stopping: Stopping, database: Database, bus: Bus) -> None:
    registry, metrics = Registry(database), Metrics()
    handled = metrics.counter("record_handled", "Messages archived and projected", ("consumer",))
    history, projected = archive.Archive(database), projections.Projections(database)
    projector = Projector(history=history, projections=projected)
    recorder = Recorder(history=history, projections=projected, projector=projector)
    sweeper = Sweeper(history=history, projector=projector)

    def consume(stream: str, durable: str, handler: BatchHandler) -> Task:
        async def counted(batch: Batch) -> None:
            await handler(batch)
            handled.labels(durable).inc(len(batch))

        async def consuming(stop: Stopping) -> None:
            consumer = bus.consumer(stream, durable)
            await work_batches(consumer, counted, stopping=stop, park=Parker(bus, durable, metrics), batch=_BATCH)

        return consuming

    await serve(
        "record",
        http=settings,
        stopping=stopping,
        metrics=metrics,
        ready=lambda: [] if bus.connected else ["no connection to NATS"],
        tasks={
            "topology": lambda stop: topology.keep(bus, registry.cluster_names, stop),
            "runs": consume(subjects.STREAM_RUNS, topology.DURABLE_RECORD_RUNS, recorder.run_events),
            "facts": consume(subjects.STREAM_STATUS, topology.DURABLE_RECORD_FACTS, recorder.facts),
            "progress": consume(subjects.STREAM_PROGRESS, topology.DURABLE_RECORD_PROGRESS, recorder.progress),
            "sweep": sweeper.sweep,
            "lag": lambda stop: measure_lag([bus.consumer(*each) for each in _CONSUMED], metrics, stop),
        },
    )


def start() -> NoReturn:
    """Run as this process."""
    main("record", RecordSettings, run)
