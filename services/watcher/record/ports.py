"""What the recorder needs of the outside."""

from collections.abc import Collection, Iterable, Mapping, Sequence
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

    async def run_events_of(self, uids: Collection[AppUid], *, after: int, limit: int) -> list[RunEvent]:
        """Run events of applications after a number, in order, up to a limit for all together."""
        ...

    async def archived_since(self, moment: datetime) -> dict[AppUid, int]:
        """The last of the run events of each application that were archived since then."""
        ...

    async def applications(self) -> list[AppUid]:
        """Every application that has run events."""
        ...


class ProjectionPort(Protocol):
    """The documents that people read."""

    async def apps(self, uids: Collection[AppUid]) -> dict[AppUid, ProjectedApp]:
        """How far each of these applications is projected; a new one where it is not yet."""
        ...

    async def views(self, runs: Collection[RunId]) -> dict[RunId, RunView]:
        """The views of these runs, of those that are stored."""
        ...

    async def save_runs(self, views: Sequence[RunView], *, new: Collection[RunId]) -> None:
        """Store views unless newer ones are there; `new` are probably not there at all."""
        ...

    async def save_apps(self, apps: Mapping[AppUid, ProjectedApp], *, new: Collection[AppUid]) -> None:
        """Store how far applications are projected; `new` are probably not there at all."""
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
