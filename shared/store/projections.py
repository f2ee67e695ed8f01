"""Writes the projections that people read; `shared.store.reads` reads them."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from shared.contracts.facts import PROGRESS_FACT, ObservationOrder, Observed, PodsObserved
from shared.contracts.identity import AppUid, ObjectKey, RunId
from shared.contracts.projection import ProjectedApp
from shared.contracts.views import ObjectView, RunView
from shared.store.database import Database, Document, Index, Update
from shared.store.reads import APP_STATUS, OBSERVATIONS, PODS, RUNS

INDEXES = (
    Index(RUNS, (("uid", 1), ("generation", 1))),
    Index(OBSERVATIONS, (("uid", 1),)),
)
_APP: TypeAdapter[ProjectedApp] = TypeAdapter(ProjectedApp)


class Projections:
    """The collections that people read; every write may be repeated."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def app(self, uid: AppUid) -> ProjectedApp:
        """How far an application is projected; a new one where it is not yet."""
        found = await self._database.find_one(APP_STATUS, {"_id": uid})
        return ProjectedApp() if found is None else _APP.validate_python(_fields(found))

    async def run(self, run: RunId) -> RunView | None:
        """The view of a run as stored."""
        found = await self._database.find_one(RUNS, {"_id": run})
        return None if found is None else RunView.model_validate_json(found["view"])

    async def save_run(self, view: RunView) -> None:
        """Store a view unless a newer one is there."""
        fields = {
            "uid": view.uid,
            "tenant": view.tenant,
            "namespace": view.namespace,
            "name": view.name,
            "generation": view.generation,
            "n": view.n,
            "phase": view.phase,
            "accepted_at": view.accepted_at,
            "view": view.model_dump_json().encode(),
        }
        await self._database.guarded_update(RUNS, view.run, {"n": {"$lt": view.n}}, {"$set": fields}, upsert=True)

    async def save_app(self, uid: AppUid, app: ProjectedApp) -> None:
        """Store how far an application is projected, unless it is further already; after the views of its runs."""
        fields = asdict(app)
        await self._database.guarded_update(APP_STATUS, uid, {"n": {"$lt": app.n}}, {"$set": fields}, upsert=True)

    async def observe(self, observed: Iterable[tuple[Observed, ObjectView]]) -> None:
        """Store what was seen of objects, unless something later was seen of them."""
        await self._database.bulk_update(
            OBSERVATIONS,
            [
                Update(
                    id=_object_id(fact.uid, fact.cluster, fact.key),
                    guard=_earlier_than(fact.order),
                    update={
                        "$set": {
                            "uid": fact.uid,
                            "cluster": fact.cluster,
                            "step": fact.step,
                            **_order(fact.order),
                            "view": view.model_dump_json().encode(),
                        }
                    },
                    upsert=True,
                )
                for fact, view in observed
            ],
        )

    async def observe_pods(self, observed: Iterable[PodsObserved]) -> None:
        """Store the pods of steps, unless a later state is there."""
        await self._database.bulk_update(
            PODS,
            [
                Update(
                    id=f"{fact.uid}|{fact.cluster}|{fact.step}",
                    guard=_earlier_than(fact.order),
                    update={"$set": {"uid": fact.uid, **_order(fact.order), "pods": PROGRESS_FACT.dump_json(fact)}},
                    upsert=True,
                )
                for fact in observed
            ],
        )

    async def forget_object(self, uid: AppUid, cluster: str, key: ObjectKey) -> None:
        """Drop what was seen of an object that was deleted on purpose."""
        await self._database.delete(OBSERVATIONS, {"_id": _object_id(uid, cluster, key)})


def _fields(document: Document) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "_id"}


def _object_id(uid: AppUid, cluster: str, key: ObjectKey) -> str:
    return f"{uid}|{cluster}|{key.api_version}|{key.kind}|{key.namespace}|{key.name}"


def _order(order: ObservationOrder) -> dict[str, Any]:
    return {"incarnation": order.incarnation, "transitions": order.transitions, "counter": order.counter}


def _earlier_than(order: ObservationOrder) -> dict[str, Any]:
    return {
        "$or": [
            {"incarnation": {"$ne": order.incarnation}},
            {"transitions": {"$lt": order.transitions}},
            {"transitions": order.transitions, "counter": {"$lt": order.counter}},
        ]
    }
