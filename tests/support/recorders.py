"""What the recorder's tests begin with: run events of a real history, and projections to compare."""

from services.watcher.record.projector import Projector
from shared.contracts.identity import AppUid
from shared.contracts.projection import ProjectedApp
from shared.contracts.runs import RunEvent
from shared.contracts.views import RunView
from shared.store import archive, projections
from shared.store.archive import Archive
from shared.store.database import Database
from shared.store.projections import Projections
from tests.unit.services.planner.history import HISTORIES, History


def recorded(name: str) -> list[RunEvent]:
    """The run events of a committed history."""
    history = History.model_validate_json((HISTORIES / f"{name}.json").read_bytes())
    return list(history.events)


def of(uid: str, events: list[RunEvent]) -> list[RunEvent]:
    """The same as of another application."""
    return [e.model_copy(update={"uid": AppUid(uid), "run": f"{uid}-{e.generation}"}) for e in events]


def projector(database: Database) -> Projector:
    """A replica's."""
    return Projector(history=Archive(database), projections=Projections(database))


async def ensure(database: Database) -> None:
    """Create what the recorder's stores need."""
    await database.ensure((*archive.INDEXES, *projections.INDEXES))


async def projected(database: Database, events: list[RunEvent]) -> tuple[ProjectedApp, list[RunView | None]]:
    """Everything that people read of the application of these events."""
    stored = Projections(database)
    runs = dict.fromkeys(e.run for e in events)
    views = await stored.views(runs)
    return await stored.app(events[0].uid), [views.get(run) for run in runs]


async def shown(database: Database, uid: AppUid) -> int:
    """The last run event of an application that people see the effect of."""
    views = await Projections(database).runs_of(uid)
    return max((view.n for view in views.values()), default=0)
