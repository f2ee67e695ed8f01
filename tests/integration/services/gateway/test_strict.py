"""`strict=true`: what is otherwise only warned of refuses a document, with the same codes and places."""

from typing import Any

import pytest

from shared.contracts.canonical import canonical_json
from shared.store.applications import Applications
from tests.integration.services.gateway.conftest import Team
from tests.support.gateway import Answer, GatewayStack

Document = dict[str, Any]
Told = set[tuple[str, str]]


def told(findings: list[Document]) -> Told:
    return {(one["code"], one["path"]) for one in findings}


def oam(team: Team) -> Document:
    """An unknown key, and an object that is needed by whom it waits for: known from reading and from planning."""
    document = team.document()
    [web] = document["spec"]["components"]
    web["properties"] |= {"imagePullPolice": "Never"}
    web["traits"] = [{"type": "env-from", "properties": {"envFrom": [{"configMapRef": {"name": "late"}}]}}]
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "late"}, "data": {"a": "b"}}
    late = {"name": "late", "type": "k8s-objects", "properties": {"objects": [config]}, "dependsOn": [web["name"]]}
    document["spec"]["components"].append(late)
    return document


def dialect(team: Team) -> Document:
    web = {"name": "web", "type": "webservice", "image": "nginx:1.27", "properties": {"ports": [{"port": 80}]}}
    return {"name": "shop", "namespace": team.namespace, "component": [web], "colour": "red"}


async def convert(team: Team, document: Document, query: str = "") -> Answer:
    headers = {"Content-Type": "application/json"}
    return await team.ann.call("POST", f"/api/v1/convert{query}", data=canonical_json(document), headers=headers)


@pytest.mark.parametrize("made", [oam, dialect])
async def test_warnings_refuse_a_strict_document_and_nothing_is_stored(
    gateway: GatewayStack, team: Team, made: Any
) -> None:
    document = made(team)
    planned = await team.ann.apply(document, query="?dryRun=true")
    assert planned.status == 200, planned.text
    warned = told(planned.body["warnings"])
    assert warned
    for query in ("?strict=true&dryRun=true", "?strict=true"):
        refused = await team.ann.apply(document, query=query)
        assert (refused.status, refused.body["code"]) == (422, "DocumentInvalid"), refused.text
        assert told(refused.body["findings"]) == warned
    name = document.get("name") or document["metadata"]["name"]
    assert await Applications(gateway.database).by_name(team.namespace, name) is None
    accepted = await team.ann.apply(document, query="?strict=false")
    assert (accepted.status, told(accepted.body["warnings"])) == (202, warned)


async def test_warnings_of_reading_and_of_planning_are_told_at_once(team: Team) -> None:
    refused = await team.ann.apply(oam(team), query="?strict=true")
    assert {one["code"] for one in refused.body["findings"]} == {"UnknownKey", "NotWaitedFor"}


async def test_errors_come_with_the_warnings(team: Team) -> None:
    document = team.document()
    [web] = document["spec"]["components"]
    web["properties"] = {"imagePullPolice": "Never"}
    plain = await team.ann.apply(document)
    strict = await team.ann.apply(document, query="?strict=true")
    assert told(plain.body["findings"]) == {("Required", "spec.components[0].properties.image")}
    assert told(strict.body["findings"]) - told(plain.body["findings"]) == {
        ("UnknownKey", "spec.components[0].properties.imagePullPolice")
    }


async def test_unknown_cluster_comes_with_the_warnings(team: Team) -> None:
    document = team.document()
    document["spec"] |= {"colour": "red", "policies": [{"name": "p", "type": "topology", "properties": {}}]}
    document["spec"]["policies"][0]["properties"] = {"clusters": ["nowhere"]}
    refused = await team.ann.apply(document, query="?strict=true")
    assert {one["code"] for one in refused.body["findings"]} == {"UnknownCluster", "UnknownKey"}


async def test_sound_document_passes(team: Team) -> None:
    assert (await team.ann.apply(team.document(), query="?strict=true&dryRun=true")).status == 200
    assert (await team.ann.apply(team.document(), query="?strict=true")).status == 202


async def test_conversion_can_be_strict(team: Team) -> None:
    document = dialect(team)
    loose = await convert(team, document)
    refused = await convert(team, document, "?strict=true")
    assert (loose.status, refused.status) == (200, 422)
    assert told(refused.body["findings"]) == told(loose.body["warnings"]) == {("UnknownKey", "colour")}
    del document["colour"]
    assert (await convert(team, document, "?strict=true")).status == 200


async def test_strict_takes_true_or_false(team: Team) -> None:
    assert (await team.ann.apply(team.document(), query="?strict=perhaps")).status == 400
    assert (await convert(team, dialect(team), "?strict=perhaps")).status == 400


async def test_strict_request_is_another_than_the_one_that_was_not(team: Team) -> None:
    key = {"Idempotency-Key": "once"}
    assert (await team.ann.apply(oam(team), headers=key)).status == 202
    again = await team.ann.apply(oam(team), query="?strict=true", headers=key)
    assert again.body["code"] == "IdempotencyKeyReused"
