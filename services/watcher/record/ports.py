"""What the recorder needs of the outside."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol

from shared.contracts.facts import Fact, Observed, PodsObserved
from shared.contracts.identity import AppUid, RunId
from shared.contracts.projection import ProjectedApp
from shared.contracts.runs import ObjectForgotten, RunEvent
from shared.contracts.views import ObjectView, RunView


class HistoryPort(Protocol):
    """The archive."""

    async def add_facts(self, facts: Sequence[tuple[str, Fact]]) -> None:
        """Keep facts under their ids."""
        ...

    async def run_events(self, uid: AppUid, *, after: int, limit: int) -> list[RunEvent]:
        """Run events after a number, in order."""
        ...

    async def archived_since(self, moment: datetime) -> dict[AppUid, int]:
        """The last of the run events of each application that were archived since then."""
        ...

    async def applications(self) -> list[AppUid]:
        """Every application that has run events."""
        ...


class ProjectionPort(Protocol):
    """The documents that people read."""

    async def app(self, uid: AppUid) -> ProjectedApp:
        """How far an application is projected."""
        ...

    async def run(self, run: RunId) -> RunView | None:
        """A run as stored."""
        ...

    async def save_run(self, view: RunView) -> None:
        """Store a view unless a newer one is there."""
        ...

    async def save_app(self, uid: AppUid, app: ProjectedApp) -> None:
        """Store how far it is projected."""
        ...

    async def observe(self, observed: Iterable[tuple[Observed, ObjectView]]) -> None:
        """Store what was seen last."""
        ...

    async def observe_pods(self, observed: Iterable[PodsObserved]) -> None:
        """Store pods as seen last."""
        ...

    async def forget_objects(self, forgotten: Iterable[ObjectForgotten]) -> None:
        """Drop objects that were deleted on purpose."""
        ...
