"""Reading what `watcher record` projected: runs, and what was observed last.

The collections' layouts are those of `shared.store.projections`, which writes them.
"""

from collections.abc import Mapping, Sequence

from pydantic import TypeAdapter

from shared.contracts.facts import PROGRESS_FACT, ObservationOrder, PodsObserved
from shared.contracts.identity import AppUid, ClusterName, ObjectKey, RunId
from shared.contracts.phases import Health, Reason
from shared.contracts.projection import UnseenObject
from shared.contracts.views import ObjectView, RunSummary, RunView
from shared.store.database import Database, Document
from shared.store.versions import read

RUNS = "runs"
APP_STATUS = "app_status"
OBSERVATIONS = "observations"
PODS = "pods"
RUN: TypeAdapter[RunView] = TypeAdapter(RunView)
OBJECT: TypeAdapter[ObjectView] = TypeAdapter(ObjectView)

Observations = dict[tuple[ClusterName, ObjectKey], ObjectView]
"""The last observation of every object of an application."""

_GONE = {
    "health": Health.MISSING,
    "reason": Reason.VANISHED,
    "message": "it was deleted in the cluster while nobody watched",
}


class Reads:
    """Queries over projections; what they return may lag behind the planner by moments."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self, run: RunId) -> RunView | None:
        """Return a run as projected."""
        document = await self._database.find_one(RUNS, {"_id": run})
        return None if document is None else _view(document)

    async def runs_of(self, uid: AppUid, *, limit: int) -> list[RunSummary]:
        """Return an application's runs, the newest first."""
        found = await self._database.find(RUNS, {"uid": uid}, sort=(("generation", -1),), limit=limit)
        return [_view(document).summary() for document in found]

    async def newest_runs(self, uids: Sequence[AppUid]) -> dict[AppUid, RunView]:
        """Return the newest run of each application that has one."""
        found = await self._database.find(
            RUNS, {"uid": {"$in": list(uids)}}, sort=(("generation", 1),), projection=("uid", "generation")
        )
        newest = {document["uid"]: document["_id"] for document in found}
        loaded = await self._database.find(RUNS, {"_id": {"$in": list(newest.values())}})
        views = [_view(document) for document in loaded]
        return {view.uid: view for view in views}

    async def observed_generations(self, uids: Sequence[AppUid]) -> dict[AppUid, int]:
        """Return the generation of each application that the planner took up last."""
        found = await self._database.find(APP_STATUS, {"_id": {"$in": list(uids)}}, projection=("observed_generation",))
        return {AppUid(document["_id"]): int(document["observed_generation"]) for document in found}

    async def observations(
        self, uids: Sequence[AppUid], restated: Mapping[ClusterName, ObservationOrder]
    ) -> dict[AppUid, Observations]:
        """Return what was last observed of the objects of these applications.

        `restated` says for a cluster at which order everything that exists there was stated anew: what was last seen
        before it went away while nobody watched.
        """
        grouped: dict[AppUid, Observations] = {uid: {} for uid in uids}
        for document in await self._database.find(OBSERVATIONS, {"uid": {"$in": list(uids)}}):
            view = read(OBJECT, OBSERVATIONS, document, "view", lenient=True)
            settled = restated.get(ClusterName(document["cluster"]))
            if settled is not None and settled.later_than(_order(document)):
                view = view.model_copy(update=_GONE)
            grouped[document["uid"]][ClusterName(document["cluster"]), view.key] = view
        return grouped

    async def unseen(self, cluster: ClusterName, restated: ObservationOrder) -> dict[AppUid, list[UnseenObject]]:
        """Return what was last seen in a cluster before everything there was stated anew, by application.

        It reads what was observed in all of the cluster: not to be asked often.
        """
        guard = {"cluster": cluster, "incarnation": restated.incarnation}
        found: dict[AppUid, list[UnseenObject]] = {}
        for document in await self._database.find(OBSERVATIONS, guard):
            if restated.later_than(_order(document)):
                view = read(OBJECT, OBSERVATIONS, document, "view", lenient=True)
                unseen = UnseenObject(document["step"], view.key, document["object_uid"])
                found.setdefault(document["uid"], []).append(unseen)
        return found

    async def pods(self, uid: AppUid) -> list[PodsObserved]:
        """Return the pods of every step of an application, as last observed."""
        found = await self._database.find(PODS, {"uid": uid})
        return [read(PROGRESS_FACT, PODS, document, "pods", lenient=True) for document in found]


def _view(document: Document) -> RunView:
    return read(RUN, RUNS, document, "view", lenient=True)


def _order(document: Document) -> ObservationOrder:
    return ObservationOrder(
        incarnation=document["incarnation"], transitions=document["transitions"], counter=document["counter"]
    )
