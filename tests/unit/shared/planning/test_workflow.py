"""What a workflow is told of: its steps are checked, though they are not carried out yet."""

from typing import Any

import pytest

from shared.contracts.plan import Finding
from shared.planning import DocumentRejected, check_document
from shared.planning.findings import MAX_FINDINGS
from tests.support.planning import REGISTRY, Document, component, document, planned, steps

STEPS = "spec.workflow.steps"
DEPLOY = {"name": "all", "type": "deploy"}


def of(workflow: Any) -> Document:
    return document(component("web"), component("api", dependsOn=["web"]), workflow=workflow)


def findings(*given: Any, **workflow: Any) -> list[Finding]:
    with pytest.raises(DocumentRejected) as caught:
        check_document(of({"steps": list(given), **workflow}), REGISTRY)
    return list(caught.value.findings)


def besides(*given: Any, **workflow: Any) -> set[tuple[str, str]]:
    """What is told beside the sentence that steps are not supported."""
    told = [(finding.path, finding.code) for finding in findings(*given, **workflow)]
    told.remove(("spec.workflow", "Unsupported"))
    return set(told)


@pytest.mark.parametrize("workflow", [None, {}, {"steps": []}, {"steps": None}, {"ref": ""}])
def test_without_steps_it_is_the_default_workflow(workflow: Any) -> None:
    _, warnings = check_document(of(workflow), REGISTRY)
    assert warnings == []
    plan = planned(of(workflow))
    assert [(step.component, step.depends_on) for step in steps(plan).values()] == [
        (step.component, step.depends_on) for step in steps(planned(of(None))).values()
    ]


def test_a_mode_has_no_effect_without_steps() -> None:
    _, (warning,) = check_document(of({"mode": {"steps": "DAG"}}), REGISTRY)
    assert (warning.path, warning.code) == ("spec.workflow.mode", "NoEffect")
    with pytest.raises(DocumentRejected) as caught:
        check_document(of({"mode": {"steps": "Both"}}), REGISTRY)
    assert [(one.path, one.code) for one in caught.value.findings] == [("spec.workflow.mode.steps", "NotAllowed")]


def test_steps_that_are_right_are_told_one_sentence() -> None:
    group = {
        "type": "step-group@v1",
        "mode": "DAG",
        "subSteps": [{"name": "a", "type": "suspend", "timeout": "1h30m"}, {"type": "webhook", "dependsOn": ["a"]}],
    }
    given = [
        {**DEPLOY, "if": "always", "outputs": [{"name": "x", "valueFrom": "output.y"}], "meta": {"alias": "All"}},
        {"type": "apply-component", "properties": {"component": "web"}, "inputs": [{"from": "x"}]},
        {"type": "suspend", "dependsOn": ["all", "web", "step-1", "step-3", "step-3-1"]},
        group,
    ]
    assert besides(*given) == set()


def test_a_reference_is_told_the_same_sentence() -> None:
    assert besides(ref="mine", steps=[]) == set()
    assert besides(DEPLOY, ref="mine") == {("spec.workflow.ref", "InvalidValue")}


@pytest.mark.parametrize(
    ("step", "at", "code"),
    [
        ({}, ".type", "Required"),
        ({"type": "deplot"}, ".type", "UnknownStepType"),
        ({"name": "all", "type": "deploy"}, ".name", "DuplicateStep"),
        (
            {"type": "step-group", "subSteps": [{"name": "all", "type": "suspend"}]},
            ".subSteps[0].name",
            "DuplicateStep",
        ),
        ({"type": "deploy", "timeout": "1d"}, ".timeout", "InvalidDuration"),
        ({"type": "deploy", "timeout": 90}, ".timeout", "WrongType"),
        ({"type": "deploy", "dependsOn": ["al"]}, ".dependsOn[0]", "UnknownStep"),
        ({"type": "deploy", "if": True}, ".if", "WrongType"),
        ({"type": "deploy", "inputs": [{}]}, ".inputs[0].from", "Required"),
        ({"type": "deploy", "outputs": [{"name": "x"}]}, ".outputs[0].valueFrom", "Required"),
        ({"type": "step-group", "mode": "dag"}, ".mode", "NotAllowed"),
        ({"type": "step-group", "subSteps": [{}]}, ".subSteps[0].type", "Required"),
        ({"type": "step-group", "subSteps": [{}, {"type": "x"}]}, ".subSteps[1].type", "UnknownStepType"),
        (
            {"type": "step-group", "subSteps": [{"type": "suspend", "timeout": "x"}]},
            ".subSteps[0].timeout",
            "InvalidDuration",
        ),
        ({"type": "step-group", "subSteps": [{"type": "step-group"}]}, ".subSteps[0].type", "NotAllowed"),
    ],
)
def test_every_mistake_of_a_step_is_told_besides(step: dict[str, Any], at: str, code: str) -> None:
    assert (f"{STEPS}[1]{at}", code) in besides(DEPLOY, step)


@pytest.mark.parametrize(
    ("step", "remedy"),
    [
        ({"type": "deplot"}, "Did you mean 'deploy'?"),
        ({"type": "deploy", "dependsOn": ["al"]}, "Did you mean 'all'?"),
        ({"type": "step-group", "mode": "dag"}, "Did you mean 'DAG'?"),
    ],
)
def test_remedies_name_what_was_meant(step: dict[str, Any], remedy: str) -> None:
    assert remedy in [finding.remedy for finding in findings(DEPLOY, step)]


def test_what_only_a_group_has_is_warned_of() -> None:
    with pytest.raises(DocumentRejected) as caught:
        check_document(of({"steps": [{**DEPLOY, "mode": "DAG", "subSteps": [DEPLOY], "subStep": []}]}), REGISTRY)
    assert {(one.path, one.code) for one in caught.value.warnings} == {
        (f"{STEPS}[0].mode", "NoEffect"),
        (f"{STEPS}[0].subSteps", "NoEffect"),
        (f"{STEPS}[0].subStep", "UnknownKey"),
    }


def test_countless_mistakes_get_an_answer_that_can_be_read() -> None:
    many = [{"type": "deplot", "dependsOn": [f"step-{i}-x" for i in range(20)]} for _ in range(1000)]
    assert len(findings(*many)) == MAX_FINDINGS + 1
