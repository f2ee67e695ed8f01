"""Reading the catalogue over HTTP."""

from jsonschema import Draft202012Validator

from shared.jobtypes.builtin import BUILTIN
from tests.integration.services.gateway.conftest import Team


async def test_types_are_listed_and_read(team: Team) -> None:
    listed = await team.ann.get("/api/v1/types")
    assert listed.status == 200
    names = {item["name"] for item in listed.body["items"] if item["kind"] == "component"}
    assert names == {entry.name for entry in BUILTIN.job_types.values()}
    view = await team.ann.get("/api/v1/types/store@v1")
    assert (view.status, view.body["name"], view.body["aliases"]) == (200, "statefulset", ["store"])
    entry = BUILTIN.job_types["statefulset"]
    assert view.body["title"] == entry.title
    assert view.body["description"].startswith("A long-running service whose pods have names")
    assert {"apps/v1/StatefulSet", "v1/Service"} <= set(view.body["kinds"])
    done = {one["kind"]: one["words"] for one in view.body["completion"]}
    assert set(done) == set(view.body["kinds"])
    assert "readyReplicas" in done["apps/v1/StatefulSet"]
    assert view.body["parameters"]["title"]
    Draft202012Validator(view.body["parameters"]).validate({"image": "redis:7"})
    assert not Draft202012Validator(view.body["parameters"]).is_valid({})
    for example in view.body["examples"]:
        Draft202012Validator(view.body["parameters"]).validate(example)
    assert view.body["examples"]


async def test_types_of_one_kind(team: Team) -> None:
    listed = await team.ann.get("/api/v1/types?kind=policy")
    assert {item["kind"] for item in listed.body["items"]} == {"policy"}
    assert (await team.ann.get("/api/v1/types/webservice?kind=trait")).status == 404
    assert (await team.ann.get("/api/v1/types?kind=step")).status == 400


async def test_unknown_type_is_not_found(team: Team) -> None:
    answer = await team.ann.get("/api/v1/types/wep")
    assert (answer.status, answer.body["code"], answer.body["detail"]) == (404, "NotFound", "there is no type 'wep'")
    detail = (await team.ann.get("/api/v1/types/webservise")).body["detail"]
    assert detail == "there is no type 'webservise': did you mean 'webservice'?"
