"""Folding run events into views."""

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.contracts.identity import AppRef, AppUid, ClusterName, Namespace, ObjectKey, StepId, run_id
from shared.contracts.phases import Reason, StepPhase
from shared.contracts.projection import ProjectedRun
from shared.contracts.runs import Action, ObjectForgotten, ObjectRecorded, RunAccepted, StepOutline, StepPhaseChanged

UID = AppUid("4f1c")
KEY = ObjectKey(api_version="batch/v1", kind="Job", namespace="shop", name="init-1")
HEADER: dict[str, Any] = {
    "app": AppRef(tenant="acme", namespace="shop", name="web"),
    "uid": UID,
    "run": run_id(UID, 1),
    "generation": 1,
    "at": datetime(2026, 1, 1, tzinfo=UTC),
}


def a_run() -> ProjectedRun:
    outline = StepOutline(
        cluster=ClusterName("here"),
        namespace=Namespace("shop"),
        step=StepId("init"),
        component="init",
        job_type="task",
        objects=(KEY,),
    )
    run = ProjectedRun.accepted(RunAccepted(**HEADER, n=1, action=Action.DEPLOY, requested_by="ann", steps=(outline,)))
    recorded: dict[str, Any] = {"cluster": "here", "step": "init", "key": KEY, "object_uid": "u1", "digest": "d" * 64}
    run.fold(ObjectRecorded(**HEADER, n=2, **recorded))
    return run


def forgotten(**over: Any) -> ObjectForgotten:
    fields: dict[str, Any] = {"n": 3, "cluster": "here", "key": KEY, "object_uid": "u1"} | over
    return ObjectForgotten(**HEADER, **fields)


def test_object_that_was_deleted_on_purpose_is_no_longer_looked_for() -> None:
    run = a_run()
    run.fold(forgotten())
    assert run.current().steps[0].objects == ()


def test_retained_object_and_others_of_the_name_stay() -> None:
    for event in (forgotten(retained=True), forgotten(object_uid="u2"), forgotten(cluster="there")):
        run = a_run()
        run.fold(event)
        assert [o.object_uid for o in run.current().steps[0].objects] == ["u1"]


def test_step_that_has_ended_keeps_its_end_whatever_is_told_of_it_later() -> None:
    run = a_run()
    fields: dict[str, Any] = {"cluster": "here", "step": "init", "phase": StepPhase.SUCCEEDED, "attempt": 1}
    run.fold(StepPhaseChanged(**HEADER, n=3, **fields))
    later = HEADER | {"at": HEADER["at"] + timedelta(hours=1)}
    run.fold(StepPhaseChanged(**later, n=4, **fields, reason=Reason.DRIFTED))
    [step] = run.current().steps
    assert (step.reason, step.ended_at) == (Reason.DRIFTED, HEADER["at"])
