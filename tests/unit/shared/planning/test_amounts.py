"""Amounts that contradict each other and annotations that are too large are refused, each where the document has it."""

from typing import Any

import pytest

from shared.contracts.plan import Finding
from shared.jobtypes.builtin import BUILTIN
from shared.planning import DocumentRejected, check_document
from shared.planning.amounts import wrong_amounts
from tests.support.amounts import MOST_BYTES, REFUSED, TAKEN, Resources, config_map, deployment, notes_of
from tests.support.planning import component, document, planned

Document = dict[str, Any]
OURS_BYTES = 2_000
"""More than we note about an object ourselves."""


def findings(given: Document) -> dict[str, Finding]:
    """By place, beneath the components."""
    try:
        check_document(given, BUILTIN)
    except DocumentRejected as rejected:
        return {one.path.removeprefix("spec.components"): one for one in rejected.findings}
    return {}


def codes(given: Document) -> dict[str, str]:
    return {path: one.code for path, one in findings(given).items()}


def web(properties: Document, *traits: tuple[str, Document], name: str = "web") -> Document:
    given = component(name, "webservice", properties={"image": "x", **properties})
    return {**given, "traits": [{"type": type_, "properties": values} for type_, values in traits]}


def objects(*manifests: Document, name: str = "raw") -> Document:
    named = [{**m, "metadata": {**m["metadata"], "name": f"o{i}"}} for i, m in enumerate(manifests)]
    return component(name, "k8s-objects", properties={"objects": named})


@pytest.mark.parametrize("resources", TAKEN.values(), ids=TAKEN)
def test_what_kubernetes_takes_is_not_refused(resources: Resources) -> None:
    assert not list(wrong_amounts(deployment(resources)))


@pytest.mark.parametrize("resources", REFUSED.values(), ids=REFUSED)
def test_what_kubernetes_refuses_is_refused(resources: Resources) -> None:
    assert list(wrong_amounts(deployment(resources)))


@pytest.mark.parametrize("resources", [{"requests": {"cpu": "1e99"}, "limits": {"cpu": "9E"}}, {"limits": {"cpu": ""}}])
def test_what_is_enormous_or_no_amount_is_left_to_others(resources: Resources) -> None:
    assert not list(wrong_amounts(deployment(resources)))


@pytest.mark.parametrize(
    ("given", "place", "code"),
    [
        (web({"cpu": "500m", "limit": {"cpu": "250m"}}), "properties.cpu", "RequestAboveLimit"),
        (
            web({"memory": "2Gi"}, ("resource", {"requests": {"cpu": 2}, "limits": {"cpu": 1}})),
            "traits[0].properties.requests.cpu",
            "RequestAboveLimit",
        ),
        (
            web({}, ("resource", {"cpu": 2, "memory": "1Gi"}), ("container-resources", {"limits": {"cpu": "1"}})),
            "traits[0].properties.cpu",
            "RequestAboveLimit",
        ),
        (
            web({}, ("container-resources", {"limits": {"nvidia.com/gpu": "0.5"}})),
            'traits[0].properties.limits["nvidia.com/gpu"]',
            "WholeNumberNeeded",
        ),
        (
            objects(
                deployment({"requests": {"cpu": "2"}, "limits": {"cpu": "2"}}),
                deployment({"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}),
            ),
            "properties.objects[1].spec.template.spec.containers[0].resources.requests.cpu",
            "RequestAboveLimit",
        ),
        # The default of the trait is written nowhere.
        (web({}, ("resource", {"requests": {}, "limits": {"cpu": 0.5, "memory": "4Gi"}})), "", "RequestAboveLimit"),
    ],
)
def test_amounts_are_told_where_they_stand(given: Document, place: str, code: str) -> None:
    assert codes(document(given)) == {f"[0].{place}".rstrip("."): code}


def test_all_amounts_are_told_at_once_and_with_other_errors() -> None:
    above = web({}, ("container-resources", {"requests": {"cpu": "2"}, "limits": {"cpu": "1", "a.b/c": "1.5"}}))
    other = web({"image": 1}, name="other")
    assert codes(document(above, other)) == {
        "[0].traits[0].properties.requests.cpu": "RequestAboveLimit",
        '[0].traits[0].properties.limits["a.b/c"]': "WholeNumberNeeded",
        "[1].properties.image": "WrongType",
    }


def test_sentence_names_container_amounts_and_remedy() -> None:
    (told,) = findings(document(web({"cpu": "2", "limit": {"cpu": "1"}}))).values()
    assert told.message == "container 'web' requests 2 of cpu, and its limit is 1"
    assert told.remedy == "Request less, or raise the limit."


def test_what_is_only_read_may_have_any_amounts() -> None:
    doc = document(objects(deployment(REFUSED["above"])))
    rule = {"rules": [{"selector": {"resourceTypes": ["Deployment"]}}]}
    doc["spec"]["policies"] = [{"name": "read", "type": "read-only", "properties": rule}]
    assert not codes(doc)


@pytest.mark.parametrize(
    ("given", "place"),
    [
        (objects(config_map(notes_of(MOST_BYTES + 1))), "properties.objects[0].metadata.annotations.second"),
        (
            objects(deployment(notes=notes_of(MOST_BYTES + 1))),
            "properties.objects[0].spec.template.metadata.annotations.second",
        ),
        (web({"annotations": notes_of(MOST_BYTES + 1)}), "properties.annotations.second"),
        (web({}, ("annotations", notes_of(MOST_BYTES + 1))), "traits[0].properties.second"),
        # The executor's notes count too.
        (objects(config_map(notes_of(MOST_BYTES))), "properties.objects[0].metadata.annotations.second"),
    ],
)
def test_annotations_are_bounded_together(given: Document, place: str) -> None:
    assert codes(document(given)) == {f"[0].{place}": "AnnotationsTooLarge"}


def test_annotations_up_to_the_bound_are_taken() -> None:
    assert not codes(document(web({"annotations": notes_of(MOST_BYTES)})))
    assert not codes(document(objects(config_map(notes_of(MOST_BYTES - OURS_BYTES)))))


def test_annotations_that_every_object_inherits_are_told_once() -> None:
    doc = document(web({}), web({}, name="other"), metadata={"annotations": notes_of(MOST_BYTES + 1)})
    assert codes(doc) == {"metadata.annotations": "AnnotationsTooLarge"}


def test_inherited_annotations_count_with_those_of_the_object() -> None:
    notes = {"inherited": "x" * (MOST_BYTES // 2 + 1)}
    own = objects(config_map({"own": "x" * (MOST_BYTES // 2)}))
    with pytest.raises(DocumentRejected) as caught:
        planned(document(own, metadata={"annotations": notes}), registry=BUILTIN)
    (told,) = caught.value.findings
    assert (told.path, told.code) == ("metadata.annotations.inherited", "AnnotationsTooLarge")
