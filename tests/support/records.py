"""Desired records, runs and views, for tests that only need some."""

from datetime import UTC, datetime
from typing import Any

from shared.contracts.desired import Audit, DesiredRecord, StoredApplication
from shared.contracts.identity import AppRef, AppUid, ClusterName, Namespace, ObjectKey, StepId, run_id
from shared.contracts.phases import RunPhase, StepPhase
from shared.contracts.runs import Action
from shared.contracts.views import ObjectView, RunView, StepView

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
UID = AppUid("5f0c")
EAST = ClusterName("east")


def a_record(
    name: str = "shop",
    *,
    uid: str = UID,
    generation: int = 1,
    document: dict[str, Any] | None = None,
    clusters: tuple[str, ...] = ("east",),
    deleted: bool = False,
) -> DesiredRecord:
    """Return the desired record of an application."""
    return DesiredRecord(
        app=AppRef(tenant="acme", namespace="acme-dev", name=name),
        uid=AppUid(uid),
        generation=generation,
        document={"spec": {}} if document is None else document,
        clusters=tuple(ClusterName(cluster) for cluster in clusters),
        deleted=deleted,
        audit=Audit(actor="ann", action="create", at=NOW),
        created_at=NOW,
    )


def stored(record: DesiredRecord, *, unobserved: bool = False, tombstone: bool = False) -> StoredApplication:
    """Return it as it is stored."""
    return StoredApplication(record=record, unobserved=unobserved, tombstone=tombstone)


def an_object(name: str = "web", **fields: Any) -> ObjectView:
    """Return an object of a step."""
    return ObjectView(
        key=ObjectKey(api_version="apps/v1", kind="Deployment", namespace="acme-dev", name=name), **fields
    )


def a_job(name: str = "load", **fields: Any) -> ObjectView:
    """Return the Job of a task."""
    return ObjectView(key=ObjectKey(api_version="batch/v1", kind="Job", namespace="acme-dev", name=name), **fields)


def a_step(
    name: str = "web",
    *,
    cluster: str = EAST,
    phase: StepPhase = StepPhase.SUCCEEDED,
    objects: tuple[ObjectView, ...] = (),
    **fields: Any,
) -> StepView:
    """Return a step of a run."""
    return StepView(
        cluster=ClusterName(cluster),
        namespace=Namespace("acme-dev"),
        step=StepId(name),
        component=name,
        job_type="webservice",
        phase=phase,
        objects=objects,
        **fields,
    )


def a_run(*steps: StepView, phase: RunPhase = RunPhase.SUCCEEDED, generation: int = 1, n: int = 9) -> RunView:
    """Return a run of the application of `a_record`."""
    return RunView(
        run=run_id(UID, generation),
        uid=UID,
        tenant="acme",
        namespace="acme-dev",
        name="shop",
        generation=generation,
        action=Action.DEPLOY,
        phase=phase,
        requested_by="ann",
        accepted_at=NOW,
        n=n,
        steps=steps,
    )
