"""The description of the API: complete, well-formed, and the same every time."""

import re
from typing import Any

import pytest
from aiohttp import web
from jsonschema import Draft202012Validator
from pydantic import BaseModel, create_model
from pydantic.json_schema import models_json_schema

from services.gateway.web.dialect_routes import DialectRoutes
from services.gateway.web.openapi import joined, openapi
from services.gateway.web.operations import OPERATIONS
from services.gateway.web.routes import Routes
from shared.contracts.api import Problem
from tests.support.records import a_run, a_step


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return own.union(*(references(inner) for inner in value.values()))
    if isinstance(value, list):
        return set().union(*(references(inner) for inner in value))
    return set()


def test_every_operation_is_described_with_its_path_parameters() -> None:
    described = openapi()["paths"]
    for operation in OPERATIONS:
        found = described[operation.path][operation.method.lower()]
        assert found["operationId"] == operation.id
        in_path = {p["name"] for p in found.get("parameters", []) if p["in"] == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", operation.path))


def routed() -> set[tuple[str, str]]:
    """Path and method of everything that the router knows."""
    # What the operations are carried out with is not asked while routes are made.
    parts: Any = dict.fromkeys(
        ("changes", "queries", "streams", "parked", "clusters", "catalogue", "authenticator", "timeouts")
    )
    application = web.Application()
    dialect: Any = dict.fromkeys(("asked", "body_timeout_s"))
    application.add_routes([*DialectRoutes(**dialect).table(), *Routes(**parts).table()])
    return {
        (route.resource.canonical, route.method)
        for route in application.router.routes()
        # Where a path takes every method (*), those that are not described are refused.
        if route.resource is not None and route.method not in ("HEAD", "*")
    }


def test_router_and_description_have_the_same_operations() -> None:
    described = {(path, method.upper()) for path, methods in openapi()["paths"].items() for method in methods}
    assert routed() == described


def modelled(name: str, **fields: Any) -> type[BaseModel]:
    return create_model(name, **fields)


def test_two_models_of_one_name_are_refused() -> None:
    one, other = modelled("Page", number=(int, ...)), modelled("Page", text=(str, ...))
    told = "two models of the API are called Page: give one of them another name"
    apart = [models_json_schema([(model, "validation")])[1]["$defs"] for model in (one, other)]
    with pytest.raises(ValueError, match=told):
        joined(*apart)
    other.__module__ = "elsewhere"
    _, together = models_json_schema([(one, "validation"), (other, "validation")])
    with pytest.raises(ValueError, match=told):
        joined(together["$defs"])
    assert joined(apart[0], apart[0]) == apart[0]


def test_every_reference_leads_somewhere() -> None:
    document = openapi()
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= known


def test_every_schema_is_one() -> None:
    for schema in openapi()["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


def test_what_is_served_fits_what_is_described() -> None:
    document = openapi()
    run = {"$ref": "#/components/schemas/RunView", "components": document["components"]}
    Draft202012Validator(run).validate(a_run(a_step()).model_dump(mode="json"))
    problem = {"$ref": "#/components/schemas/Problem", "components": document["components"]}
    body = Problem(type="urn:x", title="x", status=400, code="X").model_dump(mode="json")
    Draft202012Validator(problem).validate(body)
    assert not Draft202012Validator(problem).is_valid({**body, "status": "x"})


def test_only_the_description_itself_is_public() -> None:
    public = [op.id for op in OPERATIONS if op.permission is None]
    assert public == ["getOpenApi"]


def test_the_description_is_the_same_every_time() -> None:
    assert openapi() == openapi()
