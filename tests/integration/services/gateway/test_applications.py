"""Changing and reading applications over HTTP, on a real bus and a real database."""

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shared.bus.messages import decode, open_delivery
from shared.contracts import subjects
from shared.contracts.desired import SPEC_EVENT, DesiredRecord
from shared.contracts.facts import AgentBeat
from shared.contracts.identity import AppRef, AppUid, ClusterName, Namespace, Tenant, parse_run_id
from shared.contracts.phases import RunPhase
from shared.contracts.registry import Role
from shared.sealing import Place, open_value
from shared.store.applications import Applications
from shared.store.projections import Projections
from tests.integration.services.gateway.conftest import Team
from tests.support.conditions import until
from tests.support.gateway import Answer, GatewayStack
from tests.support.records import a_run
from tests.support.waiting import eventually


def codes(answer: Answer) -> set[str]:
    return {finding["code"] for finding in answer.body["findings"]}


async def last_spec(gateway: GatewayStack, team: Team, name: str = "shop") -> DesiredRecord:
    """What the planner is told about an application."""
    bus = await gateway.bus.connect("planner")
    subject = subjects.spec(AppRef(tenant=team.name, namespace=team.namespace, name=name))
    tail = bus.tail(subjects.STREAM_SPECS, subject, deliver="all")
    async with asyncio.timeout(10):
        delivery: Any = await anext(tail)
    await tail.aclose()
    return decode(SPEC_EVENT, open_delivery(delivery)).record


async def end_run(gateway: GatewayStack, record: DesiredRecord, phase: RunPhase) -> None:
    """What planner and record make of it."""
    run = a_run(phase=phase, generation=record.generation, n=record.generation * 10)
    view = run.model_copy(
        update={
            "run": f"{record.uid}-{record.generation}",
            "uid": record.uid,
            "tenant": record.app.tenant,
            "namespace": record.app.namespace,
        }
    )
    await Projections(gateway.database).save_runs([view])
    assert await Applications(gateway.database).mark_observed(record.uid, record.generation)


async def record_of(gateway: GatewayStack, team: Team, name: str = "shop") -> DesiredRecord:
    stored = await Applications(gateway.database).by_name(team.namespace, name)
    assert stored is not None
    return stored.record


async def test_a_document_becomes_a_record_and_a_message(gateway: GatewayStack, team: Team) -> None:
    answer = await team.ann.apply(team.document())
    assert answer.status == 202
    assert answer.headers["ETag"] == '"1"'
    uid, generation = parse_run_id(answer.body["run"])
    assert (answer.body["changed"], generation) == (True, 1)
    record = await record_of(gateway, team)
    assert (record.uid, record.clusters, record.audit.actor) == (uid, ("east",), "ann")
    assert await last_spec(gateway, team) == record
    view = await team.ann.get(team.path())
    assert view.headers["ETag"] == '"1"'
    assert (view.body["phase"], view.body["observed_generation"], view.body["run"]) == ("Active", 0, None)


async def test_the_run_of_an_answer_can_be_read_at_once(team: Team) -> None:
    run = (await team.ann.apply(team.document())).body["run"]
    view = await team.ann.get(f"/api/v1/runs/{run}")
    assert (view.status, view.body["phase"], view.body["requested_by"]) == (200, "Accepted", "ann")
    listed = await team.ann.get(f"{team.path()}/runs")
    assert [item["run"] for item in listed.body["items"]] == [run]


async def test_the_same_document_changes_nothing_unless_its_run_failed(gateway: GatewayStack, team: Team) -> None:
    first = await team.ann.apply(team.document())
    assert (await team.ann.apply(team.document())).body["changed"] is False
    await end_run(gateway, await record_of(gateway, team), RunPhase.SUCCEEDED)
    same = await team.ann.apply(team.document())
    assert (same.body["changed"], same.body["run"]) == (False, first.body["run"])
    changed = await team.ann.apply(team.document(image="nginx:2"))
    assert (changed.body["changed"], changed.body["application"]["generation"]) == (True, 2)
    await end_run(gateway, await record_of(gateway, team), RunPhase.FAILED)
    again = await team.ann.apply(team.document(image="nginx:2"))
    assert (again.body["changed"], again.body["application"]["generation"]) == (True, 3)
    assert (await record_of(gateway, team)).audit.action == "rerun"


async def test_dry_run_tells_the_plan_and_touches_nothing(gateway: GatewayStack, team: Team) -> None:
    document = team.document()
    document["spec"]["components"].append(
        {"name": "job", "type": "task", "properties": {"image": "busybox"}, "dependsOn": ["web"]}
    )
    answer = await team.ann.apply(document, query="?dryRun=true")
    assert answer.status == 200
    steps = {step["step"]: step for step in answer.body["steps"]}
    assert steps["job"]["waits_for"] == ["web"]
    assert steps["web"]["objects"][0]["manifest"]["kind"] == "Deployment"
    assert (await team.ann.get(team.path())).status == 404
    assert await Applications(gateway.database).by_name(team.namespace, "shop") is None


async def test_everything_that_is_wrong_is_told_at_once(team: Team) -> None:
    document = team.document(policies=[{"name": "where", "type": "topology", "properties": {"clusters": ["east"]}}])
    document["spec"]["components"] += [
        {"name": "a", "type": "nope"},
        {"name": "b", "type": "worker", "properties": {"image": 7}},
        {"name": "c", "type": "worker", "properties": {"image": "x"}, "dependsOn": ["nobody"]},
    ]
    answer = await team.ann.apply(document)
    assert answer.status == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    paths = [finding["path"] for finding in answer.body["findings"]]
    for component in ("[1].type", "[2].properties.image", "[3].dependsOn[0]"):
        assert f"spec.components{component}" in paths
    assert all(finding["message"] and finding["code"] for finding in answer.body["findings"])


async def test_an_unknown_cluster_names_those_there_are(team: Team) -> None:
    policy = {"name": "where", "type": "topology", "properties": {"clusters": ["nowhere"]}}
    answer = await team.ann.apply(team.document(policies=[policy]))
    assert (answer.status, codes(answer)) == (422, {"UnknownCluster"})
    assert "east, west" in answer.body["findings"][0]["remedy"]


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"a: [", {}, 400, "DocumentUnreadable"),
        (b"\xff\xfe", {}, 400, "DocumentUnreadable"),
        (b"", {}, 400, "DocumentUnreadable"),
        (b"- a\n", {}, 400, "DocumentUnreadable"),
        (b"x" * (1024 * 1024 + 1), {}, 413, "TooLarge"),
        (b"{}", {"Content-Type": "application/x-www-form-urlencoded"}, 415, "UnsupportedMediaType"),
        (b"{}", {"Content-Encoding": "gzip"}, 415, "UnsupportedMediaType"),
        (b"{}", {}, 422, "DocumentInvalid"),
        (b"{}", {"If-Match": "3"}, 400, "PreconditionInvalid"),
    ],
)
async def test_what_is_no_document_is_refused(
    team: Team, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await team.ann.apply(body, headers=headers)
    assert (answer.status, answer.body["code"], answer.body["status"]) == (status, code, status)


async def test_secret_values_are_nowhere_but_sealed(gateway: GatewayStack, team: Team) -> None:
    canary = "canary-5d41402abc4b"
    encoded = base64.b64encode(canary.encode()).decode()
    secret: dict[str, Any] = {"name": "cred", "mountPath": "/cred", "stringData": {"a": canary}, "data": {"b": encoded}}
    document = team.document(
        policies=[{"name": "both", "type": "topology", "properties": {"clusters": ["east", "west"]}}]
    )
    document["spec"]["components"][0]["traits"] = [{"type": "storage", "properties": {"secret": [secret]}}]
    plan = await team.ann.apply(document, query="?dryRun=true")
    answer = await team.ann.apply(document)
    assert answer.status == 202, answer.text
    broken = json.loads(json.dumps(document))
    broken["spec"]["components"][0]["type"] = "nope"
    refused = await team.ann.apply(broken)
    record = await record_of(gateway, team)
    told = await last_spec(gateway, team)
    for text in (plan.text, answer.text, refused.text, record.model_dump_json(), told.model_dump_json(), gateway.log):
        assert canary not in text
        assert encoded not in text
    sealed_secret = record.document["spec"]["components"][0]["traits"][0]["properties"]["secret"][0]
    for field, key in (("stringData", "a"), ("data", "b")):
        place = Place(Tenant(team.name), Namespace(team.namespace), record.uid, "cred", key)
        for cluster in ("east", "west"):
            text = sealed_secret[field][key]
            assert open_value(text, place, ClusterName(cluster), [gateway.sealing_keys[cluster]]) == canary.encode()
    assert (await team.ann.apply(document)).body["changed"] is False
    secret["stringData"]["a"] = "another"
    assert (await team.ann.apply(document)).body["changed"] is True


async def test_if_match_guards_every_change(team: Team) -> None:
    absent = await team.ann.apply(team.document(), headers={"If-Match": '"1"'})
    assert (absent.status, absent.body["code"]) == (412, "PreconditionFailed")
    created = await team.ann.apply(team.document(), headers={"If-None-Match": "*"})
    assert created.status == 202
    assert (await team.ann.apply(team.document(), headers={"If-None-Match": "*"})).status == 412
    assert (await team.ann.apply(team.document(image="b"), headers={"If-Match": '"1"'})).status == 202
    assert (await team.ann.apply(team.document(image="c"), headers={"If-Match": '"1"'})).status == 412
    assert (await team.ann.call("DELETE", team.path(), headers={"If-Match": '"1"'})).status == 412
    assert (await team.ann.call("DELETE", team.path(), headers={"If-Match": '"2"'})).status == 202


async def test_simultaneous_changes_each_get_a_generation_of_their_own(gateway: GatewayStack, team: Team) -> None:
    answers = await asyncio.gather(*(team.ann.apply(team.document(image=f"nginx:{i}")) for i in range(4)))
    assert [answer.status for answer in answers] == [202] * 4
    generations = sorted(answer.body["application"]["generation"] for answer in answers)
    assert generations == [1, 2, 3, 4]
    assert (await record_of(gateway, team)).generation == 4
    assert len({answer.body["application"]["uid"] for answer in answers}) == 1


async def test_simultaneous_changes_of_one_generation_have_one_winner(team: Team) -> None:
    await team.ann.apply(team.document())
    answers = await asyncio.gather(
        *(team.ann.apply(team.document(image=f"nginx:{i}"), headers={"If-Match": '"1"'}) for i in range(4))
    )
    assert sorted(answer.status for answer in answers) == [202, 412, 412, 412]


async def test_deletion_is_asked_for_once_and_frees_the_name_when_it_is_done(gateway: GatewayStack, team: Team) -> None:
    created = await team.ann.apply(team.document())
    deleted = await team.ann.call("DELETE", team.path())
    assert (deleted.status, deleted.body["changed"], deleted.body["application"]["phase"]) == (202, True, "Deleting")
    assert (await last_spec(gateway, team)).deleted
    again = await team.ann.call("DELETE", team.path())
    assert (again.status, again.body["changed"], again.body["run"]) == (202, False, deleted.body["run"])
    refused = await team.ann.apply(team.document())
    assert (refused.status, refused.body["code"]) == (409, "Deleting")
    uid = AppUid(created.body["application"]["uid"])
    assert await Applications(gateway.database).mark_deleted(uid, 2)
    assert (await team.ann.get(team.path())).status == 404
    assert (await team.ann.call("DELETE", team.path())).status == 404
    anew = await team.ann.apply(team.document())
    assert anew.body["application"]["generation"] == 1
    assert anew.body["application"]["uid"] != uid
    gone = await team.ann.get("/api/v1/applications?phase=Deleted")
    assert [(item["uid"], item["health"]) for item in gone.body["items"]] == [(uid, "Missing")]


async def test_lists_are_paged_in_order_and_complete(team: Team) -> None:
    names = [f"app-{i}" for i in range(5)]
    for name in reversed(names):
        assert (await team.ann.apply(team.document(name))).status == 202
    seen: list[str] = []
    token = ""
    while True:
        page = (await team.ann.get(f"/api/v1/applications?limit=2&continue={token}")).body
        seen += [item["name"] for item in page["items"]]
        if page["continue"] is None:
            break
        assert len(page["items"]) == 2
        token = page["continue"]
    assert seen == names
    await team.ann.call("DELETE", team.path("app-3"))
    deleting = await team.ann.get("/api/v1/applications?phase=Deleting")
    assert [item["name"] for item in deleting.body["items"]] == ["app-3"]
    filtered = await team.ann.get(f"/api/v1/applications?namespace={team.namespace}&phase=Active")
    assert len(filtered.body["items"]) == 4


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=x", "limit=1000", "phase=Nope", "continue=nope", "namespace=Not_one"]
)
async def test_wrong_parameters_are_told(team: Team, query: str) -> None:
    assert (await team.ann.get(f"/api/v1/applications?{query}")).status == 400


async def test_without_a_good_token_there_is_one_and_the_same_answer(gateway: GatewayStack, team: Team) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    expired = await gateway.token(team.name, expires_at=past)
    revoked = await gateway.token(team.name, name="gone")
    await gateway.registry.revoke_token(team.name, "gone")
    for path in ("/api/v1/clusters", "/nowhere", "/api/v1/runs/x"):
        answers = [await gateway.caller(token).get(path) for token in (None, "wrong", expired, revoked)]
        assert {answer.status for answer in answers} == {401}
        assert len({answer.text for answer in answers}) == 1
        assert {answer.headers["WWW-Authenticate"] for answer in answers} == {"Bearer"}


async def test_roles_and_tenants_keep_to_themselves(gateway: GatewayStack, team: Team) -> None:
    run = (await team.ann.apply(team.document())).body["run"]
    viewer = gateway.caller(await gateway.token(team.name, Role.VIEWER))
    assert (await viewer.get(team.path())).status == 200
    forbidden = await viewer.apply(team.document(image="b"))
    assert (forbidden.status, forbidden.body["code"]) == (403, "Forbidden")
    assert (await viewer.call("DELETE", team.path())).status == 403
    other = await gateway.tenant()
    eve = gateway.caller(await gateway.token(other, Role.ADMIN))
    foreign = [
        await eve.apply(team.document()),
        await eve.get(team.path()),
        await eve.call("DELETE", team.path()),
        await eve.get(f"/api/v1/applications?namespace={team.namespace}"),
    ]
    assert [(answer.status, answer.body["code"]) for answer in foreign] == [(403, "NamespaceForbidden")] * 4
    nobodys = await eve.get("/api/v1/applications/nobodys/shop")
    assert nobodys.text.replace("nobodys", team.namespace) == foreign[1].text
    assert (await eve.get(f"/api/v1/runs/{run}")).status == 404
    assert (await eve.get("/api/v1/applications")).body["items"] == []


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("PUT", "/api/v1/clusters", 405),
        ("GET", "/api/v1/applications/x", 404),
        ("GET", "/api/v1/runs/nothing", 404),
        ("GET", "/api/v1/runs/5f0c-1", 404),
        ("GET", "/api/v1/runs/nothing/events", 404),
    ],
)
async def test_what_is_not_there_is_a_problem_document(team: Team, method: str, path: str, status: int) -> None:
    answer = await team.ann.call(method, path)
    assert (answer.status, answer.body["status"], answer.body["instance"]) == (status, status, path)
    assert answer.headers["Content-Type"] == "application/problem+json"


async def test_nothing_is_done_for_a_head(team: Team) -> None:
    run = (await team.ann.apply(team.document())).body["run"]
    assert (await team.ann.call("HEAD", f"/api/v1/runs/{run}/events")).status == 405


async def test_health_and_description_need_no_token(gateway: GatewayStack) -> None:
    nobody = gateway.caller(None)
    for path in ("/healthz", "/readyz", "/metrics", "/openapi.json"):
        assert (await nobody.get(path)).status == 200
    assert (await nobody.get("/openapi.json")).body["openapi"] == "3.1.0"


async def test_clusters_show_signs_of_life(gateway: GatewayStack, team: Team) -> None:
    bus = await gateway.bus.connect("cluster-west")
    for part in ("executor", "observe"):
        beat = AgentBeat.model_validate(
            {
                "cluster": "west",
                "part": part,
                "incarnation": "i-1",
                "kubernetes_version": "v1.36.0",
                "version": "0.1.0",
                "started_at": datetime.now(UTC),
                "at": datetime.now(UTC),
            }
        )
        await bus.publish(subjects.beat(ClusterName("west"), part), beat)

    async def west() -> dict[str, Any]:
        items = (await team.ann.get("/api/v1/clusters")).body["items"]
        found: dict[str, Any] = next(item for item in items if item["name"] == "west")
        return found

    async def reachable() -> bool:
        return bool((await west())["reachable"])

    await until(reachable)
    assert (await west())["kubernetes_version"] == "v1.36.0"
    east = (await team.ann.get("/api/v1/clusters")).body["items"][0]
    assert (east["name"], east["default"], east["reachable"]) == ("east", True, False)


async def test_each_request_is_one_log_line_that_names_tenant_and_actor(gateway: GatewayStack, team: Team) -> None:
    answer = await team.ann.get(team.path("logged"))

    async def of_the_request() -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in gateway.log.splitlines() if line.startswith("{") and line.endswith("}")]
        return [line for line in lines if line.get("request") == answer.headers["X-Request-Id"]]

    mine = await eventually(of_the_request, bool)
    assert [line["event"] for line in mine] == ["request"]
    assert (mine[0]["tenant"], mine[0]["actor"], mine[0]["status"]) == (team.name, "ann", 404)
    metrics = (await gateway.caller(None).get("/metrics")).text
    assert 'route="/api/v1/applications/{namespace}/{app}",status="404"' in metrics
    assert team.namespace not in metrics
