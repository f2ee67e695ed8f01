"""Signs of life, and how old they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from shared.contracts.facts import BEAT_STALE_AFTER_S, AgentBeat, ObservationOrder
from shared.contracts.identity import ClusterName
from shared.contracts.registry import ClusterRecord
from shared.contracts.views import ClusterView

Part = tuple[ClusterName, str]
"""A cluster and `executor` or `observe`."""
EXECUTOR = "executor"
OBSERVE = "observe"
RESTATED_AFTER_S = 15.0
"""Three beats: projections that lag further than that are behind with everything."""


@dataclass(frozen=True)
class Heard:
    """The last beat of one part."""

    beat: AgentBeat
    stored_s: float
    """When the bus stored it, on our monotonic clock: an agent's own clock may be wrong."""


def heard(beat: AgentBeat, *, stored_at: datetime, arrived_at: datetime, arrived_s: float) -> Heard:
    """Take a beat in; one that had been kept in the stream is as old as that."""
    return Heard(beat, arrived_s - max(0.0, (arrived_at - stored_at).total_seconds()))


class Restatements:
    """When each cluster's observer has last stated everything that exists there.

    A beat may be heard before what it speaks of is projected, so it counts after a moment only.
    """

    def __init__(self) -> None:
        self._settled: dict[ClusterName, ObservationOrder] = {}
        self._fresh: dict[ClusterName, tuple[ObservationOrder, float]] = {}

    def note(self, beat: AgentBeat, now_s: float) -> None:
        """Take a beat in."""
        if beat.restated is None:
            return
        fresh = self._fresh.get(beat.cluster)
        if fresh is not None and fresh[0] == beat.restated:
            if now_s - fresh[1] >= RESTATED_AFTER_S:
                self._settled[beat.cluster] = beat.restated
            return
        self._fresh[beat.cluster] = (beat.restated, now_s)

    @property
    def settled(self) -> Mapping[ClusterName, ObservationOrder]:
        """By cluster: what was last seen before is gone."""
        return self._settled


def age_s(beats: Mapping[Part, Heard], cluster: ClusterName, part: str, now_s: float) -> float | None:
    """Return the age in seconds; None: never heard of."""
    last = beats.get((cluster, part))
    return None if last is None else max(0.0, now_s - last.stored_s)


def cluster_view(record: ClusterRecord, beats: Mapping[Part, Heard], now_s: float) -> ClusterView:
    """Return a registered cluster with the state of its agent."""
    name = ClusterName(record.name)
    executor_s = age_s(beats, name, EXECUTOR, now_s)
    observe_s = age_s(beats, name, OBSERVE, now_s)
    known = [h for part in (OBSERVE, EXECUTOR) if (h := beats.get((name, part))) is not None]
    latest = max(known, key=lambda h: h.stored_s, default=None)
    return ClusterView(
        name=name,
        default=record.default,
        labels=record.labels,
        reachable=all(age is not None and age <= BEAT_STALE_AFTER_S for age in (executor_s, observe_s)),
        simulated=latest.beat.simulated if latest else False,
        kubernetes_version=latest.beat.kubernetes_version if latest else "",
        incarnation=latest.beat.incarnation if latest else "",
        executor_beat_age_s=executor_s,
        observe_beat_age_s=observe_s,
    )
