"""The order of an application that exists, as a workflow of the dialect."""

from typing import Any

import pytest

from shared.dialect import convert, steps_of, with_workflow
from shared.planning import Application, DocumentRejected
from tests.support.dialect import Document, component, document

ALL = ("a1", "b1", "c1", "d1")


def stored(**waits_for: list[str]) -> Document:
    """An application of four, ordered so."""
    application = convert(document(*map(component, ALL))).document
    for one in application["spec"]["components"]:
        one["dependsOn"] = waits_for.get(one["name"], [])
    return application


def steps(application: Document) -> list[tuple[str, str, list[str]]]:
    found = steps_of(Application.model_validate(application))
    return [(one.name, one.mode, list(one.components)) for one in found]


def waits(application: Document) -> dict[str, list[str]]:
    return {one["name"]: one.get("dependsOn", []) for one in application["spec"]["components"]}


def refused(**body: Any) -> set[tuple[str, str]]:
    with pytest.raises(DocumentRejected) as rejected:
        with_workflow(stored(), body)
    return {(one.code, one.path) for one in rejected.value.findings}


def test_what_comes_one_after_another_and_at_once_are_steps() -> None:
    order = stored(b1=["a1"], c1=["a1"], d1=["b1", "c1"])
    assert steps(order) == [
        ("a1", "StepByStep", ["a1"]),
        ("step-2", "DAG", ["b1", "c1"]),
        ("d1", "StepByStep", ["d1"]),
    ]
    assert steps(stored()) == [("step-1", "DAG", list(ALL))]


def test_what_is_not_named_stays_and_comes_after_what_it_waited_for() -> None:
    before = stored(b1=["a1"], c1=["b1"], d1=["c1"])
    body = {"workflow": [{"components": ["d1"]}, {"name": "c1"}, {"mode": "DAG", "components": ["a1"]}]}
    changed = with_workflow(before, body)
    assert waits(changed.document) == {"a1": ["c1"], "b1": ["a1"], "c1": ["d1"], "d1": []}
    assert [(one.code, one.path) for one in changed.warnings] == [("NotInWorkflow", "workflow")]
    assert "dependsOn" not in changed.document["spec"]["components"][3]
    assert before == stored(b1=["a1"], c1=["b1"], d1=["c1"])
    assert changed.paths.back("spec.components[2].dependsOn[0]") == "workflow[0].components[0]"


def test_name_of_the_workflow_is_the_applications() -> None:
    body = {"name": "shop-workflow", "alias": "mine", "workflow": [{"name": "a1"}]}
    assert ("NoEffect", "alias") in {(one.code, one.path) for one in with_workflow(stored(), body).warnings}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {("MISSING_REQUIRED_FIELD", "workflow")}),
        ({"workflow": []}, {("MISSING_REQUIRED_FIELD", "workflow")}),
        (
            {"workflow": [{"name": "x"}]},
            {("NAME_TOO_SHORT", "workflow[0].name"), ("WORKFLOW_STEP_NO_COMPONENT", "workflow[0]")},
        ),
        ({"workflow": [{"name": "a1"}, {"name": "a1"}]}, {("DUPLICATE_WORKFLOW_STEP", "workflow[1].name")}),
        (
            {"Workflow": [{"subSteps": [{"components": ["gone"]}]}]},
            {("COMPONENT_NOT_FOUND", "Workflow[0].subSteps[0].components[0]")},
        ),
        ({"workflow": {"name": "a1"}}, {("WrongType", "workflow")}),
    ],
)
def test_workflow_is_refused_with_exactly_these_codes_and_places(
    body: Document, expected: set[tuple[str, str]]
) -> None:
    assert refused(**body) == expected
