"""Builds the planner and runs it."""

import time

from services.planner.adapters.heartbeats import Heartbeats
from services.planner.domain.turn import Policy, Revert
from services.planner.engine import Engine, EngineMetrics, Stores
from services.planner.handlers import Facts, TakeUp
from services.planner.settings import PlannerSettings
from services.planner.sweeping import Sweeper
from services.planner.unseen import UnseenObjects
from shared.bus import topology
from shared.bus.connection import Bus
from shared.bus.parking import Parker
from shared.bus.worker import work, work_batches
from shared.central import connected
from shared.contracts import subjects
from shared.jobtypes.builtin import BUILTIN
from shared.metrics import Metrics
from shared.runtime.service import serve
from shared.runtime.stopping import Stopping
from shared.store import applications, archive, planner_states, plans
from shared.store.database import Database
from shared.store.reads import Reads
from shared.store.registry import Registry as Registrations

_SPEC_CONCURRENCY = 16
_FACT_BATCH = 256
_FACT_BATCHES = 4


INDEXES = (*applications.INDEXES, *planner_states.INDEXES, *archive.INDEXES)


async def run(settings: PlannerSettings) -> None:
    """Run the planner until it is told to stop."""
    stopping = Stopping()
    metrics = Metrics()
    async with connected("planner", settings, stopping, INDEXES) as (database, bus):
        await _serve(settings, stopping, metrics, database, bus)


async def _serve(settings: PlannerSettings, stopping: Stopping, metrics: Metrics, database: Database, bus: Bus) -> None:
    registry, records = Registrations(database), applications.Applications(database)
    states = planner_states.PlannerStates(database)
    heartbeats = Heartbeats(bus, time.monotonic)
    stores = Stores(states=states, plans=plans.Plans(database), archive=archive.Archive(database), applications=records)
    engine = _engine(settings, stores, bus, heartbeats, metrics)
    take_up = TakeUp(engine=engine, applications=records, registry=BUILTIN)
    backlog = bus.consumer(subjects.STREAM_STATUS, topology.DURABLE_PLANNER_FACTS)
    sweeper = Sweeper(
        engine=engine, take_up=take_up, applications=records, states=states, backlog=backlog.backlog, clock=time.time
    )
    unseen = UnseenObjects(
        engine=engine, observations=Reads(database), restated=heartbeats.restated, monotonic_s=time.monotonic
    )

    async def specs(stop: Stopping) -> None:
        await work(
            bus.consumer(subjects.STREAM_SPECS, topology.DURABLE_PLANNER_SPECS),
            take_up.changed,
            stopping=stop,
            park=Parker(bus, topology.DURABLE_PLANNER_SPECS, metrics),
            concurrency=_SPEC_CONCURRENCY,
        )

    async def facts(stop: Stopping) -> None:
        await work_batches(
            bus.consumer(subjects.STREAM_STATUS, topology.DURABLE_PLANNER_FACTS),
            Facts(engine).stated,
            stopping=stop,
            park=Parker(bus, topology.DURABLE_PLANNER_FACTS, metrics),
            batch=_FACT_BATCH,
            concurrency=_FACT_BATCHES,
        )

    await serve(
        "planner",
        http=settings,
        stopping=stopping,
        metrics=metrics,
        ready=lambda: [] if bus.connected else ["no connection to NATS"],
        tasks={
            "topology": lambda stop: topology.keep(bus, registry.cluster_names, stop),
            "heartbeats": heartbeats.listen,
            "specs": specs,
            "facts": facts,
            "deadlines": sweeper.keep_deadlines,
            "unobserved": sweeper.find_unobserved,
            "outboxes": sweeper.flush_outboxes,
            "said": sweeper.forget_said,
            "unseen": unseen.look,
        },
    )


def _engine(settings: PlannerSettings, stores: Stores, bus: Bus, beats: Heartbeats, metrics: Metrics) -> Engine:
    return Engine(
        stores=stores,
        bus=bus,
        beats=beats,
        policy=_policy(settings),
        clock=time.time,
        metrics=_metrics(metrics),
    )


def _policy(settings: PlannerSettings) -> Policy:
    return Policy(
        prepare_deadline_s=settings.prepare_deadline_s,
        unreachable_limit_s=settings.unreachable_limit_s,
        resend_first_s=settings.resend_first_s,
        resend_max_s=settings.resend_max_s,
        window=settings.window,
    )


def _metrics(metrics: Metrics) -> EngineMetrics:
    decisions = metrics.counter("planner_decisions", "Decisions taken")
    inputs = metrics.counter("planner_inputs", "Inputs folded by decisions")
    reverts = metrics.counter(
        "planner_reverts", "Objects that others had changed or deleted, and that were set back", ("reason",)
    )
    conflicts = metrics.counter("planner_conflicts", "Compare-and-sets that another replica had won")

    def decided(count: int) -> None:
        decisions.inc()
        inputs.inc(count)

    # A counter that begins at its first count hides that one from rates.
    of_reason = {reason: reverts.labels(reason.value) for reason in Revert}
    return EngineMetrics(decided=decided, conflicted=conflicts.inc, reverted=lambda revert: of_reason[revert].inc())
