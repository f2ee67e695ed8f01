"""`types` and `explain` against a stand-in of the API that serves the real catalogue."""

import json

from shared.catalogue.entries import Catalogue
from shared.contracts.catalogue import TypeView
from shared.contracts.kinds import TypeKind
from shared.jobtypes.builtin import BUILTIN
from shared.planning.policies import POLICY_TYPES
from tests.integration.cli.api import Api, Command, problem

CATALOGUE = Catalogue(BUILTIN, POLICY_TYPES)


def _view(name: str, kind: TypeKind | None = None) -> TypeView:
    view = CATALOGUE.find(name, kind)
    assert view is not None
    return view


async def test_types_lists_what_documents_can_use(api: Api, kubemin: Command) -> None:
    api.on("GET /api/v1/types", CATALOGUE.page())
    result = await kubemin("types")
    assert (result.code, result.err) == (0, "")
    rows = [line.split() for line in result.out.splitlines()[1:]]
    assert len(rows) == len(CATALOGUE.views)
    assert ["component", "statefulset", "store"] in [row[:3] for row in rows]
    assert "(deprecated: use k8s-objects)" in next(line for line in result.out.splitlines() if " raw " in line)
    assert "(in a later version)" in next(line for line in result.out.splitlines() if " helmchart " in line)


async def test_types_of_one_kind_are_asked_for(api: Api, kubemin: Command) -> None:
    api.on("GET /api/v1/types", CATALOGUE.page(TypeKind.TRAIT))
    result = await kubemin("types", "--kind", "trait", "-o", "json")
    assert {item["kind"] for item in json.loads(result.out)["items"]} == {"trait"}
    assert api.paths() == ["/api/v1/types?kind=trait"]


async def test_explain_shows_a_type_with_its_fields_the_required_ones_first(api: Api, kubemin: Command) -> None:
    api.on("GET /api/v1/types/webservice", _view("webservice"))
    result = await kubemin("explain", "webservice")
    assert (result.code, result.err) == (0, "")
    lines = result.out.splitlines()
    assert lines[0] == "COMPONENT: webservice@v1"
    fields = lines[lines.index("FIELDS:") + 1 :]
    assert fields[:3] == [
        "  image <string> -required-",
        "    Image of the container.",
        "    Must be: not empty",
    ]
    assert "  port <integer> -deprecated-" in fields
    assert "    Default: ClusterIP" in fields
    assert "    One of: ClusterIP, NodePort, LoadBalancer" in fields
    assert any(line.startswith("    apps/v1/Deployment: Done when ") for line in lines)


async def test_explain_follows_a_path_through_lists_and_references(api: Api, kubemin: Command) -> None:
    api.on("GET /api/v1/types/webservice", _view("webservice"))
    result = await kubemin("explain", "webservice.env.valueFrom.secretKeyRef")
    assert "FIELD: secretKeyRef <object>" in result.out.splitlines()
    assert "  key <string> -required-" in result.out.splitlines()
    leaf = await kubemin("explain", "webservice.ports.containerPort")
    assert leaf.out.splitlines() == [
        "COMPONENT: webservice@v1",
        "",
        "FIELD: containerPort <integer>",
        "",
        "DESCRIPTION:",
        "    Number at the container; `port` if left out.",
        "    Must be: at least 1, at most 65535",
    ]


async def test_explain_says_where_a_path_ends_and_what_there_is(api: Api, kubemin: Command) -> None:
    api.on("GET /api/v1/types/webservice", _view("webservice"))
    result = await kubemin("explain", "webservice.ports.prot")
    assert (result.code, result.out) == (2, "")
    assert "webservice.ports has no field 'prot'" in result.err
    assert "There are: containerPort, expose, name, nodePort, port, protocol" in result.err
    assert "no fields of its own" in (await kubemin("explain", "webservice.image.tag")).err


async def test_explain_of_something_that_is_no_path_asks_nobody(api: Api, kubemin: Command) -> None:
    result = await kubemin("explain", "../runs")
    assert result.code == 2
    assert "is no path" in result.err
    assert api.calls == []


async def test_explain_of_an_unknown_type_says_what_the_gateway_says(api: Api, kubemin: Command) -> None:
    api.on("GET /api/v1/types/wep", problem(404, "NotFound", detail="there is no type 'wep'"))
    result = await kubemin("explain", "wep")
    assert result.code == 1
    assert "there is no type 'wep'" in result.err
