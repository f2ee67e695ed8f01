"""KubeMin-Cli's JSON dialect at the gateway: recognised, checked in its own words, stored as OAM, sealed."""

import secrets
from typing import Any

from shared.contracts import sealed
from shared.contracts.canonical import canonical_json
from shared.contracts.desired import DesiredRecord
from shared.contracts.registry import Role
from shared.store.applications import Applications
from tests.integration.services.gateway.conftest import Team
from tests.support.gateway import Answer, Caller, GatewayStack

Document = dict[str, Any]


def a_document(team: Team, *components: Document, name: str = "shop", **given: Any) -> Document:
    web = {"name": "web", "type": "webservice", "image": "nginx:1.27", "properties": {"ports": [{"port": 80}]}}
    return {"name": name, "namespace": team.namespace, "component": list(components) or [web], **given}


def a_secret(**values: str) -> Document:
    return {"name": "keys", "type": "secret", "properties": {"secret": values}}


async def conversion(caller: Caller, document: Document, **headers: str) -> Answer:
    sent = {"Content-Type": "application/json", **headers}
    return await caller.call("POST", "/api/v1/convert", data=canonical_json(document), headers=sent)


async def record_of(gateway: GatewayStack, team: Team, name: str = "shop") -> DesiredRecord:
    stored = await Applications(gateway.database).by_name(team.namespace, name)
    assert stored is not None
    return stored.record


async def test_document_in_the_dialect_is_stored_as_oam(gateway: GatewayStack, team: Team) -> None:
    answer = await team.ann.apply(a_document(team, colour="red"))
    assert answer.status == 202, answer.text
    assert [(one["code"], one["path"]) for one in answer.body["warnings"]] == [("UnknownKey", "colour")]
    record = await record_of(gateway, team)
    assert record.document["kind"] == "Application"
    assert [one["name"] for one in record.document["spec"]["components"]] == ["web"]
    assert (await team.ann.get(team.path())).body["name"] == "shop"


async def test_places_that_runs_may_name_are_kept_with_every_generation(gateway: GatewayStack, team: Team) -> None:
    tls = {"tls": [{"secret_name": "certificate"}], "routes": [{"backend": {"service_name": "web"}}]}
    web = {"name": "web", "type": "webservice", "image": "x", "traits": {"ingress": [tls]}}
    where = "component[1].traits.ingress[0].tls[0].secret_name"
    first = await team.ann.apply(a_document(team, {"name": "api", "type": "webservice", "image": "x"}, web))
    assert first.status == 202, first.text
    assert where in (await record_of(gateway, team)).places.values()
    second = await team.ann.apply(a_document(team))
    assert second.status == 202, second.text
    assert (await record_of(gateway, team)).places == {}
    back = await team.ann.call("POST", f"{team.path()}/rollback?generation=1")
    assert back.status == 202, back.text
    assert where in (await record_of(gateway, team)).places.values()


async def test_document_sent_again_as_converted_changes_nothing(team: Team) -> None:
    document = a_document(team, a_secret(password="x"))
    converted = await conversion(team.ann, document)
    assert converted.status == 200, converted.text
    first = await team.ann.apply(document)
    second = await team.ann.apply(converted.body["document"])
    assert (first.body["changed"], second.status) == (True, 202)
    # Its first run has not ended: the same again is no new generation.
    assert second.body["application"]["generation"] == 1


async def test_dry_run_plans_it_and_tells_places_of_the_document(gateway: GatewayStack, team: Team) -> None:
    env = [{"name": "A", "value_from": {"secret": {"name": "elsewhere", "key": "k"}}}]
    web = {"name": "web", "type": "webservice", "image": "x", "traits": {"envs": env}}
    answer = await team.ann.apply(a_document(team, a_secret(a="b"), web), query="?dryRun=true")
    assert answer.status == 200, answer.text
    steps = {step["step"]: step for step in answer.body["steps"]}
    assert steps["web"]["waits_for"] == ["keys"]
    [reference] = [one for one in steps["web"]["references"] if one["name"] == "elsewhere"]
    assert reference["path"] == "component[1].traits.envs[0].value_from.secret.name"
    assert await Applications(gateway.database).by_name(team.namespace, "shop") is None


async def test_everything_wrong_is_told_in_the_words_of_the_dialect(team: Team) -> None:
    answer = await team.ann.apply(a_document(team, {"name": "w", "type": "web"}, {"name": "db", "type": "store"}))
    assert answer.status == 422
    assert {(one["code"], one["path"]) for one in answer.body["findings"]} == {
        ("NAME_TOO_SHORT", "component[0].name"),
        ("INVALID_COMPONENT_TYPE", "component[0].type"),
        ("MISSING_IMAGE", "component[1].image"),
    }


async def test_what_rendering_finds_is_told_in_places_of_the_document(team: Team) -> None:
    ports = [{"port": 80}, {"port": 80}]
    web = {"name": "web", "type": "webservice", "image": "x", "properties": {"ports": ports}}
    for answer in (
        await team.ann.apply(a_document(team, web)),
        await team.ann.apply(a_document(team, web), query="?dryRun=true"),
    ):
        assert answer.status == 422
        assert [one["path"] for one in answer.body["findings"]] == ["component[0].properties.ports[1].port"]


async def test_id_names_the_application_that_is_replaced(gateway: GatewayStack, team: Team) -> None:
    unknown = await team.ann.apply(a_document(team, id="abc"))
    assert (unknown.status, [one["path"] for one in unknown.body["findings"]]) == (422, ["id"])
    assert (await team.ann.apply(a_document(team))).status == 202
    uid = (await record_of(gateway, team)).uid
    assert (await team.ann.apply(a_document(team, id=uid, description="again"))).status == 202
    assert (await team.ann.apply(a_document(team, id=f"{uid}x"))).status == 422


async def test_secret_values_are_sealed_and_written_nowhere(gateway: GatewayStack, team: Team) -> None:
    canary = f"canary-{secrets.token_hex(12)}"
    document = a_document(team, a_secret(password=canary))
    assert canary in (await conversion(team.ann, document)).text
    refused = await team.ann.apply(a_document(team, a_secret(password=canary), {"name": "x", "type": canary}))
    answers = [await team.ann.apply(document), await team.ann.apply(document, query="?dryRun=true"), refused]
    record = await record_of(gateway, team)
    data = record.document["spec"]["components"][0]["properties"]["stringData"]
    assert data["password"].startswith(sealed.PREFIX)
    for text in (record.model_dump_json(), gateway.log, *(answer.text for answer in answers)):
        assert canary not in text


async def test_conversion_takes_oam_as_it_is_and_needs_a_token(gateway: GatewayStack, team: Team) -> None:
    document = team.document()
    assert (await conversion(team.ann, document)).body["document"] == document
    viewer = gateway.caller(await gateway.token(team.name, Role.VIEWER, name="eve"))
    assert (await conversion(viewer, document)).status == 200
    assert (await conversion(gateway.caller(None), document)).status == 401
    broken = await conversion(team.ann, a_document(team, {"name": "web"}))
    assert [one["path"] for one in broken.body["findings"]] == ["component[0].type"]


async def test_answer_of_a_conversion_is_kept_nowhere(team: Team) -> None:
    key = {"Idempotency-Key": secrets.token_hex(8)}
    for value in ("a", "b"):
        answer = await conversion(team.ann, a_document(team, a_secret(password=value)), **key)
        assert answer.body["document"]["spec"]["components"][0]["properties"]["stringData"] == {"password": value}


async def test_template_is_copied_with_its_secrets_entered_again(gateway: GatewayStack, team: Team) -> None:
    env = [{"name": "PW", "value_from": {"secret": {"name": "keys", "key": "password"}}}]
    web = {"name": "web", "type": "webservice", "image": "x", "traits": {"envs": env}}
    template = a_document(team, a_secret(password="x"), web, name="base", tmp_enable=True)
    assert (await team.ann.apply(template)).status == 202
    uid = (await record_of(gateway, team, "base")).uid
    site = {"name": "site", "type": "webservice", "template": {"id": uid}}
    refused = await team.ann.apply(a_document(team, site))
    assert [(one["code"], one["path"]) for one in refused.body["findings"]] == [
        ("MISSING_REQUIRED_FIELD", "component[0].template.id")
    ]
    entered = {**a_secret(password="y"), "name": "own-keys", "template": {"id": uid}}
    answer = await team.ann.apply(a_document(team, site, entered))
    assert answer.status == 202, answer.text
    document = (await record_of(gateway, team)).document
    assert [one["name"] for one in document["spec"]["components"]] == ["own-keys", "site"]
    stranger = await gateway.tenant()
    other = Team(
        stranger, f"{stranger}-dev", gateway.caller(await gateway.token(stranger, Role.DEPLOYER, name="mallory"))
    )
    stolen = await other.ann.apply(a_document(other, site, entered))
    assert [one["code"] for one in stolen.body["findings"]] == ["TemplateNotFound"]
