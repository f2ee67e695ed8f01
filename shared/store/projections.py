"""Writes the projections that people read; `shared.store.reads` reads them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter

from shared.contracts.facts import PROGRESS_FACT, ObservationOrder, Observed, PodsObserved
from shared.contracts.identity import AppUid, ClusterName, ObjectKey, RunId, StepId
from shared.contracts.projection import ProjectedApp
from shared.contracts.runs import ObjectForgotten
from shared.contracts.versions import VERSION
from shared.contracts.views import ObjectView, RunView
from shared.store.database import Database, Document, Index, Update
from shared.store.reads import APP_STATUS, OBJECT, OBSERVATIONS, PODS, RUN, RUNS
from shared.store.versions import check, read, stamp

INDEXES = (
    Index(RUNS, (("uid", 1), ("generation", 1))),
    Index(OBSERVATIONS, (("uid", 1),)),
    # A range over their ids would do, but not every server finds one without reading the whole collection.
    Index(PODS, (("uid", 1),)),
)
FORGOTTEN = "forgotten"
"""Objects that were deleted on purpose, by uid: what is said of one afterwards is not shown."""
_IDS_PER_QUERY = 500
_APP: TypeAdapter[ProjectedApp] = TypeAdapter(ProjectedApp)


@dataclass(frozen=True)
class SeenObject:
    """What was seen last of one object."""

    step: StepId
    object_uid: str
    order: ObservationOrder
    view: ObjectView


ObservationKey = tuple[ClusterName, ObjectKey]
Observations = dict[ObservationKey, SeenObject]


class Projections:
    """The collections that people read; every write may be repeated."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def app(self, uid: AppUid) -> ProjectedApp:
        """How far an application is projected; a new one where it is not yet. Raises NewerDocument."""
        return (await self.apps([uid]))[uid]

    async def apps(self, uids: Collection[AppUid]) -> dict[AppUid, ProjectedApp]:
        """How far each of these applications is projected; a new one where it is not yet. Raises NewerDocument."""
        apps = {uid: ProjectedApp() for uid in uids}
        for document in await self._database.find(APP_STATUS, {"_id": {"$in": list(uids)}}):
            check(APP_STATUS, document)
            apps[document["_id"]] = _APP.validate_python(_fields(document))
        return apps

    async def views(self, runs: Collection[RunId]) -> dict[RunId, RunView]:
        """The views of these runs, of those that are stored; raises NewerDocument."""
        found = await self._database.find(RUNS, {"_id": {"$in": list(runs)}})
        return {document["_id"]: read(RUN, RUNS, document, "view") for document in found}

    async def runs_of(self, uid: AppUid) -> dict[RunId, RunView]:
        """Every run of an application as stored."""
        found = await self._database.find(RUNS, {"uid": uid})
        return {document["_id"]: read(RUN, RUNS, document, "view") for document in found}

    async def observations_of(self, uid: AppUid) -> Observations:
        """What was seen last of an application's objects, as stored."""
        return dict(_seen(document) for document in await self._database.find(OBSERVATIONS, {"uid": uid}))

    async def save_runs(self, views: Sequence[RunView], *, new: Collection[RunId] = ()) -> None:
        """Store views unless newer ones, or the same, are there; `new` are probably not there at all."""
        await self._save(RUNS, {view.run: _run_fields(view) for view in views}, new)

    async def replace_run(self, view: RunView) -> None:
        """Store a view in the place of one that is as new: it was folded anew."""
        await self._replace(RUNS, view.run, _run_fields(view))

    async def save_apps(self, apps: Mapping[AppUid, ProjectedApp], *, new: Collection[AppUid] = ()) -> None:
        """Store how far applications are projected, unless they are further; after the views of their runs.

        `new` are probably not there at all.
        """
        await self._save(APP_STATUS, {uid: _app_fields(app) for uid, app in apps.items()}, new)

    async def replace_app(self, uid: AppUid, app: ProjectedApp) -> None:
        """Store how far it is projected in the place of what is as new: it was folded anew."""
        await self._replace(APP_STATUS, uid, _app_fields(app))

    async def _save(self, collection: str, documents: Mapping[Any, Document], new: Collection[Any]) -> None:
        """Store fields by id, unless as many events or more are folded into what is there."""
        # An insert of many costs servers less than their updates; those that lose against another replica are updated.
        inserted = [id_ for id_ in documents if id_ in new]
        lost = await self._database.insert_absent(collection, [{"_id": id_, **documents[id_]} for id_ in inserted])
        there = {inserted[position] for position in lost}
        await self._settle(
            collection,
            [
                Update(id=id_, guard={"n": {"$lt": fields["n"]}}, update={"$set": fields}, upsert=True)
                for id_, fields in documents.items()
                if id_ not in new or id_ in there
            ],
        )

    async def _replace(self, collection: str, id_: Any, fields: Document) -> None:
        guard = {"n": {"$lte": fields["n"]}}
        await self._database.guarded_update(collection, id_, guard, {"$set": fields}, upsert=True)

    async def _settle(self, collection: str, updates: Sequence[Update]) -> None:
        """Carry out guarded upserts, each unless something later is there."""
        excluded = await self._database.bulk_update(collection, updates)
        # Of two that insert one at the same moment the later may have lost: now that it is there, the guard decides.
        await self._database.bulk_update(collection, excluded)

    async def replace_observations(self, uid: AppUid, wrong: Observations, right: Observations) -> None:
        """Take away what was read as `wrong` unless it changed since, store `right` unless something later is there."""
        for (cluster, key), seen in wrong.items():
            guard = {"_id": _object_id(uid, cluster, key), "object_uid": seen.object_uid, **_order(seen.order)}
            await self._database.delete(OBSERVATIONS, guard)
        await self._database.bulk_update(
            OBSERVATIONS, [_seen_update(uid, cluster, key, seen) for (cluster, key), seen in right.items()]
        )

    async def observe(self, observed: Iterable[tuple[Observed, ObjectView]]) -> None:
        """Store what was seen of objects, unless something later was seen of them, or they were deleted on purpose."""
        updates = [_observation(fact, view) for fact, view in observed]
        if not updates:
            return
        await self._settle(OBSERVATIONS, updates)
        await self._drop_forgotten([update.update["$set"] for update in updates])

    async def observe_pods(self, observed: Iterable[PodsObserved]) -> None:
        """Store the pods of steps, unless a later state is there."""
        await self._database.bulk_update(
            PODS,
            [
                Update(
                    id=f"{fact.uid}|{fact.cluster}|{fact.step}",
                    guard=_earlier_than(fact.order),
                    update={"$set": _pods(fact)},
                    upsert=True,
                )
                for fact in observed
            ],
        )

    async def forget_objects(self, forgotten: Iterable[ObjectForgotten]) -> None:
        """Drop what was seen of objects that were deleted on purpose, also what is still to come."""
        documents = [
            {"_id": _forgotten_id(e.uid, e.cluster, e.object_uid), "object_uid": e.object_uid, "uid": e.uid}
            for e in forgotten
        ]
        for start in range(0, len(documents), _IDS_PER_QUERY):
            batch = documents[start : start + _IDS_PER_QUERY]
            # First the note, then the deletion: whoever writes in between reads the note.
            await self._database.insert_many_ignoring_duplicates(FORGOTTEN, batch)
            await self._delete([(d["uid"], d["object_uid"]) for d in batch])

    async def _drop_forgotten(self, seen: Sequence[Document]) -> None:
        ids = {_forgotten_id(s["uid"], s["cluster"], s["object_uid"]): (s["uid"], s["object_uid"]) for s in seen}
        found = await self._database.find(FORGOTTEN, {"_id": {"$in": list(ids)}}, projection=("_id",))
        await self._delete([ids[document["_id"]] for document in found])

    async def _delete(self, objects: Sequence[tuple[str, str]]) -> None:
        by_app: dict[str, list[str]] = {}
        for uid, object_uid in objects:
            by_app.setdefault(uid, []).append(object_uid)
        for uid, object_uids in by_app.items():
            await self._database.delete(OBSERVATIONS, {"uid": uid, "object_uid": {"$in": object_uids}})


def _observation(fact: Observed, view: ObjectView) -> Update:
    return _seen_update(fact.uid, fact.cluster, fact.key, SeenObject(fact.step, fact.object_uid, fact.order, view))


def _seen_update(uid: AppUid, cluster: ClusterName, key: ObjectKey, seen: SeenObject) -> Update:
    return Update(
        id=_object_id(uid, cluster, key),
        guard=_earlier_than(seen.order),
        update={
            "$set": {
                "uid": uid,
                "cluster": cluster,
                "step": seen.step,
                "object_uid": seen.object_uid,
                **_order(seen.order),
                "view": seen.view.model_dump_json().encode(),
                **stamp(seen.view),
            }
        },
        upsert=True,
    )


def _pods(fact: PodsObserved) -> Document:
    return {"uid": fact.uid, **_order(fact.order), "pods": PROGRESS_FACT.dump_json(fact), **stamp(fact)}


def _run_fields(view: RunView) -> Document:
    return {
        "uid": view.uid,
        "tenant": view.tenant,
        "namespace": view.namespace,
        "name": view.name,
        "generation": view.generation,
        "n": view.n,
        "phase": view.phase,
        "accepted_at": view.accepted_at,
        "view": view.model_dump_json().encode(),
        **stamp(view),
    }


def _app_fields(app: ProjectedApp) -> Document:
    # It is folded on from here: an older build would drop what it does not know.
    return {**asdict(app), "version": VERSION}


def _seen(document: Document) -> tuple[ObservationKey, SeenObject]:
    view = read(OBJECT, OBSERVATIONS, document, "view")
    order = ObservationOrder(**{name: document[name] for name in ("incarnation", "transitions", "counter")})
    return (document["cluster"], view.key), SeenObject(document["step"], document["object_uid"], order, view)


def _forgotten_id(uid: str, cluster: str, object_uid: str) -> str:
    return f"{uid}|{cluster}|{object_uid}"


def _fields(document: Document) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key not in ("_id", "version")}


def _object_id(uid: AppUid, cluster: str, key: ObjectKey) -> str:
    return f"{uid}|{cluster}|{key.api_version}|{key.kind}|{key.namespace}|{key.name}"


def _order(order: ObservationOrder) -> dict[str, Any]:
    return {
        "incarnation": order.incarnation,
        "transitions": order.transitions,
        "counter": order.counter,
        "rank": _rank(order),
    }


def _rank(order: ObservationOrder) -> str:
    """The order as one text: what is later in an incarnation of the cluster is greater."""
    return f"{order.incarnation}|{order.transitions:019d}|{order.counter:019d}"


def _earlier_than(order: ObservationOrder) -> dict[str, Any]:
    # On one field: beside a disjunction not every server looks the id up, and reads the whole collection instead.
    # `}` follows `|` in ASCII: the greatest of the incarnation.
    return {"rank": {"$not": {"$gte": _rank(order), "$lt": f"{order.incarnation}}}"}}}
