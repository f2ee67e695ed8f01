"""The OpenAPI 3.1 description, made of the models that validate. Source: https://spec.openapis.org/oas/v3.1.0."""

import json
import sys
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from services.gateway.web import problems
from services.gateway.web.dialect_bodies import BODIES
from services.gateway.web.operation import Operation, Parameter
from services.gateway.web.operations import DOCUMENT_TYPES, OPERATIONS
from shared.contracts.api import CancelRequest, Problem
from shared.contracts.dialect import DialectProblem
from shared.contracts.facts import PodsObserved
from shared.contracts.runs import RUN_EVENT
from shared.contracts.views import RunSummary, RunView
from shared.planning import Application

VERSION = "1"
"""Of the HTTP API, as in its paths."""
_REF = "#/components/schemas/{model}"
_ANY_OPERATION = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE)
_EVENTS = """`state`: the run as it is now (RunView). `change`: one thing that happened (RunEvent), in order.
`progress`: the pods of a step (PodsObserved), without an id. `end`: the run has ended (RunSummary); the server closes.
Comments keep the connection alive."""


def openapi() -> dict[str, Any]:
    """Return the description; the same for the same build."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "KubeMin",
            "version": VERSION,
            "summary": "Delivers whole applications to Kubernetes.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _schemas() -> dict[str, Any]:
    answered = {model for op in OPERATIONS for _, _, model in op.answers if model is not None}
    answered |= {op.in_dialect for op in OPERATIONS if op.in_dialect is not None}
    all_models: set[type[BaseModel]] = {*answered, Problem, DialectProblem, RunView, RunSummary, PodsObserved}
    models = sorted(all_models, key=lambda model: model.__name__)
    _, written = models_json_schema([(model, "serialization") for model in models], ref_template=_REF)
    taken: tuple[type[BaseModel], ...] = (Application, CancelRequest, *BODIES)
    _, accepted = models_json_schema([(model, "validation") for model in taken], ref_template=_REF)
    event = RUN_EVENT.json_schema(ref_template=_REF, mode="serialization")
    return joined(accepted["$defs"], event.pop("$defs"), written["$defs"], {"RunEvent": event})


def joined(*groups: Mapping[str, Any]) -> dict[str, Any]:
    """The schemas of all groups by name.

    Raises:
        ValueError: two models have one name. Of two in one group pydantic puts their modules before it, joined by `__`.
    """
    schemas: dict[str, Any] = {}
    for group in groups:
        for name, schema in group.items():
            if "__" in name or schemas.setdefault(name, schema) != schema:
                msg = f"two models of the API are called {schema.get('title', name)}: give one of them another name"
                raise ValueError(msg)
    return dict(sorted(schemas.items()))


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "responses": _responses(operation),
    }
    if operation.parameters:
        described["parameters"] = [_parameter(parameter) for parameter in operation.parameters]
    if operation.document:
        content = {media_type: {"schema": _ref(Application)} for media_type in DOCUMENT_TYPES}
        described["requestBody"] = {
            "required": True,
            "description": "An OAM Application (core.oam.dev/v1beta1) in YAML or JSON, or KubeMin-Cli's JSON dialect.",
            "content": content,
        }
    if operation.body is not None:
        content = {media_type: {"schema": _ref(operation.body)} for media_type in DOCUMENT_TYPES}
        described["requestBody"] = {"required": operation.body_required, "content": content}
    if operation.permission is None:
        described["security"] = []
    return described


def _responses(operation: Operation) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, description, model in operation.answers:
        responses[str(status.value)] = {"description": description, **_content(operation, model)}
    problem = {"content": {problems.MEDIA_TYPE: {"schema": _ref(Problem)}}}
    expected = () if operation.permission is None else (*_ANY_OPERATION, *operation.problems)
    for status in expected:
        responses[str(status.value)] = {"description": status.phrase, **problem}
    if operation.of_dialect and HTTPStatus.NOT_FOUND in expected:
        either = {"anyOf": [_ref(DialectProblem), _ref(Problem)]}
        responses[str(HTTPStatus.NOT_FOUND.value)]["content"] = {problems.MEDIA_TYPE: {"schema": either}}
    return dict(sorted(responses.items()))


def _content(operation: Operation, model: type[BaseModel] | None) -> dict[str, Any]:
    if operation.events:
        return {"content": {"text/event-stream": {"schema": {"type": "string", "description": _EVENTS}}}}
    schema: dict[str, Any] = {"type": "object"} if model is None else _ref(model)
    if operation.in_dialect is not None and model is operation.answers[0][2]:
        schema = {"anyOf": [schema, _ref(operation.in_dialect)]}
    return {"content": {"application/json": {"schema": schema}}}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": parameter.schema}
    if parameter.values:
        schema = {"type": "array", "items": {"type": parameter.schema, "enum": list(parameter.values)}}
    if parameter.one_of:
        schema |= {"enum": list(parameter.one_of)}
    if parameter.maximum is not None:
        schema |= {"minimum": 1, "maximum": parameter.maximum}
    if parameter.minimum is not None:
        schema |= {"minimum": parameter.minimum}
    if parameter.pattern is not None:
        schema |= {"pattern": parameter.pattern}
    return {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "required": parameter.required or parameter.place == "path",
        "schema": schema,
    }


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}


if __name__ == "__main__":
    # `python -m services.gateway.web.openapi` writes the committed copy.
    sys.stdout.write(json.dumps(openapi(), indent=2, sort_keys=True) + "\n")
