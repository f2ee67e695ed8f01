"""The same request with the same key: done once, answered alike."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.contracts.registry import Role
from shared.store.applications import Applications
from shared.store.idempotency import COLLECTION, Idempotency, StoredAnswer, Taken
from tests.integration.services.gateway.conftest import Team
from tests.support.conditions import until
from tests.support.gateway import Answer, GatewayStack


def a_key() -> dict[str, str]:
    return {"Idempotency-Key": uuid4().hex}


def told(answer: Answer) -> tuple[int, str | None, Any]:
    """What a caller acts on."""
    return answer.status, answer.headers.get("ETag"), answer.body


async def generation(gateway: GatewayStack, team: Team) -> int:
    stored = await Applications(gateway.database).by_name(team.namespace, "shop")
    assert stored is not None
    return stored.record.generation


async def test_a_repeated_request_is_answered_alike_and_done_once(gateway: GatewayStack, team: Team) -> None:
    key = a_key()
    first = await team.ann.apply(team.document(), headers=key)
    await team.ann.apply(team.document(image="nginx:2"))
    again = await team.ann.apply(team.document(), headers=key)
    assert told(again) == told(first)
    assert (first.status, first.body["changed"]) == (202, True)
    assert (first.headers.get("Idempotent-Replayed"), again.headers["Idempotent-Replayed"]) == (None, "true")
    assert await generation(gateway, team) == 2, "the later document stays"


async def test_a_refusal_is_an_answer_too(team: Team) -> None:
    await team.ann.apply(team.document())
    key = a_key() | {"If-Match": '"7"'}
    refused = await team.ann.apply(team.document(image="b"), headers=key)
    assert refused.status == 412
    assert told(await team.ann.apply(team.document(image="b"), headers=key)) == told(refused)
    broken = a_key()
    assert [(await team.ann.apply(b"a: [", headers=broken)).status for _ in range(2)] == [400, 400]


async def test_deleting_twice_with_a_key_deletes_once(gateway: GatewayStack, team: Team) -> None:
    await team.ann.apply(team.document())
    key = a_key() | {"If-Match": '"1"'}
    first = await team.ann.call("DELETE", team.path(), headers=key)
    again = await team.ann.call("DELETE", team.path(), headers=key)
    assert (first.status, first.body["changed"]) == (202, True)
    assert told(again) == told(first)
    assert await generation(gateway, team) == 2


@pytest.mark.parametrize("other", ["document", "condition", "query", "method"])
async def test_a_key_belongs_to_one_request(team: Team, other: str) -> None:
    key = a_key()
    assert (await team.ann.apply(team.document(), headers=key)).status == 202
    match other:
        case "document":
            answer = await team.ann.apply(team.document(image="other"), headers=key)
        case "condition":
            answer = await team.ann.apply(team.document(), headers=key | {"If-Match": '"1"'})
        case "query":
            answer = await team.ann.apply(team.document(), query="?dryRun=false", headers=key)
        case _:
            answer = await team.ann.call("DELETE", team.path(), headers=key)
    assert (answer.status, answer.body["code"]) == (422, "IdempotencyKeyReused")


async def test_keys_of_different_tenants_do_not_meet(gateway: GatewayStack, team: Team) -> None:
    key = a_key()
    assert (await team.ann.apply(team.document(), headers=key)).status == 202
    name = await gateway.tenant()
    other = Team(name, f"{name}-dev", gateway.caller(await gateway.token(name)))
    answer = await other.ann.apply(other.document(), headers=key)
    assert (answer.status, answer.headers.get("Idempotent-Replayed")) == (202, None)


async def test_what_a_token_may_not_do_a_key_does_not_open(gateway: GatewayStack, team: Team) -> None:
    key = a_key()
    assert (await team.ann.apply(team.document(), headers=key)).status == 202
    viewer = gateway.caller(await gateway.token(team.name, Role.VIEWER))
    assert (await viewer.apply(team.document(), headers=key)).status == 403
    assert (await gateway.caller(None).apply(team.document(), headers=key)).status == 401


async def test_a_dry_run_takes_no_key_up(team: Team) -> None:
    key = a_key()
    assert (await team.ann.apply(team.document(), query="?dryRun=true", headers=key)).status == 200
    assert (await team.ann.apply(team.document(), headers=key)).body["changed"] is True


@pytest.mark.parametrize("key", ["", " ", "a b", '"', "x" * 256, '"unfinished', "\tx\ty"])
async def test_what_is_no_key_is_refused(team: Team, key: str) -> None:
    answer = await team.ann.apply(team.document(), headers={"Idempotency-Key": key})
    assert (answer.status, answer.body["code"]) == (400, "IdempotencyKeyInvalid")


async def test_quotes_do_not_make_another_key(team: Team) -> None:
    key = uuid4().hex
    first = await team.ann.apply(team.document(), headers={"Idempotency-Key": key})
    again = await team.ann.apply(team.document(), headers={"Idempotency-Key": f'"{key}"'})
    assert told(again) == told(first)


async def test_of_many_at_once_one_is_done_and_the_others_come_back_later(gateway: GatewayStack, team: Team) -> None:
    key, document = a_key(), team.document()
    document["spec"]["components"] = [
        {"name": f"c{i}", "type": "worker", "properties": {"image": "nginx"}} for i in range(300)
    ]
    body = json.dumps(document).encode()
    answers = await asyncio.gather(*(team.ann.apply(body, headers=key) for _ in range(8)))
    done = [answer for answer in answers if answer.status == 202]
    waiting = [answer for answer in answers if answer.status == 409]
    assert len(done) + len(waiting) == 8
    assert waiting, "they came while the first was under way"
    assert all((a.body["code"], a.headers["Retry-After"]) == ("RequestInProgress", "1") for a in waiting)
    assert {a.body["application"]["generation"] for a in done} == {1}
    assert told(await team.ann.apply(body, headers=key)) == told(done[0])
    assert await generation(gateway, team) == 1


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_a_gateway_that_died_before_it_answered_is_answered_for(
    gateway: GatewayStack, team: Team, method: str
) -> None:
    await team.ann.apply(team.document())
    key = a_key() | {"If-Match": '"1"'}

    async def ask() -> Answer:
        if method == "POST":
            return await team.ann.apply(team.document(image="b"), headers=key)
        return await team.ann.call("DELETE", team.path(), headers=key)

    first = await ask()
    # As it is left behind when the process ends between the write and the answer.
    now = datetime.now(UTC)
    changes = {"$unset": {"answer": ""}, "$set": {"locked_until": now - timedelta(seconds=1)}}
    assert await gateway.database.update_many(COLLECTION, {"expires_at": {"$gt": now}}, changes) > 0
    again = await ask()
    assert told(again) == told(first)
    assert (again.status, again.body["changed"]) == (202, True)
    assert await generation(gateway, team) == 2


async def test_without_the_database_nothing_is_done_and_the_key_stays_free(gateway: GatewayStack, team: Team) -> None:
    key = a_key()
    await gateway.mongodb.kill()
    try:
        refused = await team.ann.apply(team.document(), headers=key)
    finally:
        await gateway.mongodb.start()
    assert refused.status == 503

    async def done() -> bool:
        answer = await team.ann.apply(team.document(), headers=key)
        return answer.status == 202 and answer.body["changed"] is True

    await until(done, timeout_s=30)


async def test_an_entry_is_kept_for_a_day(gateway: GatewayStack) -> None:
    entries, id_ = Idempotency(gateway.database), uuid4().hex
    now = datetime.now(UTC)
    answer = StoredAnswer(status=202, headers={"ETag": '"1"'}, body=b"{}")
    assert await entries.take(id_, fingerprint="f", owner="a", now=now) == Taken()
    await entries.answer(id_, "a", answer)
    assert await entries.take(id_, fingerprint="f", owner="b", now=now + timedelta(hours=23)) == answer
    assert await entries.take(id_, fingerprint="g", owner="b", now=now + timedelta(hours=25)) == Taken()


async def test_one_that_was_outlived_cannot_answer_for_its_successor(gateway: GatewayStack) -> None:
    entries, id_ = Idempotency(gateway.database), uuid4().hex
    now = datetime.now(UTC)
    assert await entries.take(id_, fingerprint="f", owner="a", now=now) == Taken()
    assert await entries.take(id_, fingerprint="f", owner="b", now=now + timedelta(seconds=61)) == Taken()
    await entries.answer(id_, "a", StoredAnswer(status=500, headers={}, body=b"old"))
    await entries.give_back(id_, "a")
    new = StoredAnswer(status=202, headers={}, body=b"new")
    await entries.answer(id_, "b", new)
    assert await entries.take(id_, fingerprint="f", owner="c", now=now + timedelta(seconds=200)) == new
