"""Back to an earlier generation: as a new one, with its document, its placement and its sealed values."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from shared.contracts.desired import DesiredRecord
from shared.contracts.registry import Role
from shared.store.applications import Applications
from shared.store.revisions import Revisions
from tests.integration.services.gateway.conftest import Team
from tests.support.gateway import Answer, GatewayStack


async def rolled_back(team: Team, generation: Any, **headers: str) -> Answer:
    path = f"{team.path()}/rollback?generation={generation}"
    return await team.ann.call("POST", path, headers={k.replace("_", "-"): v for k, v in headers.items()})


async def revisions(team: Team) -> list[dict[str, Any]]:
    answer = await team.ann.get(f"{team.path()}/revisions")
    assert answer.status == 200, answer.text
    items: list[dict[str, Any]] = answer.body["items"]
    return items


async def record(gateway: GatewayStack, team: Team) -> DesiredRecord:
    stored = await Applications(gateway.database).by_name(team.namespace, "shop")
    assert stored is not None
    return stored.record


async def two_generations(gateway: GatewayStack, team: Team) -> DesiredRecord:
    """The first of them; the second is placed elsewhere and has another secret value."""

    def document(value: str, **spec: Any) -> dict[str, Any]:
        made = team.document(**spec)
        secret = [{"name": "s", "mountPath": "/s", "stringData": {"k": value}}]
        made["spec"]["components"][0]["traits"] = [{"type": "storage", "properties": {"secret": secret}}]
        return made

    assert (await team.ann.apply(document("one"))).status == 202
    kept = await record(gateway, team)
    place = {"name": "far", "type": "topology", "properties": {"clusters": ["west"]}}
    assert (await team.ann.apply(document("two", policies=[place]))).status == 202
    return kept


async def test_an_earlier_document_becomes_a_new_generation_as_it_was_sealed(gateway: GatewayStack, team: Team) -> None:
    first = await two_generations(gateway, team)
    answer = await rolled_back(team, 1)
    assert (answer.status, answer.body["changed"], answer.body["application"]["generation"]) == (202, True, 3)
    assert answer.headers["ETag"] == '"3"'
    now = await record(gateway, team)
    assert (now.generation, now.uid) == (3, first.uid)
    assert (now.document, now.targets) == (first.document, first.targets)
    assert (now.audit.action, now.audit.rolled_back_to, now.audit.actor) == ("rollback", 1, first.audit.actor)
    shown = [
        (r["generation"], r["action"], r["rolled_back_to"], r["clusters"], r["current"]) for r in await revisions(team)
    ]
    assert shown == [
        (3, "rollback", 1, ["east"], True),
        (2, "update", None, ["west"], False),
        (1, "create", None, ["east"], False),
    ]


async def test_what_is_not_kept_is_named_with_what_is(gateway: GatewayStack, team: Team) -> None:
    await two_generations(gateway, team)
    answer = await rolled_back(team, 7)
    assert (answer.status, answer.body["code"]) == (404, "RevisionUnknown")
    assert "no generation 7" in answer.body["detail"]
    assert answer.body["detail"].endswith("kept are 2, 1")
    assert (await record(gateway, team)).generation == 2


@pytest.mark.parametrize("generation", ["", "0", "-1", "x", "1e3"])
async def test_what_is_no_generation_is_refused(team: Team, generation: str) -> None:
    await team.ann.apply(team.document())
    assert (await rolled_back(team, generation)).status == 400


async def test_who_knows_another_generation_changes_nothing(gateway: GatewayStack, team: Team) -> None:
    await two_generations(gateway, team)
    stale = await rolled_back(team, 1, If_Match='"1"')
    assert (stale.status, stale.body["code"]) == (412, "PreconditionFailed")
    assert (await rolled_back(team, 1, If_Match='"2"')).status == 202


async def test_of_several_at_once_one_wins_and_the_others_are_told(gateway: GatewayStack, team: Team) -> None:
    await two_generations(gateway, team)
    answers = await asyncio.gather(*(rolled_back(team, 1) for _ in range(8)))
    changed = [a for a in answers if a.status == 202 and a.body["changed"]]
    told = [a for a in answers if a.status == 409]
    assert len(changed) == 1
    assert {a.body["code"] for a in told} <= {"ChangedMeanwhile"}
    # Who came after the winner found it done, and nobody is answered with what was before.
    assert {a.body["application"]["generation"] for a in answers if a.status == 202} == {3}
    assert len(changed) + len(told) + len([a for a in answers if a.status == 202 and not a.body["changed"]]) == 8
    assert (await record(gateway, team)).generation == 3


async def test_a_repeated_request_is_done_once(gateway: GatewayStack, team: Team) -> None:
    await two_generations(gateway, team)
    key = uuid4().hex
    first = await rolled_back(team, 1, Idempotency_Key=key)
    await rolled_back(team, 2)
    again = await rolled_back(team, 1, Idempotency_Key=key)
    assert (again.status, again.text, again.headers["Idempotent-Replayed"]) == (first.status, first.text, "true")
    assert (await record(gateway, team)).generation == 4
    other = await rolled_back(team, 2, Idempotency_Key=key)
    assert (other.status, other.body["code"]) == (422, "IdempotencyKeyReused")


async def test_the_present_document_again_changes_nothing(gateway: GatewayStack, team: Team) -> None:
    await two_generations(gateway, team)
    answer = await rolled_back(team, 2)
    assert (answer.status, answer.body["changed"]) == (202, False)
    assert (await record(gateway, team)).generation == 2


async def test_an_application_that_is_being_deleted_is_not_brought_back(gateway: GatewayStack, team: Team) -> None:
    first = await two_generations(gateway, team)
    await team.ann.call("DELETE", team.path())
    answer = await rolled_back(team, 1)
    assert (answer.status, answer.body["code"]) == (409, "Deleting")
    assert await Revisions(gateway.database, kept=20).of(first.uid) == []


async def test_a_cluster_that_is_gone_is_named(gateway: GatewayStack, team: Team) -> None:
    first = await two_generations(gateway, team)
    gone = first.model_copy(update={"clusters": ("gone",), "placements": ()})
    await gateway.database.delete("revisions", {"uid": first.uid})
    await Revisions(gateway.database, kept=20).keep(gone)
    answer = await rolled_back(team, 1)
    assert (answer.status, answer.body["findings"][0]["code"]) == (422, "UnknownCluster")
    assert "'gone'" in answer.body["findings"][0]["message"]


async def test_others_may_neither_look_nor_roll_back(gateway: GatewayStack, team: Team) -> None:
    await team.ann.apply(team.document())
    viewer = gateway.caller(await gateway.token(team.name, Role.VIEWER))
    assert (await viewer.get(f"{team.path()}/revisions")).status == 200
    assert (await viewer.call("POST", f"{team.path()}/rollback?generation=1")).status == 403
    stranger = gateway.caller(await gateway.token(await gateway.tenant()))
    assert (await stranger.get(f"{team.path()}/revisions")).status == 403
    assert (await stranger.call("POST", f"{team.path()}/rollback?generation=1")).status == 403


async def test_only_so_many_are_kept(team: Team) -> None:
    for number in range(25):
        assert (await team.ann.apply(team.document(image=f"nginx:{number}"))).status == 202
    kept = [r["generation"] for r in await revisions(team)]
    assert kept == list(range(25, 4, -1))
