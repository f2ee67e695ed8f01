"""The schemas are JSON Schema 2020-12, and never refuse what the models accept."""

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from shared.catalogue.document import document_schema
from shared.catalogue.entries import Catalogue
from shared.contracts.catalogue import TypeView
from shared.jobtypes.builtin import BUILTIN
from shared.planning import DocumentRejected, check_document
from shared.planning.policies import POLICY_TYPES
from tests.support import drawn, goldens

Document = dict[str, Any]

CATALOGUE = Catalogue(BUILTIN, POLICY_TYPES)
DOCUMENT = Draft202012Validator(document_schema(CATALOGUE))
ENTRIES = [*goldens.entries().values(), *POLICY_TYPES.values()]


def _document(component: Document, *policies: Document) -> Document:
    return {
        "apiVersion": "core.oam.dev/v1beta1",
        "kind": "Application",
        "metadata": {"name": "shop"},
        "spec": {"components": [component], "policies": list(policies)},
    }


@pytest.mark.parametrize("view", CATALOGUE.views, ids=lambda view: f"{view.kind.value}-{view.name}")
def test_schema_of_every_type_is_one_and_takes_its_examples(view: TypeView) -> None:
    Draft202012Validator.check_schema(view.parameters)
    for example in view.examples:
        Draft202012Validator(view.parameters).validate(example)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
@settings(max_examples=25, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(data=st.data())
def test_schema_takes_whatever_the_model_takes(entry: Any, data: st.DataObject) -> None:
    properties = data.draw(drawn.properties(entry.parameters))
    try:
        entry.parameters.model_validate(copy.deepcopy(properties))
    except ValidationError:
        assume(condition=False)
    view = next(v for v in CATALOGUE.views if v.name == entry.name and v.title == entry.title)
    Draft202012Validator(view.parameters).validate(properties)


def test_schema_of_the_document_is_one() -> None:
    Draft202012Validator.check_schema(DOCUMENT.schema)


@pytest.mark.parametrize("path", goldens.paths(), ids=lambda path: path.stem)
def test_document_schema_takes_every_golden_component(path: Any) -> None:
    DOCUMENT.validate(_document(goldens.component_of(path)))


WEB: Document = {"name": "web", "type": "webservice", "properties": {"image": "nginx"}}


@pytest.mark.parametrize(
    ("component", "place"),
    [
        ({"name": "web", "type": "webservice"}, []),
        ({**WEB, "properties": {}}, ["properties"]),
        ({**WEB, "type": "webservis"}, ["type"]),
        ({**WEB, "type": "webservice@v2"}, ["type"]),
        ({**WEB, "properties": {"image": None}}, ["properties", "image"]),
        ({**WEB, "properties": {"image": "a", "ports": [{"port": "80"}]}}, ["properties", "ports", 0, "port"]),
        ({**WEB, "properties": {"image": "a", "cpu": None}}, ["properties", "cpu"]),
        ({**WEB, "type": "webservice@v1", "properties": {"image": 1}}, ["properties", "image"]),
        (
            {**WEB, "traits": [{"type": "scaler", "properties": {"replicas": "2"}}]},
            ["traits", 0, "properties", "replicas"],
        ),
        ({**WEB, "traits": [{"type": "scalar"}]}, ["traits", 0, "type"]),
    ],
)
def test_document_schema_refuses_what_is_wrong_for_the_type(component: Document, place: list[Any]) -> None:
    errors = list(DOCUMENT.iter_errors(_document(component)))
    assert [list(error.absolute_path) for error in errors] == [["spec", "components", 0, *place]]


@pytest.mark.parametrize(
    "document",
    [
        {**_document(WEB), "metadata": {"name": "shop", "namespace": None, "labels": None, "annotations": None}},
        {**_document(WEB), "spec": {"components": [WEB], "policies": None, "workflow": None}},
        _document({**WEB, "traits": None, "dependsOn": None, "inputs": None, "outputs": None}),
        _document({**WEB, "traits": [{"type": "scaler", "properties": None}]}),
        _document({"name": "data", "type": "volume", "properties": None}),
        _document(WEB, {"name": None, "type": "topology", "properties": None}),
    ],
)
def test_document_schema_takes_null_for_what_may_be_left_out_as_the_door_does(document: Document) -> None:
    check_document(copy.deepcopy(document), BUILTIN)
    DOCUMENT.validate(document)


@pytest.mark.parametrize(
    "document",
    [
        {**_document(WEB), "metadata": {"name": None}},
        _document({**WEB, "type": None}),
        _document({**WEB, "properties": None}),
    ],
)
def test_document_schema_refuses_null_for_what_is_required_as_the_door_does(document: Document) -> None:
    with pytest.raises(DocumentRejected):
        check_document(copy.deepcopy(document), BUILTIN)
    assert not DOCUMENT.is_valid(document)


def test_document_schema_knows_the_parameters_of_policies() -> None:
    DOCUMENT.validate(_document(WEB, {"type": "topology", "properties": {"clusters": ["local"]}}))
    assert not DOCUMENT.is_valid(_document(WEB, {"type": "topology", "properties": {"clusters": "local"}}))


def test_unknown_keys_are_allowed_as_they_are_warnings() -> None:
    DOCUMENT.validate(_document({**WEB, "properties": {"image": "a", "imagee": "b"}, "note": 1}))


def test_schemas_are_the_same_every_time() -> None:
    assert document_schema(Catalogue(BUILTIN, POLICY_TYPES)) == DOCUMENT.schema
