"""KubeMin-Cli's routes: what its clients send, and what they read."""

import secrets
from typing import Any

import pytest

from shared.contracts import sealed
from shared.contracts.canonical import canonical_json
from shared.contracts.desired import DesiredRecord
from shared.contracts.registry import Role
from shared.store.applications import Applications
from tests.integration.services.gateway.conftest import Team
from tests.support.gateway import Answer, Caller, GatewayStack

Document = dict[str, Any]
JSON = {"Content-Type": "application/json"}
A = "/api/v1/applications"


def a_document(team: Team, **given: Any) -> Document:
    """Settings, credentials, a database and a site, in this order."""
    storage = {"name": "data", "type": "persistent", "mount_path": "/data", "tmp_create": True, "size": "2Gi"}
    return {
        "name": "shop",
        "namespace": team.namespace,
        "component": [
            {"name": "settings", "type": "config", "properties": {"conf": {"LEVEL": "info"}}},
            {"name": "keys", "type": "secret", "properties": {"secret": {"password": "x"}}},
            {"name": "db", "type": "store", "image": "postgres:17", "traits": {"storage": [storage]}},
            {"name": "web", "type": "webservice", "image": "nginx:1", "properties": {"env": {"A": "1"}}},
        ],
        "workflow": [
            {"name": "before", "mode": "DAG", "components": ["settings", "keys"]},
            {"name": "db"},
            {"name": "web"},
        ],
        **given,
    }


async def post(caller: Caller, path: str, body: Any, *, method: str = "POST", **headers: str) -> Answer:
    return await caller.call(method, f"{A}{path}", data=canonical_json(body), headers={**JSON, **headers})


async def applied(team: Team, **given: Any) -> str:
    """A stored application's id."""
    answer = await team.ann.apply(a_document(team, **given))
    assert answer.status == 202, answer.text
    return str(answer.body["id"])


async def record_of(gateway: GatewayStack, team: Team, name: str = "shop") -> DesiredRecord:
    stored = await Applications(gateway.database).by_name(team.namespace, name)
    assert stored is not None
    return stored.record


def components_of(record: DesiredRecord) -> dict[str, Document]:
    return {one["name"]: one for one in record.document["spec"]["components"]}


def codes(answer: Answer) -> set[tuple[str, str]]:
    return {(one["code"], one["path"]) for one in answer.body["findings"]}


async def test_applied_document_is_answered_in_its_own_words_too(team: Team) -> None:
    answer = await team.ann.apply(a_document(team, alias="Shop", project="demo", tmp_enable=True))
    body = answer.body
    assert (answer.status, body["changed"], body["run"]) == (202, True, f"{body['id']}-1")
    told = {key: body[key] for key in ("name", "namespace", "version", "alias", "project", "icon", "tmp_enable")}
    assert told == {
        "name": "shop",
        "namespace": team.namespace,
        "version": "1.0.0",
        "alias": "Shop",
        "project": "demo",
        "icon": "",
        "tmp_enable": True,
    }
    assert body["workflow_id"] == body["id"] == body["application"]["uid"]
    assert body["create_time"] == body["update_time"]


async def test_try_tells_whether_a_document_would_be_accepted_and_stores_nothing(
    gateway: GatewayStack, team: Team
) -> None:
    good = await post(team.ann, "/try", a_document(team))
    assert (good.status, good.body["valid"], good.body["errors"]) == (200, True, [])
    bad = a_document(team, name="")
    bad["component"][3]["type"] = "web"
    bad["workflow"][2]["components"] = ["gone"]
    answer = await post(team.ann, "/try", bad)
    assert (answer.status, answer.body["valid"]) == (200, False)
    assert [(one["field"], one["code"]) for one in answer.body["errors"]] == [
        ("name", "MISSING_REQUIRED_FIELD"),
        ("component[3].type", "INVALID_COMPONENT_TYPE"),
        ("workflow[2].components[0]", "COMPONENT_NOT_FOUND"),
    ]
    assert all(one["message"] for one in answer.body["errors"])
    assert await Applications(gateway.database).by_name(team.namespace, "shop") is None
    assert (await post(team.ann, "/try", a_document(team, namespace="kube-system"))).status == 403
    assert (await team.ann.call("POST", f"{A}/try", data=b"{", headers=JSON)).status == 400


async def test_try_with_app_id_checks_the_workflow_against_that_application(team: Team) -> None:
    uid = await applied(team)
    steps = [{"name": "all", "mode": "DAG", "components": ["web", "db"]}]
    for path, body in (("/try", {"app_id": uid, "workflow": steps}), (f"/{uid}/workflow/try", {"workflow": steps})):
        answer = await post(team.ann, path, body)
        assert (answer.status, answer.body["valid"]) == (200, True), answer.text
        body["workflow"] = [{"name": "all", "mode": "Both", "components": ["web", "gone"]}]
        answer = await post(team.ann, path, body)
        assert {(one["field"], one["code"]) for one in answer.body["errors"]} == {
            ("workflow[0].mode", "INVALID_WORKFLOW_MODE"),
            ("workflow[0].components[1]", "COMPONENT_NOT_FOUND"),
        }
        del body["workflow"]
        answer = await post(team.ann, path, body)
        assert [(one["field"], one["code"]) for one in answer.body["errors"]] == [
            ("workflow", "MISSING_REQUIRED_FIELD")
        ]
    assert (await post(team.ann, "/try", {"app_id": "none", "workflow": steps})).body["business_code"] == 10005


async def test_components_are_told_as_they_were_written_with_secrets_masked(gateway: GatewayStack, team: Team) -> None:
    canary = f"canary-{secrets.token_hex(8)}"
    document = a_document(team)
    document["component"][1]["properties"]["secret"]["password"] = canary
    uid = (await team.ann.apply(document)).body["id"]
    viewer = gateway.caller(await gateway.token(team.name, Role.VIEWER, name="eve"))
    answer = await viewer.get(f"{A}/{uid}/components")
    assert answer.status == 200, answer.text
    told = {one["name"]: one for one in answer.body["components"]}
    assert [told["db"][key] for key in ("type", "image", "replicas", "app_id")] == ["store", "postgres:17", 1, uid]
    assert told["db"]["traits"] == {"storage": document["component"][2]["traits"]["storage"]}
    assert told["web"]["properties"] == {"env": {"A": "1"}}
    assert told["settings"]["properties"] == {"conf": {"LEVEL": "info"}}
    assert list(told["keys"]["properties"]["secret"]) == ["password"]
    assert told["web"]["id"] != told["db"]["id"]
    assert told["web"]["create_time"] <= told["web"]["update_time"]
    assert canary not in answer.text
    assert sealed.PREFIX not in answer.text


async def test_workflow_is_told_and_replaced(gateway: GatewayStack, team: Team) -> None:
    uid = await applied(team)
    [workflow] = (await team.ann.get(f"{A}/{uid}/workflows")).body["workflows"]
    assert (workflow["id"], workflow["name"], workflow["status"]) == (uid, "shop-workflow", "waiting")
    assert [(one["name"], one["mode"], one["components"]) for one in workflow["steps"]] == [
        ("step-1", "DAG", ["settings", "keys"]),
        ("db", "StepByStep", ["db"]),
        ("web", "StepByStep", ["web"]),
    ]
    key = {"Idempotency-Key": secrets.token_hex(8)}
    body = {"workflow": [{"name": "web"}, {"components": ["settings"], "subSteps": [{"name": "db"}]}]}
    answers = [await post(team.ann, f"/{uid}/workflow", body, method="PUT", **key) for _ in range(2)]
    assert [one.status for one in answers] == [200, 200]
    assert answers[0].body["workflow_id"] == uid
    assert {one.body["task_id"] for one in answers} == {f"{uid}-2"}
    assert [one["code"] for one in answers[0].body["warnings"]] == ["NotInWorkflow"]
    found = components_of(await record_of(gateway, team))
    assert {name: one.get("dependsOn", []) for name, one in found.items()} == {
        "settings": ["web"],
        "keys": [],
        "db": ["settings"],
        "web": [],
    }
    assert found["keys"]["properties"]["stringData"]["password"].startswith(sealed.PREFIX)
    wrong = await post(team.ann, f"/{uid}/workflow", {"workflow_id": "other", **body}, method="PUT")
    assert (wrong.status, wrong.body["business_code"]) == (404, 20005)
    refused = await post(team.ann, f"/{uid}/workflow", {"workflow": [{"name": "gone"}]}, method="PUT")
    assert codes(refused) == {("WORKFLOW_STEP_NO_COMPONENT", "workflow[0]")}


async def test_execution_is_the_run_that_goes_on_and_its_state_can_be_asked(team: Team) -> None:
    uid = await applied(team)
    answer = await post(team.ann, f"/{uid}/workflow/exec", {"workflow_id": uid})
    assert (answer.status, answer.body) == (200, {"task_id": f"{uid}-1"})
    status = (await team.ann.get(f"/api/v1/workflow/tasks/{uid}-1/status")).body
    assert {key: status[key] for key in ("task_id", "status", "workflow_id", "workflow_name", "app_id")} == {
        "task_id": f"{uid}-1",
        "status": "waiting",
        "workflow_id": uid,
        "workflow_name": "shop-workflow",
        "app_id": uid,
    }
    assert codes(await post(team.ann, f"/{uid}/workflow/exec", {})) == {("MISSING_REQUIRED_FIELD", "workflow_id")}
    other = await post(team.ann, f"/{uid}/workflow/exec", {"workflow_id": "other"})
    assert (other.status, other.body["business_code"]) == (404, 20005)
    none = await team.ann.get(f"/api/v1/workflow/tasks/{uid}-9/status")
    assert (none.status, none.body["business_code"]) == (404, 20006)


async def test_task_that_goes_on_is_cancelled_and_who_asked_is_kept(gateway: GatewayStack, team: Team) -> None:
    uid = await applied(team)
    body = {"task_id": f"{uid}-1", "user": "bob", "reason": "changed my mind"}
    key = {"Idempotency-Key": secrets.token_hex(8)}
    answers = [await post(team.ann, f"/{uid}/workflow/cancel", body, **key) for _ in range(2)]
    assert [(a.status, a.body) for a in answers] == [(200, {"task_id": f"{uid}-1", "status": "cancelled"})] * 2
    record = await record_of(gateway, team)
    assert (record.generation, record.audit.action, record.audit.actor) == (2, "cancel", "ann")
    assert record.cancels is not None
    assert (record.cancels.on_behalf_of, record.cancels.reason) == ("bob", "changed my mind")
    # It is no task of its own, and what is executed from now on is another one.
    again = await post(team.ann, f"/{uid}/workflow/exec", {"workflow_id": uid})
    assert again.body == {"task_id": f"{uid}-3"}
    long = await post(team.ann, f"/{uid}/workflow/cancel", {"task_id": f"{uid}-3", "reason": "x" * 501})
    assert codes(long) == {("TooLong", "reason")}
    none = await post(team.ann, f"/{uid}/workflow/cancel", {"task_id": f"{uid}-7"})
    assert (none.status, none.body["business_code"]) == (404, 20006)


async def test_version_updates_adds_and_removes_components(gateway: GatewayStack, team: Team) -> None:
    uid = await applied(team)
    before = components_of(await record_of(gateway, team))
    body = {
        "version": "1.1.0",
        "strategy": "recreate",
        "description": "faster",
        "components": [
            {"name": "web", "image": "nginx:2", "replicas": 3, "env": {"A": "2", "B": "3"}},
            {"name": "settings", "action": "remove"},
            {"name": "own", "action": "add", "type": "secret", "properties": {"secret": {"k": "plain-of-own"}}},
            {"name": "api", "action": "add", "type": "webservice", "image": "api:1", "env": {"X": "y"}},
        ],
    }
    answer = await post(team.ann, f"/{uid}/version", body)
    assert answer.status == 200, answer.text
    assert answer.body == {
        "app_id": uid,
        "version": "1.1.0",
        "previous_version": "1.0.0",
        "strategy": "recreate",
        "task_id": f"{uid}-2",
        "updated_components": ["web"],
        "added_components": ["own", "api"],
        "removed_components": ["settings"],
        "warnings": [],
    }
    record = await record_of(gateway, team)
    found = components_of(record)
    assert list(found) == ["keys", "db", "web", "own", "api"]
    assert found["keys"] == before["keys"]
    assert found["own"]["properties"]["stringData"]["k"].startswith(sealed.PREFIX)
    assert "plain-of-own" not in record.model_dump_json()
    assert found["web"]["properties"]["env"] == [{"name": "A", "value": "2"}, {"name": "B", "value": "3"}]
    assert {one["type"]: one["properties"] for one in found["web"]["traits"]}["scaler"] == {"replicas": 3}
    assert {name: one.get("dependsOn", []) for name, one in found.items()} == {
        "keys": [],
        "db": ["keys"],
        "web": ["db"],
        "own": ["web"],
        "api": ["own"],
    }
    assert record.document["metadata"]["annotations"]["kubemin.dev/description"] == "faster"
    number = await post(team.ann, f"/{uid}/version", {"version": "1.2.0"})
    assert (number.body["previous_version"], number.body["task_id"]) == ("1.1.0", f"{uid}-3")


async def test_version_is_done_once_for_one_key(team: Team) -> None:
    uid = await applied(team)
    key = {"Idempotency-Key": secrets.token_hex(8)}
    add = {"version": "2", "components": [{"name": "api", "action": "add", "type": "webservice", "image": "x"}]}
    answers = [await post(team.ann, f"/{uid}/version", add, **key) for _ in range(2)]
    assert [one.body["task_id"] for one in answers] == [f"{uid}-2", f"{uid}-2"]
    assert codes(await post(team.ann, f"/{uid}/version", add)) == {("DUPLICATE_COMPONENT", "components[0].name")}


async def test_what_planning_finds_in_a_version_is_told_in_places_of_the_request(team: Team) -> None:
    uid = await applied(team)
    ports = [{"port": 80}, {"port": 80}]
    entry = {"name": "api", "action": "add", "type": "webservice", "image": "x", "properties": {"ports": ports}}
    answer = await post(team.ann, f"/{uid}/version", {"version": "2", "components": [{"name": "web"}, entry]})
    assert answer.status == 422
    assert [one["path"] for one in answer.body["findings"]] == ["components[1].properties.ports[1].port"]


async def test_what_is_sought_in_a_cluster_that_is_gone_is_told_in_places_of_the_request(
    gateway: GatewayStack, team: Team
) -> None:
    uid = await applied(team)
    record = await record_of(gateway, team)
    config = {"resource": "configmaps", "name": "settings", "cluster": "gone"}
    copies = {"name": "copies", "type": "ref-objects", "properties": {"objects": [config]}}
    spec = {**record.document["spec"], "components": [*record.document["spec"]["components"], copies]}
    changed = record.model_copy(update={"document": {**record.document, "spec": spec}, "generation": 2})
    assert await Applications(gateway.database).replace(changed, expected_generation=1)
    answer = await post(team.ann, f"/{uid}/version", {"version": "2", "components": [{"name": "web"}]})
    assert codes(answer) == {("UnknownCluster", "components")}


async def test_deleting_resources_deletes_the_application(gateway: GatewayStack, team: Team) -> None:
    uid = await applied(team)
    answer = await team.ann.call("DELETE", f"{A}/{uid}/resources")
    assert (answer.status, answer.body["app_id"], answer.body["task_id"]) == (200, uid, f"{uid}-2")
    assert (await record_of(gateway, team)).deleted
    again = await post(team.ann, f"/{uid}/workflow/exec", {"workflow_id": uid})
    assert (again.status, again.body["code"]) == (409, "Deleting")


async def test_templates_are_listed_page_by_page(team: Team) -> None:
    for name in ("a-one", "b-two", "c-three"):
        assert (await team.ann.apply(a_document(team, name=name, tmp_enable=name != "b-two"))).status == 202
    first = (await team.ann.get(f"{A}/templates?limit=1")).body
    assert [(one["name"], one["workflow_id"]) for one in first["applications"]] == [("a-one", "")]
    second = (await team.ann.get(f"{A}/templates?limit=5&continue={first['continue']}")).body
    assert [one["name"] for one in second["applications"]] == ["c-three"]
    assert second["continue"] is None


async def test_application_of_another_tenant_is_not_there(gateway: GatewayStack, team: Team) -> None:
    uid = await applied(team)
    stranger = await gateway.tenant()
    mallory = gateway.caller(await gateway.token(stranger, Role.DEPLOYER, name="mallory"))
    asked = [
        await mallory.get(f"{A}/{uid}/components"),
        await mallory.get(f"{A}/{uid}/workflows"),
        await mallory.call("DELETE", f"{A}/{uid}/resources"),
        await post(mallory, f"/{uid}/version", {"version": "2"}),
        await post(mallory, f"/{uid}/workflow/exec", {"workflow_id": uid}),
        await post(mallory, "/try", {"app_id": uid, "workflow": [{"name": "web"}]}),
    ]
    assert [(one.status, one.body["business_code"]) for one in asked] == [(404, 10005)] * len(asked)
    task = await mallory.get(f"/api/v1/workflow/tasks/{uid}-1/status")
    assert (task.status, task.body["business_code"]) == (404, 20006)
    viewer = gateway.caller(await gateway.token(team.name, Role.VIEWER, name="eve"))
    assert (await post(viewer, f"/{uid}/version", {"version": "2"})).status == 403
    assert (await gateway.caller(None).get(f"{A}/{uid}/components")).status == 401


async def test_other_methods_of_these_paths_are_refused(team: Team) -> None:
    uid = await applied(team)
    for method, path in (("GET", "workflow"), ("DELETE", "components"), ("PUT", "resources"), ("GET", "version")):
        answer = await team.ann.call(method, f"{A}/{uid}/{path}")
        assert answer.status == 405, (method, path)
        assert answer.headers["Allow"]


def an_application(team: Team, policy: Document) -> Document:
    """Written in OAM: a site, and two components that policies speak of."""
    components = [
        {"name": "web", "type": "webservice", "properties": {"image": "nginx:1"}},
        {"name": "bare", "type": "webservice"},
        {"name": "raw", "type": "k8s-objects", "properties": {"objects": [CONFIG_MAP]}},
    ]
    policies = [policy, {"name": "given", "type": "override", "properties": {"components": [GIVEN]}}]
    return {
        "apiVersion": "core.oam.dev/v1beta1",
        "kind": "Application",
        "metadata": {"name": "shop", "namespace": team.namespace},
        "spec": {"components": components, "policies": policies},
    }


CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}}
GIVEN = {"name": "bare", "properties": {"image": "nginx:9"}}
REPLICAS = [{"type": "scaler", "properties": {"replicas": 2}}]
ON_TOP = {
    "name": "top",
    "type": "override",
    "properties": {"components": [{"type": "webservice", "properties": {"image": "nginx:9"}, "traits": REPLICAS}]},
}
COPIES = {"name": "copies", "type": "replication", "properties": {"keys": ["a", "b"], "selector": ["web"]}}
EXTRA = {
    "name": "extra",
    "type": "override",
    "properties": {"components": [{"name": "more", "type": "worker", "properties": {"image": "x"}}]},
}
SCALED = {"name": "web", "image": "nginx:2", "replicas": 3}
"""What a version says of it."""


@pytest.mark.parametrize(
    ("policy", "entry", "status", "told"),
    [
        (COPIES, SCALED, 200, set()),
        (ON_TOP, SCALED, 200, {("NoEffect", "components[0].image"), ("NoEffect", "components[0].replicas")}),
        (COPIES, {"name": "bare", "image": "nginx:2"}, 422, {("Unsupported", "components[0].image")}),
        (COPIES, {"name": "raw", "image": "nginx:2"}, 422, {("Unsupported", "components[0].image")}),
        (COPIES, {"name": "web", "action": "remove"}, 422, {("Unsupported", "components[0].name")}),
        (COPIES, {"name": "bare", "action": "remove"}, 422, {("Unsupported", "components[0].name")}),
        (COPIES, {"name": "web-a", "image": "x"}, 422, {("COMPONENT_NOT_FOUND", "components[0].name")}),
        (EXTRA, {"name": "more", "action": "add"}, 422, {("DUPLICATE_COMPONENT", "components[0].name")}),
        (EXTRA, {"name": "raw", "action": "remove"}, 200, set()),
    ],
)
async def test_version_of_an_application_in_oam_works_or_says_which_policy_decides(
    team: Team, policy: Document, entry: Document, status: int, told: set[tuple[str, str]]
) -> None:
    stored = await team.ann.apply(an_application(team, policy))
    assert stored.status == 202, stored.text
    uid = stored.body["application"]["uid"]
    answer = await post(team.ann, f"/{uid}/version", {"version": "2", "components": [entry]})
    found = answer.body["warnings"] if answer.status == 200 else answer.body["findings"]
    assert (answer.status, {(one["code"], one["path"]) for one in found}) == (status, told), answer.text
