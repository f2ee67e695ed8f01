"""Builds the gateway and runs it."""

import time
import uuid
from datetime import UTC, datetime

from aiohttp import web
from aiohttp.typedefs import Middleware

from services.gateway.adapters.announcing import BusAnnouncer
from services.gateway.adapters.executors import BusExecutors
from services.gateway.adapters.fetching import WebFiles
from services.gateway.adapters.listening import BeatListener, ChangeListener
from services.gateway.adapters.parked import BusParked
from services.gateway.adapters.sealing import SodiumSealer
from services.gateway.clusters import Clusters
from services.gateway.comparing import Comparing
from services.gateway.copying import Copying
from services.gateway.dialect import DialectRequests
from services.gateway.drafting import Drafting
from services.gateway.handlers import Changes, Stores
from services.gateway.live import Hub
from services.gateway.parked import ParkedMessages
from services.gateway.probing import Probe
from services.gateway.queries import Queries
from services.gateway.settings import GatewaySettings
from services.gateway.streams import RunStreams
from services.gateway.web import middlewares
from services.gateway.web.authentication import Authenticator
from services.gateway.web.dialect_routes import DialectRoutes
from services.gateway.web.idempotency import Idempotent
from services.gateway.web.routes import Routes, Timeouts
from shared.bus.connection import Bus
from shared.catalogue.entries import Catalogue
from shared.central import connected
from shared.contracts.identity import AppUid
from shared.jobtypes.builtin import BUILTIN
from shared.metrics import Metrics
from shared.planning import DEFAULT_LIMITS
from shared.planning.policies import POLICY_TYPES
from shared.runtime.service import serve
from shared.runtime.stopping import Stopping
from shared.store import applications, idempotency, registry, revisions
from shared.store.applications import Applications
from shared.store.archive import Archive
from shared.store.database import Database
from shared.store.idempotency import Idempotency
from shared.store.reads import Reads
from shared.store.registry import Registry
from shared.store.revisions import Revisions

INDEXES = (*applications.INDEXES, *revisions.INDEXES, *registry.INDEXES, *idempotency.INDEXES)


async def run(settings: GatewaySettings) -> None:
    """Run the gateway until it is told to stop."""
    stopping = Stopping()
    async with connected("gateway", settings, stopping, INDEXES) as (database, bus):
        await _serve(settings, stopping, database, bus)


async def _serve(settings: GatewaySettings, stopping: Stopping, database: Database, bus: Bus) -> None:
    metrics = Metrics()
    readers = metrics.gauge("gateway_readers", "Live readers of runs")
    hub = Hub(Archive(database, lenient=True), readers_changed=readers.set)
    beats = BeatListener(bus, now=_now, monotonic_s=time.monotonic)
    changes = ChangeListener(bus, hub)
    probe = Probe(database.ping)
    await serve(
        "gateway",
        http=settings,
        stopping=stopping,
        metrics=metrics,
        app=_application(settings, database, bus, hub=hub, beats=beats, metrics=metrics),
        # Without NATS documents are still accepted and statuses read.
        ready=probe.reasons,
        tasks={
            "beats": beats.listen,
            "runs": changes.runs,
            "pods": changes.pods,
            "live": hub.work,
            "probe": probe.work,
        },
    )


def _application(
    settings: GatewaySettings, database: Database, bus: Bus, *, hub: Hub, beats: BeatListener, metrics: Metrics
) -> web.Application:
    registrations = Registry(database)
    stores = Stores(
        applications=Applications(database),
        revisions=Revisions(database, kept=settings.revisions_kept),
        registry=registrations,
        projections=Reads(database),
    )
    changes = _changes(settings, stores, bus)
    queries = Queries(
        store=stores.applications,
        revisions=stores.revisions,
        registry=stores.registry,
        projections=stores.projections,
        live=beats,
        monotonic_s=time.monotonic,
    )
    history = Archive(database, lenient=True)
    streams = RunStreams(
        hub=hub, queries=queries, history=history, store=stores.applications, max_readers=settings.max_readers
    )
    authenticator = Authenticator(registrations, now=_now, monotonic_s=time.monotonic, cache_s=settings.token_cache_s)
    routes = Routes(
        changes=changes,
        queries=queries,
        streams=streams,
        parked=ParkedMessages(BusParked(bus)),
        clusters=Clusters(registrations, beats),
        catalogue=Catalogue(BUILTIN, POLICY_TYPES),
        authenticator=authenticator,
        timeouts=Timeouts(
            body_s=settings.body_timeout_s, write_s=settings.write_timeout_s, keep_alive_s=settings.keep_alive_s
        ),
    )
    dialect = DialectRoutes(
        asked=DialectRequests(changes=changes, queries=queries, limits=DEFAULT_LIMITS),
        body_timeout_s=settings.body_timeout_s,
    )
    application = web.Application(
        client_max_size=DEFAULT_LIMITS.body_bytes,
        middlewares=_middlewares(settings, database, authenticator, metrics),
    )
    application.add_routes([*dialect.table(), *routes.table()])
    return application


def _middlewares(
    settings: GatewaySettings, database: Database, authenticator: Authenticator, metrics: Metrics
) -> list[Middleware]:
    """From the outermost to the innermost."""
    idempotent = Idempotent(
        store=Idempotency(database), secret=_mark_key(settings), body_timeout_s=settings.body_timeout_s, now=_now
    )
    return [
        middlewares.observed(metrics),
        middlewares.translated,
        middlewares.bounded(settings.answer_timeout_s),
        middlewares.authenticated(authenticator),
        idempotent.middleware(),
        # Also inside, so that a refusal is an answer that can be kept.
        middlewares.translated,
    ]


def _changes(settings: GatewaySettings, stores: Stores, bus: Bus) -> Changes:
    executors = BusExecutors(bus)
    return Changes(
        stores,
        announcer=BusAnnouncer(bus),
        drafting=Drafting(
            registry=stores.registry,
            applications=stores.applications,
            sealer=SodiumSealer(_mark_key(settings)),
            copier=Copying(executors, WebFiles(), settings.allowed_addresses),
            job_types=BUILTIN,
            limits=DEFAULT_LIMITS,
            parallel=settings.parallel_documents,
        ),
        comparing=Comparing(executors, stores.projections, within_s=settings.plan_clusters_s),
        now=_now,
        new_uid=_new_uid,
    )


def _mark_key(settings: GatewaySettings) -> bytes:
    return settings.sealing_mark_key.get_secret_value().encode()


def _now() -> datetime:
    return datetime.now(UTC)


def _new_uid() -> AppUid:
    return AppUid(uuid.uuid4().hex)
