"""Builds the executor out of its parts and runs it."""

from datetime import UTC, datetime
from functools import partial

from services.executor.adapters.answers import BusAnswers
from services.executor.adapters.beats import Beats
from services.executor.adapters.keyring import Keyring
from services.executor.adapters.mailbox import Mailbox
from services.executor.adapters.meter import PrometheusMeter
from services.executor.adapters.requests import Requests, answering
from services.executor.domain.grants import DECLARED_KINDS, Grants
from services.executor.handlers.apply import Application
from services.executor.handlers.commands import Commands
from services.executor.handlers.comparing import Comparing
from services.executor.handlers.enrolment import Enrolments
from services.executor.handlers.lookout import Lookout
from services.executor.handlers.prepare import Preparation
from services.executor.handlers.prune import Pruning
from services.executor.handlers.reading import Reading
from services.executor.ports import Answers, Cluster, ClusterObjects, DryRunCluster, Meter, OpenSealed, SealFor
from services.executor.settings import ExecutorSettings
from shared.agent import connected
from shared.bus import Bus, Parker, work
from shared.bus.topology import executor_durable
from shared.contracts import subjects
from shared.contracts.differences import DIFF, DIFF_REQUEST
from shared.contracts.identity import ClusterName
from shared.contracts.reads import OBJECTS, READ_REQUEST
from shared.jobtypes.base import Registry
from shared.jobtypes.builtin import BUILTIN
from shared.kube import KubeApi
from shared.metrics import Metrics
from shared.runtime.service import serve
from shared.runtime.stopping import Stopping

NAME = "executor"
_LOOK_EVERY_S = 1.0
"""How late a run goes on after what it waited for has come; a look is one small read for each run that waits."""


def now() -> datetime:
    """The present time in UTC."""
    return datetime.now(UTC)


def kinds_by_type(registry: Registry) -> dict[str, frozenset[str]]:
    """What components of each type may consist of: the type's own kinds, and those of every trait.

    A command does not tell which traits a component has. A type whose objects are written by hand has what is granted.
    """
    traits = frozenset[str]().union(*(trait.kinds for trait in registry.traits.values()))
    kinds = {name: entry.kinds | traits for name, entry in registry.job_types.items()}
    # A declared object and a component may be called alike.
    none = frozenset[str]()
    return {name: kinds.get(name, none) | DECLARED_KINDS.get(name, none) for name in (*kinds, *DECLARED_KINDS)}


def build(
    cluster: Cluster,
    answers: Answers,
    *,
    name: ClusterName,
    grants: Grants,
    open_sealed: OpenSealed,
    meter: Meter,
) -> Commands:
    """Wire the handlers."""
    enrolments = Enrolments(cluster, name)
    return Commands(
        preparation=Preparation(cluster, enrolments, grants),
        application=Application(cluster, enrolments, grants, open_sealed),
        pruning=Pruning(cluster, enrolments),
        lookout=Lookout(cluster, now),
        answers=answers,
        now=now,
        meter=meter,
    )


def build_reading(cluster: ClusterObjects, *, name: ClusterName, grants: Grants, seal: SealFor) -> Reading:
    """Wire what answers requests for objects."""
    return Reading(cluster, name, enrolments=Enrolments(cluster, name), grants=grants, seal=seal)


def build_comparing(cluster: DryRunCluster, *, name: ClusterName, grants: Grants, open_sealed: OpenSealed) -> Comparing:
    """Wire what answers questions about plans."""
    enrolments = Enrolments(cluster, name)
    return Comparing(
        cluster,
        enrolments,
        grants,
        open_sealed,
        preparation=Preparation(cluster, enrolments, grants),
        pruning=Pruning(cluster, enrolments),
        name=name,
        now=now,
    )


async def look_out(commands: Commands, stopping: Stopping) -> None:
    """Look again and again for what holds runs back, until the stop."""
    while not await stopping.sleep(_LOOK_EVERY_S):
        await commands.look_again()


async def run(settings: ExecutorSettings) -> None:
    """Run until a signal or a failure."""
    keyring = Keyring(settings.sealing_key_file, ClusterName(settings.cluster))
    stopping = Stopping()
    async with connected(NAME, settings, stopping, call_timeout_s=settings.kube_timeout_s) as (api, bus, _):
        await _serve(settings, stopping, api, bus, keyring)


async def _serve(settings: ExecutorSettings, stopping: Stopping, api: KubeApi, bus: Bus, keyring: Keyring) -> None:
    cluster = ClusterName(settings.cluster)
    metrics = Metrics()
    grants = Grants(kinds_by_type(BUILTIN), settings.granted)
    commands = build(
        api,
        BusAnswers(bus, cluster),
        name=cluster,
        grants=grants,
        open_sealed=keyring.open,
        meter=PrometheusMeter(metrics),
    )
    reading = build_reading(api, name=cluster, grants=grants, seal=keyring.seal)
    comparing = build_comparing(api, name=cluster, grants=grants, open_sealed=keyring.open)
    asked = {OBJECTS: answering(READ_REQUEST, reading.read), DIFF: answering(DIFF_REQUEST, comparing.answer)}
    requests = Requests(bus, cluster, asked)
    mailbox = Mailbox(commands)
    durable = executor_durable(cluster)
    beats = Beats(bus, api, cluster, keyring, now=now, started_at=now())
    consume = partial(
        work,
        bus.consumer(subjects.STREAM_STEPS, durable),
        mailbox.command,
        park=Parker(bus, durable, metrics),
        concurrency=settings.concurrency,
        newer=mailbox.newer,
    )
    await serve(
        NAME,
        http=settings,
        tasks={
            "commands": lambda stop: consume(stopping=stop),
            "requests": requests.serve,
            "beats": beats.run,
            "lookout": lambda stop: look_out(commands, stop),
        },
        ready=lambda: _not_ready(bus, beats),
        stopping=stopping,
        metrics=metrics,
    )


def _not_ready(bus: Bus, beats: Beats) -> list[str]:
    reasons = [] if bus.connected else ["not connected to NATS"]
    return reasons + ([beats.trouble] if beats.trouble is not None else [])
