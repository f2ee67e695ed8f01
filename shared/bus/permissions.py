"""Who may do what on the bus, as data; `accounts` writes the server's configuration of it.

Planner and record keep streams and durables, and so does an operator's `admin`: they may use all of JetStream's API.
The gateway, which the world can reach, may not: it reads along three streams, and looks after what is parked.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from shared.bus.topology import (
    AUDITED_STREAMS,
    DURABLE_PLANNER_FACTS,
    DURABLE_PLANNER_SPECS,
    DURABLE_RECORD_FACTS,
    DURABLE_RECORD_PROGRESS,
    DURABLE_RECORD_RUNS,
    Durable,
    auditor_durable,
    durables,
    executor_durable,
    parked_by,
)
from shared.contracts import subjects
from shared.contracts.identity import ClusterName

CENTRE_USERS = ("gateway", "planner", "record", "admin")

_API = "$JS.API"
_CONSUMES: dict[str, tuple[str, ...]] = {
    "planner": (DURABLE_PLANNER_SPECS, DURABLE_PLANNER_FACTS),
    "record": (DURABLE_RECORD_RUNS, DURABLE_RECORD_FACTS, DURABLE_RECORD_PROGRESS),
}
"""Whoever consumes parks, and takes again what it parked; nobody replays by publishing in another's name."""
_STREAM_OF = {durable.name: durable.stream for durable in durables(())}
_ASKS_REPLAY = f"{subjects.ROOT}.replay.>"
_SAYS: dict[str, tuple[str, ...]] = {
    "gateway": (f"{subjects.ROOT}.spec.>", f"{subjects.ROOT}.rpc.>", _ASKS_REPLAY),
    "planner": (f"{subjects.ROOT}.run.>", f"{subjects.ROOT}.step.>"),
    "record": (),
    "admin": (_ASKS_REPLAY, "$JS.ACK.>"),
}
_READ_ALONG = (subjects.STREAM_RUNS, subjects.STREAM_PROGRESS, subjects.STREAM_BEATS)
"""What the gateway shows live."""


class Service(NamedTuple):
    """One subject of the centre that another account may publish on."""

    subject: str
    streamed: bool = False
    """More than one answer may come: a pull request is answered by messages."""


class Rights(NamedTuple):
    """What one user of the centre may do."""

    publishes: tuple[str, ...]
    denied: tuple[str, ...] = ()
    """Of what `publishes` would allow."""
    serves: tuple[str, ...] = ()
    """Requests that it answers."""


def central_rights(user: str, auditors: Sequence[str]) -> Rights:
    """Return what a user of the centre may do; auditors' durables stand beside our own on some streams."""
    consumed = _CONSUMES.get(user, ())
    says = (*_SAYS[user], *map(parked_by, consumed))
    if user == "gateway":
        return Rights((*says, *_reading_along(), *_looking_after_parked()), tuple(_others_durables(auditors)))
    acknowledges = tuple(f"$JS.ACK.{_STREAM_OF[durable]}.{durable}.>" for durable in consumed)
    return Rights((*says, *acknowledges, f"{_API}.>"), serves=tuple(map(subjects.replay, consumed)))


def _reading_along() -> Iterator[str]:
    for stream in _READ_ALONG:
        yield f"{_API}.STREAM.INFO.{stream}"
        yield f"{_API}.CONSUMER.CREATE.{stream}"
        # The names of its own consumers are made up by the server.
        yield f"{_API}.CONSUMER.MSG.NEXT.{stream}.*"
        yield f"{_API}.CONSUMER.DELETE.{stream}.*"


def _looking_after_parked() -> Iterator[str]:
    yield f"{_API}.STREAM.MSG.GET.{subjects.STREAM_PARKED}"
    yield f"{_API}.STREAM.MSG.DELETE.{subjects.STREAM_PARKED}"


def _others_durables(auditors: Sequence[str]) -> Iterator[str]:
    for durable in _on(_READ_ALONG, durables((), auditors)):
        yield f"{_API}.CONSUMER.MSG.NEXT.{durable.stream}.{durable.name}"
        yield f"{_API}.CONSUMER.DELETE.{durable.stream}.{durable.name}"


def _on(streams: Sequence[str], all_: Iterable[Durable]) -> Iterator[Durable]:
    return (durable for durable in all_ if durable.stream in streams)


def cluster_services(cluster: ClusterName) -> tuple[Service, ...]:
    """Return everything that the agent of a cluster may reach in the centre."""
    durable = executor_durable(cluster)
    return (
        Service(subjects.status_of(cluster)),
        Service(subjects.progress_of(cluster)),
        Service(subjects.beats_of(cluster)),
        Service(parked_by(durable)),
        Service(parked_by(f"observe-{cluster}")),
        *_pull(subjects.STREAM_STEPS, durable),
    )


def auditor_services(auditor: str) -> tuple[Service, ...]:
    """Return everything that an auditor may reach in the centre: its own durables."""
    return tuple(service for stream in AUDITED_STREAMS for service in _pull(stream, auditor_durable(auditor, stream)))


def _pull(stream: str, durable: str) -> tuple[Service, ...]:
    return (
        Service(f"{_API}.CONSUMER.MSG.NEXT.{stream}.{durable}", streamed=True),
        Service(f"$JS.ACK.{stream}.{durable}.>"),
    )
