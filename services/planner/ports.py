"""What the planner's handlers need of the outside."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from pydantic import BaseModel

from shared.contracts.desired import StoredApplication
from shared.contracts.facts import ObservationOrder
from shared.contracts.identity import AppUid, ClusterName, RunId
from shared.contracts.plan import Plan
from shared.contracts.projection import UnseenObject
from shared.contracts.runs import RunEvent
from shared.store.archive import ArchivedCommand
from shared.store.planner_states import StateHead, StoredState


class StatePort(Protocol):
    """The compare-and-set store of states."""

    async def load(self, uid: AppUid) -> StoredState | None:
        """Load it."""
        ...

    async def head(self, uid: AppUid) -> StateHead | None:
        """Load all but the body."""
        ...

    async def save(self, state: StoredState, *, next_deadline: float) -> bool:
        """Store it; False where another came before."""
        ...

    async def clear_outboxes(self, said: Mapping[AppUid, int]) -> None:
        """Nothing is left to say as of those revisions."""
        ...

    async def due(self, now: float, limit: int) -> list[AppUid]:
        """Applications whose next deadline has passed."""
        ...

    async def unsent(self, before: datetime, limit: int) -> list[AppUid]:
        """Applications whose outbox was left behind."""
        ...


class PlanPort(Protocol):
    """Plans, written once."""

    async def save(self, plan: Plan) -> bool:
        """Store it; False where another came before."""
        ...

    async def load(self, run: RunId) -> Plan:
        """Load it."""
        ...


class ArchivePort(Protocol):
    """The history that outlives the bus."""

    async def add_run_events(self, events: Sequence[RunEvent]) -> None:
        """Keep run events."""
        ...

    async def add_commands(self, commands: Iterable[ArchivedCommand]) -> None:
        """Keep that commands were sent."""
        ...


class ApplicationPort(Protocol):
    """Desired records."""

    async def load(self, uid: AppUid) -> StoredApplication | None:
        """Load it."""
        ...

    async def unobserved(self, limit: int) -> list[StoredApplication]:
        """Records that were not taken up."""
        ...

    async def mark_observed(self, uid: AppUid, generation: int) -> bool:
        """Say that a generation was taken up."""
        ...

    async def mark_deleted(self, uid: AppUid, generation: int) -> bool:
        """Make it a tombstone."""
        ...


class PublishPort(Protocol):
    """The bus; a publish returns when the stream has the message, and raises Retryable when it may not."""

    async def publish(self, subject: str, message: BaseModel, *, msg_id: str | None = None) -> None:
        """Publish and wait until it is stored."""
        ...


class ObservationPort(Protocol):
    """What was seen of objects, as it was projected."""

    async def unseen(self, cluster: ClusterName, restated: ObservationOrder) -> Mapping[AppUid, list[UnseenObject]]:
        """What was last seen before everything in the cluster was stated anew."""
        ...


class BeatPort(Protocol):
    """Signs of life of the clusters' agents."""

    def reachable(self, cluster: ClusterName) -> bool:
        """Whether its agent gave a sign of life lately."""
        ...
