"""Which clusters give signs of life. Ages are told by our own clock at arrival: agents' clocks may be wrong."""

from dataclasses import dataclass, field

from shared.contracts.facts import BEAT_STALE_AFTER_S, AgentBeat, ObservationOrder
from shared.contracts.identity import ClusterName


@dataclass
class Beats:
    """When each part of each cluster's agent was last heard."""

    started_at: float
    """Before anything can have been heard, everybody counts as alive for as long as the limit."""
    heard: dict[tuple[ClusterName, str], float] = field(default_factory=dict)
    restated: dict[ClusterName, ObservationOrder] = field(default_factory=dict)
    """Since when everything that exists there was stated, as the observer told last."""
    _live: set[tuple[ClusterName, str]] = field(default_factory=set)
    """What has come since the reading began: the next one is said now, whatever the clock of the bus tells."""

    def begin(self) -> None:
        """The reading begins anew, with what the bus has kept."""
        self._live.clear()

    def hear(self, beat: AgentBeat, now: float, *, kept_s: float) -> None:
        """Note a beat; the first one may have been kept for a while, by the clock of the bus."""
        key = (beat.cluster, beat.part)
        at = now if key in self._live else now - max(0.0, kept_s)
        self._live.add(key)
        self.heard[key] = max(at, self.heard.get(key, at))
        if beat.restated is not None:
            self.restated[beat.cluster] = beat.restated

    def alive(self, cluster: ClusterName, now: float) -> bool:
        """Whether executor and observer were both heard lately."""
        return all(
            now - self.heard.get((cluster, part), self.started_at) <= BEAT_STALE_AFTER_S
            for part in ("executor", "observe")
        )
