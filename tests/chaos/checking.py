"""The verdict: what was wanted, what was seen, check by check."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from services.watcher.record.rebuilding import Rebuilder
from shared.contracts.identity import AppUid
from shared.store.archive import Archive
from shared.store.database import Database
from shared.store.planner_states import STATES
from shared.store.projections import Projections
from tests.chaos.applications import Wanted
from tests.chaos.counting import Ledger
from tests.e2e.system import Document, System

_SHOWN = 10
_PAGE = 1000
_UNSENT_S = 15.0
_POLL_S = 0.5


@dataclass(frozen=True)
class Check:
    """One line of the verdict."""

    name: str
    wanted: int
    seen: int
    wrong: Sequence[str] = ()
    """What is not as it should be."""

    @property
    def ok(self) -> bool:
        """Whether it is as it should be."""
        return self.seen == self.wanted and not self.wrong


@dataclass
class Verdict:
    """All checks."""

    checks: list[Check] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether all of them hold."""
        return all(check.ok for check in self.checks)

    def __str__(self) -> str:
        """As a table, and below it what is wrong."""
        width = max(len(check.name) for check in self.checks)
        lines = [f"{'check':{width}}  {'wanted':>7}  {'seen':>7}  ok"]
        lines += [f"{c.name:{width}}  {c.wanted:>7}  {c.seen:>7}  {'yes' if c.ok else 'NO'}" for c in self.checks]
        for check in self.checks:
            lines += [f"{check.name}: {text}" for text in check.wrong[:_SHOWN]]
        return "\n".join(lines)


class Applications:
    """What the gateway says of the applications of some namespaces."""

    def __init__(self, system: System, wanted: Sequence[Wanted]) -> None:
        self._system = system
        self._wanted = wanted
        self._namespaces = sorted({one.namespace for one in wanted})

    async def read(self) -> dict[tuple[str, str], Document]:
        """Return every application by namespace and name."""
        found: dict[tuple[str, str], Document] = {}
        for namespace in self._namespaces:
            answer = await self._system.call("GET", f"/applications?namespace={namespace}&limit=200")
            items = answer.body["items"] if answer.status == 200 else []
            found |= {(item["namespace"], item["name"]): item for item in items}
        return found

    async def unfinished(self) -> list[str]:
        """Those that have not converged, each with where it stands."""
        found = await self.read()
        return [text for one in self._wanted if (text := _unfinished(one, found.get((one.namespace, one.name))))]


def _unfinished(wanted: Wanted, found: Document | None) -> str:
    name = f"{wanted.namespace}/{wanted.name}"
    if found is None:
        return f"{name}: is not there"
    run: dict[str, Any] = found["run"] or {}
    seen = (run.get("phase"), found["health"], run.get("generation"), found["observed_generation"])
    if seen == ("Succeeded", "Healthy", found["generation"], found["generation"]):
        return ""
    return f"{name}: generation {found['generation']}, {seen}, {run.get('reason')}: {run.get('message')}"


def kept(
    wanted: Sequence[Wanted], accepted: dict[tuple[str, str], int], found: dict[tuple[str, str], Document]
) -> Check:
    """Every request that was accepted is in the desired record: as many generations as versions, and none more."""
    wrong = []
    for one in wanted:
        key = (one.namespace, one.name)
        generations = (found.get(key, {}).get("generation"), accepted.get(key))
        if generations != (len(one.versions), len(one.versions)):
            wrong.append(f"{one.namespace}/{one.name}: (stored, accepted) {generations} of {len(one.versions)}")
    return Check("applications at the generation accepted last", len(wanted), len(wanted) - len(wrong), wrong)


def jobs(wanted: Sequence[Wanted], ledger: Ledger) -> list[Check]:
    """Every task has run, once for each of its templates."""
    missing, many = [], []
    tasks = [(one, task, cluster) for one in wanted for task in one.tasks for cluster in task.clusters]
    for one, task, cluster in tasks:
        names = ledger.names.get((cluster, one.namespace, task.component), set())
        if not names:
            missing.append(f"{cluster}/{one.namespace}/{task.component}: no Job")
        if len(names) > task.templates:
            many.append(f"{cluster}/{one.namespace}/{task.component}: {sorted(names)}")
    return [
        Check("tasks that have had a Job", len(tasks), len(tasks) - len(missing), missing),
        Check("tasks with more Jobs than templates", 0, len(many), many),
        Check("Jobs made again under their name", 0, len(ledger.again), ledger.again),
        Check("Jobs with more than one pod", 0, len(ledger.crowded), ledger.crowded),
        Check("watches of Jobs and pods that broke", 0, len(ledger.gaps), ledger.gaps),
    ]


async def history(database: Database, uids: Sequence[AppUid]) -> list[Check]:
    """Every run event is in the archive, and everything that was decided was said."""
    archive, wrong = Archive(database), []
    for uid in uids:
        numbers: list[int] = []
        while events := await archive.run_events(uid, after=numbers[-1] if numbers else 0, limit=_PAGE):
            numbers += [event.n for event in events]
        if not numbers or numbers != list(range(1, len(numbers) + 1)):
            wrong.append(f"{uid}: {numbers}")
    unsent = await _left_behind(database, set(uids))
    return [
        Check("applications whose run events have no gap", len(uids), len(uids) - len(wrong), wrong),
        Check("applications with an outbox left behind", 0, len(unsent), unsent),
    ]


async def _left_behind(database: Database, uids: set[AppUid]) -> list[AppUid]:
    """Outboxes that stay: they are cleared some time after they were said, or said by another planner first."""
    end = time.monotonic() + _UNSENT_S
    while True:
        found = await database.find(STATES, {"unsent": True}, projection=("_id",))
        unsent = [document["_id"] for document in found if document["_id"] in uids]
        if not unsent or time.monotonic() >= end:
            return unsent
        await asyncio.sleep(_POLL_S)


async def projections(database: Database, uids: Sequence[AppUid]) -> list[Check]:
    """Every document that people read is what the archive says, folded anew."""
    ours = set(uids)
    wanted: Counter[str] = Counter()
    wrong: dict[str, list[str]] = {"app_status": [], "runs": [], "observations": []}
    async for comparison in Rebuilder(archive=Archive(database), stored=Projections(database)).compare():
        if comparison.uid in ours:
            wanted.update(comparison.documents)
            for document in comparison.different:
                wrong[document.partition("/")[0]].append(document)
    return [
        Check(f"documents of {name} equal to a rebuild", wanted[name], wanted[name] - len(different), different)
        for name, different in wrong.items()
    ]
