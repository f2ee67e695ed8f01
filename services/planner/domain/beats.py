"""Which clusters give signs of life. Ages are told by our own clock at arrival: agents' clocks may be wrong."""

from dataclasses import dataclass, field

from shared.contracts.facts import AgentBeat
from shared.contracts.identity import ClusterName

BEAT_LIMIT_S = 25.0
"""Five beats: fewer would call a busy agent gone."""


@dataclass
class Beats:
    """When each part of each cluster's agent was last heard."""

    started_at: float
    """Before anything can have been heard, everybody counts as alive for as long as the limit."""
    heard: dict[tuple[ClusterName, str], float] = field(default_factory=dict)

    def hear(self, beat: AgentBeat, now: float) -> None:
        """Note a beat."""
        self.heard[beat.cluster, beat.part] = now

    def alive(self, cluster: ClusterName, now: float) -> bool:
        """Whether executor and observer were both heard lately."""
        return all(
            now - self.heard.get((cluster, part), self.started_at) <= BEAT_LIMIT_S for part in ("executor", "observe")
        )
