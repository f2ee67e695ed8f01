"""A run is cancelled by a generation that names it; what cannot be cancelled is told in one sentence."""

import asyncio
import json
from typing import Any
from uuid import uuid4

import pytest

from shared.contracts.desired import DesiredRecord
from shared.contracts.phases import RunPhase
from shared.contracts.registry import Role
from shared.store.applications import Applications
from shared.store.projections import Projections
from tests.integration.services.gateway.conftest import Team
from tests.support.gateway import Answer, Caller, GatewayStack
from tests.support.records import a_run


async def cancelled(team: Team, body: Any = None, *, by: Caller | None = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    if body is not None:
        named.setdefault("Content-Type", "application/json")
    data = None if body is None else json.dumps(body)
    return await (by or team.ann).call("POST", f"{team.path()}/cancel", headers=named, data=data)


async def under_way(gateway: GatewayStack, team: Team) -> DesiredRecord:
    """An application whose first run goes on."""
    assert (await team.ann.apply(team.document())).status == 202
    record = await record_of(gateway, team)
    await told(gateway, record, RunPhase.RUNNING)
    return record


async def told(gateway: GatewayStack, record: DesiredRecord, phase: RunPhase) -> None:
    """What is projected of the record's run."""
    app = {"tenant": record.app.tenant, "namespace": record.app.namespace, "name": record.app.name}
    n = record.run_generation * 10 + list(RunPhase).index(phase)
    run = a_run(phase=phase, generation=record.run_generation, n=n)
    view = run.model_copy(update={"run": record.run, "uid": record.uid, **app})
    await Projections(gateway.database).save_runs([view])


async def record_of(gateway: GatewayStack, team: Team) -> DesiredRecord:
    stored = await Applications(gateway.database).by_name(team.namespace, "shop")
    assert stored is not None
    return stored.record


async def test_cancelling_is_a_generation_that_names_the_run(gateway: GatewayStack, team: Team) -> None:
    first = await under_way(gateway, team)
    answer = await cancelled(team, {"run": first.run, "reason": "wrong image"})
    assert (answer.status, answer.body["changed"], answer.body["run"]) == (202, True, first.run)
    assert (answer.body["application"]["generation"], answer.headers["ETag"]) == (2, '"2"')
    now = await record_of(gateway, team)
    assert (now.document, now.run, now.audit.action, now.audit.actor) == (first.document, first.run, "cancel", "ann")
    assert now.cancels is not None
    assert (now.cancels.generation, now.cancels.reason) == (1, "wrong image")
    newest = (await team.ann.get(f"{team.path()}/runs")).body["items"]
    assert [(item["run"], item["phase"]) for item in newest] == [(first.run, "Running")]
    again = await cancelled(team, {"reason": "another"})
    assert (again.status, again.body["changed"], again.body["run"]) == (202, False, first.run)
    assert await record_of(gateway, team) == now


async def test_a_run_that_the_planner_has_not_taken_up_is_cancelled_and_can_be_followed(team: Team) -> None:
    applied = await team.ann.apply(team.document())
    run = applied.body["run"]
    answer = await cancelled(team)
    assert (answer.status, answer.body["run"]) == (202, run)
    view = await team.ann.get(f"/api/v1/runs/{run}")
    assert (view.status, view.body["phase"], view.body["generation"]) == (200, "Accepted", 1)
    newest = (await team.ann.get(f"{team.path()}/runs")).body["items"]
    assert [item["run"] for item in newest] == [run]
    none = await team.ann.get(f"/api/v1/runs/{run.removesuffix('1')}2")
    assert none.status == 404


async def test_the_same_document_runs_again_even_before_the_run_has_ended(gateway: GatewayStack, team: Team) -> None:
    first = await under_way(gateway, team)
    assert (await team.ann.apply(team.document())).body["changed"] is False
    await cancelled(team)
    again = await team.ann.apply(team.document())
    assert (again.body["changed"], again.body["run"]) == (True, f"{first.uid}-3")
    # What was the newest run is not any more: whoever meant that one cancels nothing else.
    late = await cancelled(team, {"run": first.run})
    assert (late.status, late.body["code"]) == (409, "RunNotCurrent")
    assert late.body["detail"].endswith(f"which is {first.uid}-3")
    assert (await record_of(gateway, team)).audit.action == "rerun"


@pytest.mark.parametrize("phase", [phase for phase in RunPhase if phase.terminal])
async def test_where_no_run_is_under_way_it_says_so(gateway: GatewayStack, team: Team, phase: RunPhase) -> None:
    record = await under_way(gateway, team)
    await told(gateway, record, phase)
    answer = await cancelled(team)
    assert (answer.status, answer.body["code"]) == (409, "NoRunUnderWay")
    assert answer.body["detail"].endswith(f"its newest, {record.run}, has ended as {phase}")
    assert await record_of(gateway, team) == record


async def test_a_run_that_had_succeeded_before_it_was_cancelled_has_succeeded(
    gateway: GatewayStack, team: Team
) -> None:
    record = await under_way(gateway, team)
    await cancelled(team)
    await told(gateway, record, RunPhase.SUCCEEDED)
    assert (await cancelled(team)).body["code"] == "NoRunUnderWay"
    same = await team.ann.apply(team.document())
    assert (same.body["changed"], same.body["run"]) == (False, record.run)
    path, body = f"/api/v1/applications/{record.uid}/workflow/exec", json.dumps({"workflow_id": record.uid})
    executed = await team.ann.call("POST", path, headers={"Content-Type": "application/json"}, data=body)
    assert executed.body == {"task_id": record.run}


async def test_revisions_show_what_was_cancelled(gateway: GatewayStack, team: Team) -> None:
    await under_way(gateway, team)
    await cancelled(team)
    items = (await team.ann.get(f"{team.path()}/revisions")).body["items"]
    shown = [(r["generation"], r["action"], r["cancelled"], r["phase"], r["current"]) for r in items]
    assert shown == [(2, "cancel", 1, "Running", True), (1, "create", None, "Running", False)]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"run": "another-1"}, 409, "RunNotCurrent"),
        ({"reason": "x" * 501}, 422, "DocumentInvalid"),
        ({"because": "typo"}, 422, "DocumentInvalid"),
        ([], 400, "DocumentUnreadable"),
    ],
)
async def test_what_is_wrong_with_a_request_is_told(
    gateway: GatewayStack, team: Team, body: Any, status: int, code: str
) -> None:
    record = await under_way(gateway, team)
    answer = await cancelled(team, body)
    assert (answer.status, answer.body["code"]) == (status, code), answer.text
    assert await record_of(gateway, team) == record


async def test_who_knows_another_generation_cancels_nothing(gateway: GatewayStack, team: Team) -> None:
    await under_way(gateway, team)
    assert (await cancelled(team, If_Match='"2"')).status == 412
    assert (await cancelled(team, If_Match='"1"')).status == 202


async def test_a_repeated_request_is_done_once(gateway: GatewayStack, team: Team) -> None:
    await under_way(gateway, team)
    key = uuid4().hex
    first = await cancelled(team, {"reason": "one"}, Idempotency_Key=key)
    assert (await team.ann.apply(team.document())).body["changed"] is True
    again = await cancelled(team, {"reason": "one"}, Idempotency_Key=key)
    assert (again.status, again.text, again.headers["Idempotent-Replayed"]) == (first.status, first.text, "true")
    assert (await record_of(gateway, team)).generation == 3
    other = await cancelled(team, {"reason": "two"}, Idempotency_Key=key)
    assert (other.status, other.body["code"]) == (422, "IdempotencyKeyReused")


async def test_of_several_at_once_one_is_written_and_all_are_answered(gateway: GatewayStack, team: Team) -> None:
    record = await under_way(gateway, team)
    answers = await asyncio.gather(*(cancelled(team) for _ in range(4)))
    assert [(a.status, a.body["run"]) for a in answers] == [(202, record.run)] * 4
    assert sum(a.body["changed"] for a in answers) == 1
    assert (await record_of(gateway, team)).generation == 2


async def test_a_deletion_is_not_cancelled(gateway: GatewayStack, team: Team) -> None:
    await under_way(gateway, team)
    await team.ann.call("DELETE", team.path())
    answer = await cancelled(team)
    assert (answer.status, answer.body["code"]) == (409, "Deleting")


async def test_an_application_may_have_the_name_of_a_route_of_the_dialect(team: Team) -> None:
    applied = await team.ann.apply(team.document("workflow"))
    answer = await team.ann.call("POST", f"{team.path('workflow')}/cancel")
    assert (answer.status, answer.body["run"]) == (202, applied.body["run"])


async def test_only_who_may_deploy_may_cancel(gateway: GatewayStack, team: Team) -> None:
    await under_way(gateway, team)
    missing = await team.ann.call("POST", f"{team.path('none')}/cancel")
    assert (missing.status, missing.body["code"]) == (404, "NotFound")
    viewer = gateway.caller(await gateway.token(team.name, Role.VIEWER))
    assert (await cancelled(team, by=viewer)).status == 403
    stranger = gateway.caller(await gateway.token(await gateway.tenant()))
    assert (await cancelled(team, by=stranger)).status == 403
    assert (await record_of(gateway, team)).generation == 1
