"""`list`, `status`, `clusters` and `plan` against a stand-in of the API."""

import json
from pathlib import Path

import pytest
import yaml
from aiohttp import web

from shared.contracts.api import ApplicationPage, ClusterPage
from shared.contracts.differences import Change, UnwantedDifference
from shared.contracts.facts import StepProblem
from shared.contracts.identity import ClusterName, ObjectKey, StepId
from shared.contracts.phases import Reason, RunPhase, StepPhase
from shared.contracts.plan import Finding
from shared.contracts.views import PlanClusterView, PlanView
from tests.integration.cli.api import DOCUMENT, Api, Command, frame, problem, text
from tests.unit.cli import views

LIST = "GET /api/v1/applications"
POST = "POST /api/v1/applications"
NOT_FOUND = problem(404, "NotFound", detail="there is no application 'default/shop'")
PLAN = PlanView(tenant="acme", namespace="demo", name="shop", generation=1, steps=())


async def test_list_shows_the_pages_as_one(api: Api, kubemin: Command) -> None:
    first = ApplicationPage(items=(views.summary(name="one"),), continue_="token")
    second = ApplicationPage(items=(views.summary(name="two"),))
    api.on(LIST, first, second)
    result = await kubemin("list", "-n", "demo")
    assert (result.code, result.err) == (0, "")
    assert [line.split()[1] for line in result.out.splitlines()] == ["NAME", "one", "two"]
    assert api.paths() == [
        "/api/v1/applications?limit=200&namespace=demo",
        "/api/v1/applications?limit=200&namespace=demo&continue=token",
    ]
    api.on(LIST, first, second)
    together = json.loads((await kubemin("list", "-o", "json")).out)
    assert [item["name"] for item in together["items"]] == ["one", "two"]
    assert together["continue"] is None


async def test_json_is_exactly_what_the_gateway_sent(api: Api, kubemin: Command) -> None:
    raw = b'{"continue":null,"items":[],  "new-field": "\xc3\xa4"}'
    api.on(LIST, web.Response(body=raw, content_type="application/json"))
    result = await kubemin("list", "-o", "json")
    assert (result.out, result.err) == (raw.decode() + "\n", "")


async def test_status_answers_why_and_names_simulations(api: Api, kubemin: Command) -> None:
    newest = views.run(views.step("web", StepPhase.PENDING, message="0/3 nodes are available"))
    api.on("GET /api/v1/applications/demo/shop", views.application(newest))
    api.on("GET /api/v1/clusters", ClusterPage(items=(views.cluster(simulated=True),)))
    result = await kubemin("status", "shop", "-n", "demo")
    assert result.code == 0
    assert "Why:\n  … web: Pending\n      0/3 nodes are available\n" in result.out
    assert "cluster east (simulation)" in result.out
    assert await kubemin("status", "demo/shop") == result
    tree = await kubemin("status", "shop", "-n", "demo", "--tree")
    assert "└── web webservice  … Pending" in tree.out


async def test_status_finds_the_only_application_of_that_name(api: Api, kubemin: Command) -> None:
    api.on("GET /api/v1/applications/default/shop", NOT_FOUND)
    api.on(LIST, ApplicationPage(items=(views.summary(), views.summary(name="other"))))
    api.on("GET /api/v1/applications/demo/shop", views.application())
    assert json.loads((await kubemin("status", "shop", "-o", "json")).out)["namespace"] == "demo"


async def test_status_does_not_choose_between_several(api: Api, kubemin: Command) -> None:
    api.on("GET /api/v1/applications/default/shop", NOT_FOUND)
    api.on(LIST, ApplicationPage(items=(views.summary(), views.summary(namespace="prod"))))
    result = await kubemin("status", "shop")
    assert result.code == 2
    assert result.err == "kubemin: there is an application 'shop' in each of demo, prod\nSay which with -n.\n"


async def test_status_of_what_is_nowhere_says_so(api: Api, kubemin: Command) -> None:
    api.on("GET /api/v1/applications/default/shop", NOT_FOUND)
    api.on(LIST, ApplicationPage(items=()))
    result = await kubemin("status", "shop")
    assert (result.code, result.out) == (1, "")
    assert "there is no application 'shop' in any of your namespaces" in result.err


@pytest.mark.parametrize("name", ["../clusters", "a?b", "A", "demo/a/b"])
async def test_what_can_be_no_name_is_not_asked_for(api: Api, kubemin: Command, name: str) -> None:
    result = await kubemin("status", name)
    assert result.code == 2
    assert "name" in result.err
    assert api.calls == []


async def test_plan_of_a_good_document_is_accepted(api: Api, kubemin: Command, document: Path) -> None:
    api.on(POST, PLAN)
    result = await kubemin("plan", "-f", str(document))
    assert (result.code, result.err) == (0, "")
    assert "demo/shop  generation 1: 0 steps, 0 objects" in result.out
    assert [(call.path, call.body) for call in api.calls] == [("/api/v1/applications?dryRun=true", DOCUMENT)]


def told(*changes: Change, compared: bool = True, problems: tuple[StepProblem, ...] = ()) -> PlanView:
    """A plan of which one cluster says so."""
    unwanted = tuple(
        UnwantedDifference(
            key=ObjectKey(api_version="v1", kind="ConfigMap", namespace="n", name=f"c{i}"), change=change
        )
        for i, change in enumerate(changes)
    )
    cluster = PlanClusterView(cluster=ClusterName("edge"), compared=compared, problems=problems, unwanted=unwanted)
    return PLAN.model_copy(update={"clusters": (cluster,)})


REFUSED = (StepProblem(step=StepId("web"), reason=Reason.OWNED_BY_OTHER, message="theirs"),)


@pytest.mark.parametrize(
    ("view", "code", "detailed"),
    [
        (told(Change.KEPT), 0, 0),
        (told(Change.DELETED), 0, 3),
        (told(compared=False), 0, 2),
        (told(Change.DELETED, problems=REFUSED), 1, 1),
    ],
    ids=["nothing changes", "something changes", "not all is known", "it would be refused"],
)
async def test_exit_code_of_a_plan(
    api: Api, kubemin: Command, document: Path, view: PlanView, code: int, detailed: int
) -> None:
    api.on(POST, view)
    assert (await kubemin("plan", "-f", str(document))).code == code
    assert (await kubemin("plan", "-f", str(document), "--detailed-exitcode")).code == detailed


async def test_of_several_plans_what_is_refused_outranks_what_changes(
    api: Api, kubemin: Command, document: Path
) -> None:
    for answers in ((told(Change.DELETED), told(problems=REFUSED)), (told(problems=REFUSED), told(Change.DELETED))):
        api.on(POST, *answers)
        result = await kubemin("plan", "-f", str(document), "-f", str(document), "--detailed-exitcode")
        assert result.code == 1


async def test_strict_is_asked_of_the_gateway(api: Api, kubemin: Command, document: Path) -> None:
    finding = Finding(path="spec.colour", code="UnknownKey", message="'colour' is not known here and has no effect")
    refused = problem(422, "DocumentInvalid", finding, title="The document has errors")
    api.on(POST, refused)
    api.on("POST /api/v1/convert", refused)
    for command in ("apply", "plan", "convert"):
        result = await kubemin(command, "-f", str(document), "--strict")
        assert (result.code, result.out) == (1, "")
        assert "spec.colour: 'colour' is not known here" in result.err
    assert api.paths("POST") == [
        "/api/v1/applications?strict=true",
        "/api/v1/applications?dryRun=true&strict=true",
        "/api/v1/convert?strict=true",
    ]


async def test_plan_of_a_bad_document_is_rejected_with_its_lines(api: Api, kubemin: Command, document: Path) -> None:
    finding = Finding(
        path="spec.components[0].type",
        code="UnknownType",
        message="there is no type 'wep'",
        remedy="Did you mean 'web'?",
    )
    api.on(POST, problem(422, "DocumentInvalid", finding, title="The document has errors"))
    result = await kubemin("plan", "-f", str(document))
    assert (result.code, result.out) == (1, "")
    assert result.err.splitlines() == [
        f"{document}: The document has errors",
        f"  {document}:5 spec.components[0].type: there is no type 'wep'",
        "      Did you mean 'web'?",
    ]
    as_json = await kubemin("plan", "-f", str(document), "-o", "json")
    assert as_json.code == 1
    assert json.loads(as_json.out)["findings"][0]["code"] == "UnknownType"


async def test_plan_that_nobody_could_judge_is_neither(api: Api, kubemin: Command, document: Path) -> None:
    api.on(POST, problem(503, "Unavailable", title="Not available at the moment", detail="Try again in a moment."))
    result = await kubemin("plan", "-f", str(document))
    assert (result.code, result.out) == (2, "")
    assert "HTTP 503" in result.err


async def test_plans_of_several_documents_as_yaml_are_one_stream(api: Api, kubemin: Command, tmp_path: Path) -> None:
    both = tmp_path / "both.yaml"
    both.write_text("a: 1\n---\nb: 2\n", encoding="utf-8")
    api.on(POST, PLAN)
    result = await kubemin("plan", "-f", str(both), "-o", "yaml")
    assert [plan["name"] for plan in yaml.safe_load_all(result.out)] == ["shop", "shop"]
    assert [call.body for call in api.calls] == ["a: 1\n", "\n---\nb: 2\n"]


async def test_clusters_tell_simulations(api: Api, kubemin: Command) -> None:
    page = ClusterPage(items=(views.cluster(simulated=True),))
    api.on("GET /api/v1/clusters", page)
    assert "east is a simulation" in (await kubemin("clusters")).out
    assert (await kubemin("clusters", "-o", "json")).out == text(page).decode() + "\n"


async def test_watch_of_a_run_that_ended_shows_how(api: Api, kubemin: Command) -> None:
    view = views.run(views.step("web", StepPhase.FAILED, message="exit 1"), phase=RunPhase.FAILED)
    api.on(f"GET /api/v1/runs/{views.RUN}", view)
    api.streams = [[frame("state", view, 3), frame("end", view.summary(), 3)]]
    result = await kubemin("watch", views.RUN, "-o", "json")
    assert result.code == 1
    assert result.out == text(view).decode() + "\n"
    assert "✗ web: Failed" in result.err
