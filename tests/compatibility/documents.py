"""One of every document that services keep in MongoDB: written, and read, by the stores themselves."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any

from bson import json_util

from services.planner.domain import outbox as outboxes
from services.planner.domain.outbox import Outbox
from services.planner.domain.state import STATE, AppState
from services.planner.domain.turn import Send
from services.watcher.record.domain.observations import object_view
from shared.contracts.desired import DesiredRecord, StoredApplication
from shared.contracts.facts import FACT, Fact, ObservationOrder, Observed, PodsObserved, StepFailed, StepSucceeded
from shared.contracts.identity import AppUid, ClusterName, Namespace, RunId, Tenant
from shared.contracts.plan import Plan
from shared.contracts.projection import ProjectedApp
from shared.contracts.registry import ClusterRecord, TenantRecord, TokenRecord
from shared.contracts.runs import RUN_EVENT, ObjectForgotten, RunEvent
from shared.contracts.views import ObjectView, RunView
from shared.store.applications import Applications
from shared.store.archive import Archive, ArchivedCommand
from shared.store.database import Database
from shared.store.idempotency import Idempotency, StoredAnswer
from shared.store.planner_states import PlannerStates, StoredState
from shared.store.plans import Plans
from shared.store.projections import Projections
from shared.store.reads import Reads
from shared.store.registry import Registry
from shared.store.revisions import Revisions
from tests.compatibility.filled import NOW, filled
from tests.compatibility.messages import messages

UID, GONE = AppUid("5f0c"), AppUid("60ad")
RUN = RunId("5f0c-3")
LARGE_RUN = RunId("5f0c-4")
EAST = ClusterName("east")
COLLECTIONS = (
    "app_status",
    "applications",
    "clusters",
    "commands",
    "facts",
    "forgotten",
    "idempotency",
    "manifests",
    "meta",
    "namespaces",
    "observations",
    "planner_state",
    "plans",
    "pods",
    "revisions",
    "run_events",
    "runs",
    "tenants",
    "tokens",
)
_CLOCKS = {"updated_at", "archived_at"}
"""Fields that stores set by their own clock."""
_NEVER = NOW + timedelta(days=36500)


@dataclass(frozen=True)
class Contents:
    """What the documents say."""

    tenant: TenantRecord
    token: TokenRecord
    cluster: ClusterRecord
    applications: tuple[StoredApplication, StoredApplication]
    """One that is there, one that is gone."""
    revision: DesiredRecord
    state: AppState
    outbox: Outbox
    plans: tuple[Plan, Plan]
    """One whose manifests stand in it, one whose manifests stand apart."""
    run_events: list[RunEvent]
    facts: list[Fact]
    run: RunView
    app: ProjectedApp
    objects: list[ObjectView]
    pods: list[PodsObserved]
    answer: StoredAnswer


def contents() -> Contents:
    """One of everything, with every field set."""
    sent = messages()
    record = filled(DesiredRecord, deleted=False)
    gone = filled(DesiredRecord, uid=GONE)
    events = [RUN_EVENT.validate_python(message) for channel, message in sent.values() if channel == "RUNS"]
    facts = [FACT.validate_python(message) for channel, message in sent.values() if channel == "STATUS"]
    numbered = [event.model_copy(update={"n": n}) for n, event in enumerate(events, start=1)]
    return Contents(
        tenant=TenantRecord(name="acme", namespaces=("acme-dev",)),
        token=filled(TokenRecord, digest="ab" * 32, revoked=False),
        cluster=filled(ClusterRecord, name="east"),
        applications=(
            StoredApplication(record=record, unobserved=False, tombstone=False, request="request"),
            StoredApplication(record=gone, unobserved=False, tombstone=True, request="request"),
        ),
        revision=filled(DesiredRecord, deleted=False, generation=2),
        state=filled(AppState),
        outbox=Outbox(events=tuple(numbered), sends=(filled(Send),)),
        plans=(filled(Plan), _large(filled(Plan))),
        run_events=numbered,
        facts=facts,
        run=filled(RunView),
        app=filled(ProjectedApp),
        objects=[object_view(_observed())],
        pods=[filled(PodsObserved)],
        answer=StoredAnswer(status=202, headers={"ETag": '"3"'}, body=b"{}"),
    )


async def write(database: Database, wanted: Contents) -> None:
    """Have the stores write it."""
    await database.ensure(())
    await _write_registry(Registry(database), wanted)
    applications = Applications(database)
    for stored in wanted.applications:
        record = stored.record
        await applications.create(record, request=stored.request)
        await applications.mark_observed(record.uid, record.generation)
        if stored.tombstone:
            await applications.mark_deleted(record.uid, record.generation)
    await Revisions(database, kept=20).keep(wanted.revision)
    body, outbox = zlib.compress(STATE.dump_json(wanted.state), 1), outboxes.write(wanted.outbox)
    state = StoredState(uid=UID, revision=1, body=body, outbox=outbox)
    await PlannerStates(database).save(state, next_deadline=4e9)
    for plan in wanted.plans:
        await Plans(database).save(plan)
    archive = Archive(database)
    await archive.add_run_events(wanted.run_events)
    await archive.add_facts([(f"fact-{number:02}", fact) for number, fact in enumerate(wanted.facts)])
    await archive.add_commands([filled(ArchivedCommand, id="cmd-1", type="ApplyStep")])
    await _write_projections(Projections(database), wanted)
    answers = Idempotency(database)
    await answers.take("key", fingerprint="fingerprint", owner="owner", now=_NEVER)
    await answers.answer("key", "owner", wanted.answer)


async def _write_registry(registry: Registry, wanted: Contents) -> None:
    await registry.add_tenant(wanted.tenant.name, wanted.tenant.namespaces)
    await registry.add_token(wanted.token)
    await registry.add_cluster(wanted.cluster)


async def _write_projections(projections: Projections, wanted: Contents) -> None:
    await projections.save_runs([wanted.run])
    await projections.save_apps({UID: wanted.app})
    await projections.observe((_observed().model_copy(update={"key": view.key}), view) for view in wanted.objects)
    await projections.observe_pods(wanted.pods)
    await projections.forget_objects([filled(ObjectForgotten, object_uid="gone", retained=False)])


def _large(plan: Plan) -> Plan:
    step = plan.steps[0]
    manifest = {**step.objects[0].manifest, "data": {"text": "x" * 100_000}}
    return plan.model_copy(
        update={
            "run": LARGE_RUN,
            "steps": (
                step.model_copy(update={"objects": (step.objects[0].model_copy(update={"manifest": manifest}),)}),
            ),
        }
    )


def _observed() -> Observed:
    observed: Observed = filled(StepSucceeded)
    return observed


async def read(database: Database) -> Contents:
    """Have the stores read it."""
    await database.ensure(())
    registry, applications = Registry(database), Applications(database)
    (tenant,), (token,), (cluster,) = await registry.tenants(), await registry.tokens(), await registry.clusters()
    assert await registry.tenant_of(Namespace("acme-dev")) == Tenant("acme")
    found = await applications.load(UID), await applications.load(GONE)
    state = await PlannerStates(database).load(UID)
    revision = await Revisions(database, kept=20).load(UID, 2)
    assert revision is not None
    run, reads = (await Projections(database).views([RUN]))[RUN], Reads(database)
    answer = await Idempotency(database).take("key", fingerprint="fingerprint", owner="other", now=_NEVER)
    assert found[0] is not None
    assert found[1] is not None
    assert state is not None
    assert run == await reads.run(RUN)
    assert isinstance(answer, StoredAnswer)
    objects = (await reads.observations([UID], {}))[UID]
    await _forgets(database)
    return Contents(
        tenant=tenant,
        token=token,
        cluster=cluster,
        applications=(found[0], found[1]),
        revision=revision,
        state=STATE.validate_json(zlib.decompress(state.body)),
        outbox=outboxes.read(state.outbox),
        plans=(await Plans(database).load(RUN), await Plans(database).load(LARGE_RUN)),
        run_events=await Archive(database).run_events(UID, after=0, limit=100),
        facts=sorted(await Archive(database).facts(UID), key=lambda fact: fact.type),
        run=run,
        app=await Projections(database).app(UID),
        objects=list(objects.values()),
        pods=await reads.pods(UID),
        answer=answer,
    )


async def _forgets(database: Database) -> None:
    """What was deleted on purpose before is not shown, whatever is said of it now."""
    late = filled(StepFailed, object_uid="gone")
    key = late.key.model_copy(update={"name": "gone"})
    order = ObservationOrder(incarnation="incarnation", transitions=9, counter=9)
    late = late.model_copy(update={"key": key, "order": order})
    await Projections(database).observe([(late, object_view(late))])
    assert all(k.name != "gone" for _, k in (await Reads(database).observations([UID], {}))[UID])


async def dump(database: Database) -> dict[str, list[Any]]:
    """Every document as it is stored, in MongoDB's extended JSON; what stores take from the clock is made the same."""
    found: dict[str, list[Any]] = {}
    for collection in COLLECTIONS:
        documents = await database.find(collection, {}, sort=(("_id", 1),))
        steady = [{k: NOW if k in _CLOCKS else v for k, v in document.items()} for document in documents]
        found[collection] = json.loads(json_util.dumps(steady, json_options=json_util.CANONICAL_JSON_OPTIONS))
    return found


async def restore(database: Database, dumped: Mapping[str, Any]) -> None:
    """Put kept documents into a database as they were."""
    options = json_util.JSONOptions(tz_aware=True, tzinfo=UTC)
    for collection, documents in dumped.items():
        for document in json_util.loads(json.dumps(documents), json_options=options):
            await database.insert(collection, document)
