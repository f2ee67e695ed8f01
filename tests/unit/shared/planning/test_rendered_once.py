"""A document that is planned is rendered once, and everything that is wrong with it is told all the same."""

from dataclasses import replace

import pytest

from shared.contracts.identity import AppRef
from shared.contracts.plan import Finding, Plan
from shared.jobtypes.base import Parameters, Registry, RenderContext, Rendering
from shared.jobtypes.builtin import BUILTIN
from shared.planning import DocumentRejected, check_document, plan_document
from tests.support.planning import REGISTRY, UID, Document, component, document, placement

BROKEN = component("bad", "broken")
MISPLACED = component("web", properties={"replicas": "x"})
AT_BROKEN = ("spec.components[0].properties", "CannotRender")
AT_MISPLACED = ("spec.components[1].properties.replicas", "WrongType")


def plan(doc: Document, registry: Registry = REGISTRY) -> Plan:
    ref = AppRef(tenant="acme", namespace="demo", name="shop")
    return plan_document(doc, ref=ref, uid=UID, generation=1, placements=[placement("dev")], registry=registry)


def places(findings: tuple[Finding, ...]) -> set[tuple[str, str]]:
    return {(finding.path, finding.code) for finding in findings}


def test_planned_document_is_rendered_once() -> None:
    rendered: list[str] = []
    app = REGISTRY.job_types["app"]

    def render(context: RenderContext, parameters: Parameters) -> Rendering:
        rendered.append(context.component)
        return app.render(context, parameters)

    plan(document(component("a"), component("b")), Registry.of([replace(app, render=render)], []))

    assert rendered == ["a", "b"]


def test_what_only_rendering_finds_is_told_with_what_the_check_warns_of() -> None:
    doc = document(BROKEN, metadata={"colour": "red"})
    check_document(doc, REGISTRY, plan_follows=True)

    with pytest.raises(DocumentRejected) as refused:
        plan(doc)

    assert places(refused.value.findings) == {AT_BROKEN}
    assert places(refused.value.warnings) == {("metadata.colour", "UnknownKey")}


def test_all_is_told_at_once_where_something_else_is_wrong_already() -> None:
    with pytest.raises(DocumentRejected) as refused:
        check_document(document(BROKEN, MISPLACED), REGISTRY, plan_follows=True)

    assert places(refused.value.findings) == {AT_BROKEN, AT_MISPLACED}


def test_nothing_is_read_for_a_document_that_cannot_be_rendered() -> None:
    copies = component("copies", "ref-objects", properties={"objects": [{"resource": "configmaps", "name": "a"}]})
    registry = Registry.of([REGISTRY.job_types["broken"], BUILTIN.job_types["ref-objects"]], [])

    with pytest.raises(DocumentRejected) as refused:
        check_document(document(BROKEN, copies), registry, plan_follows=True)

    assert places(refused.value.findings) == {AT_BROKEN}
