"""Builds the observer out of its parts and runs it."""

from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from typing import NoReturn

from services.watcher.observe.adapters.bus import BusOutbox, receive_nudges
from services.watcher.observe.adapters.kubernetes import KubernetesCluster
from services.watcher.observe.handlers.observer import Observer
from services.watcher.observe.handlers.term import Pace
from services.watcher.observe.settings import ObserveSettings
from shared.agent import connected
from shared.bus import Bus
from shared.contracts.identity import ClusterName
from shared.kube import KubeApi, LeaseElection
from shared.kube.lease import LeaseTimes
from shared.metrics import Metrics
from shared.runtime.service import main, serve
from shared.runtime.stopping import Stopping

NAME = "observe"
LEASE = "kubemin-observe"


def start() -> NoReturn:
    """Run the observer as this process."""
    main(NAME, ObserveSettings, run)


def now() -> datetime:
    """The present time in UTC."""
    return datetime.now(UTC)


async def run(settings: ObserveSettings) -> None:
    """Run until a signal or a failure."""
    stopping = Stopping()
    async with connected(NAME, settings, stopping) as (api, bus, identity):
        await _serve(settings, stopping, api, bus, identity)


async def _serve(settings: ObserveSettings, stopping: Stopping, api: KubeApi, bus: Bus, identity: str) -> None:
    cluster, metrics = ClusterName(settings.cluster), Metrics()
    election = LeaseElection(
        api,
        namespace=settings.lease_namespace,
        name=LEASE,
        identity=identity,
        times=LeaseTimes(
            duration_s=settings.lease_duration_s,
            renew_deadline_s=settings.lease_renew_deadline_s,
            retry_s=settings.lease_retry_s,
        ),
    )
    observer = Observer(
        KubernetesCluster(api, stopping),
        BusOutbox(bus),
        name=cluster,
        version=version("kubemin"),
        present_term=lambda: None if election.leadership is None else election.leadership.transitions,
        now=now,
        pace=Pace(restate_s=settings.restate_every_s, sweep_s=settings.sweep_every_s),
        metrics=metrics,
    )
    await receive_nudges(bus, cluster, observer.nudged)
    await serve(
        NAME,
        http=settings,
        tasks={
            "election": lambda stop: election.run(lambda term: observer.lead(term.transitions, stop), stop),
            "probe": observer.probe,
        },
        ready=partial(_not_ready, bus, observer),
        stopping=stopping,
        metrics=metrics,
    )


def _not_ready(bus: Bus, observer: Observer) -> list[str]:
    return [*([] if bus.connected else ["not connected to NATS"]), *observer.problems]
