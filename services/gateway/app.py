"""Builds the gateway and runs it."""

import time
import uuid
from datetime import UTC, datetime

from aiohttp import web

from services.gateway.adapters.agents import BusAgents
from services.gateway.adapters.announcing import BusAnnouncer
from services.gateway.adapters.asking import BusClusters
from services.gateway.adapters.fetching import WebFiles
from services.gateway.adapters.listening import BeatListener, ChangeListener
from services.gateway.adapters.parked import BusParked
from services.gateway.adapters.sealing import SodiumSealer
from services.gateway.clusters import Clusters
from services.gateway.comparing import Comparing
from services.gateway.copying import Copying
from services.gateway.dialect import DialectRequests
from services.gateway.drafting import Drafting
from services.gateway.handlers import Changes
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
    registrations = Registry(database)
    readers = metrics.gauge("gateway_readers", "Live readers of runs")
    hub = Hub(Archive(database, lenient=True), readers_changed=readers.set)
    beats = BeatListener(bus, now=_now, monotonic_s=time.monotonic)
    changes = ChangeListener(bus, hub)
    probe = Probe(database.ping)
    application = _application(
        settings=settings,
        database=database,
        registrations=registrations,
        bus=bus,
        hub=hub,
        beats=beats,
        metrics=metrics,
    )

    await serve(
        "gateway",
        http=settings,
        stopping=stopping,
        metrics=metrics,
        app=application,
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
    *,
    settings: GatewaySettings,
    database: Database,
    registrations: Registry,
    bus: Bus,
    hub: Hub,
    beats: BeatListener,
    metrics: Metrics,
) -> web.Application:
    authenticator = Authenticator(registrations, now=_now, monotonic_s=time.monotonic, cache_s=settings.token_cache_s)
    idempotent = Idempotent(
        store=Idempotency(database), secret=_mark_key(settings), body_timeout_s=settings.body_timeout_s, now=_now
    )
    application = web.Application(
        client_max_size=DEFAULT_LIMITS.body_bytes,
        middlewares=[
            middlewares.observed(metrics),
            middlewares.translated,
            middlewares.bounded(settings.answer_timeout_s),
            middlewares.authenticated(authenticator),
            idempotent.middleware(),
            # Also inside, so that a refusal is an answer that can be kept.
            middlewares.translated,
        ],
    )
    store, projections = Applications(database), Reads(database)
    earlier = Revisions(database, kept=settings.revisions_kept)
    queries = Queries(
        store=store,
        revisions=earlier,
        registry=registrations,
        projections=projections,
        live=beats,
        monotonic_s=time.monotonic,
    )
    history = Archive(database, lenient=True)
    changes = _changes(
        settings, store=store, earlier=earlier, registrations=registrations, projections=projections, bus=bus
    )
    routes = Routes(
        changes=changes,
        queries=queries,
        streams=RunStreams(hub=hub, queries=queries, history=history, store=store, max_readers=settings.max_readers),
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
    application.add_routes([*dialect.table(), *routes.table()])
    return application


def _changes(
    settings: GatewaySettings,
    *,
    store: Applications,
    earlier: Revisions,
    registrations: Registry,
    projections: Reads,
    bus: Bus,
) -> Changes:
    return Changes(
        store=store,
        revisions=earlier,
        registry=registrations,
        projections=projections,
        announcer=BusAnnouncer(bus),
        drafting=Drafting(
            registry=registrations,
            applications=store,
            sealer=SodiumSealer(_mark_key(settings)),
            copier=Copying(BusClusters(bus), WebFiles(), settings.allowed_addresses),
            job_types=BUILTIN,
            limits=DEFAULT_LIMITS,
            parallel=settings.parallel_documents,
        ),
        comparing=Comparing(BusAgents(bus), projections, within_s=settings.plan_clusters_s),
        now=_now,
        new_uid=_new_uid,
    )


def _mark_key(settings: GatewaySettings) -> bytes:
    return settings.sealing_mark_key.get_secret_value().encode()


def _now() -> datetime:
    return datetime.now(UTC)


def _new_uid() -> AppUid:
    return AppUid(uuid.uuid4().hex)
