"""Secret values: found in the document, cut to one cluster's part, and never shown."""

import pytest

from shared.contracts import sealed
from shared.contracts.canonical import digest
from shared.planning import MASK, DocumentRejected, check_document, masked_document, plan_view, secret_locations
from shared.planning.trees import at
from tests.support.planning import REGISTRY, base64_of, component, document, holds, planned, sealed_value


def test_each_cluster_gets_only_its_own_part_of_a_sealed_value() -> None:
    value = sealed_value("one", "two")
    plan = planned(document(component("web", "app", holds(secrets={"s": {"p": value}}))), "one", "two")
    assert [(s.cluster, s.step) for s in plan.steps] == [
        ("one", "web=secret=s"),
        ("one", "web"),
        ("two", "web=secret=s"),
        ("two", "web"),
    ]
    for step in plan.steps[::2]:
        (obj,) = step.objects
        read = sealed.read(obj.manifest["stringData"]["p"])
        assert read is not None
        assert set(read.parts) == {step.cluster}
        assert obj.digest == digest(obj.manifest)
    assert plan.steps[1].objects == plan.steps[3].objects


def test_a_value_that_was_not_sealed_for_a_cluster_is_refused() -> None:
    doc = document(component("web", "app", holds(secrets={"s": {"p": sealed_value("one")}})))
    with pytest.raises(DocumentRejected) as caught:
        planned(doc, "one", "two")
    (finding,) = caught.value.findings
    assert (finding.code, finding.path) == ("SealedValueInvalid", "spec.components[0].traits[0].properties.secrets.s")
    assert "'two'" in finding.message


def test_what_merely_looks_sealed_is_left_to_the_executor() -> None:
    plan = planned(document(component("web", "app", holds(secrets={"s": {"p": sealed.PREFIX + "{}"}}))))
    assert plan.steps[0].objects[0].manifest["stringData"] == {"p": sealed.PREFIX + "{}"}


def test_secret_values_are_located_in_the_document() -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "other"},
        "data": {"k": base64_of("v")},
    }
    doc = document(
        component("web", "app", {"type": "refers"}, holds(secrets={"t": {"p": "plain"}})),
        component("raw", "objects", properties={"objects": [secret]}),
    )
    app, _ = check_document(doc, REGISTRY)
    found = secret_locations(app, REGISTRY)
    assert [(f.secret, f.key, f.encoding, f.namespace, at(doc, f.path)) for f in found] == [
        ("t", "p", "plain", "demo", "plain"),
        ("s", "k", "base64", "other", base64_of("v")),
    ]
    masked = masked_document(doc, found)
    assert [at(masked, f.path) for f in found] == [MASK, MASK]
    assert at(doc, found[0].path) == "plain"


def test_a_view_shows_everything_but_secret_values() -> None:
    held = holds(
        secrets={"s": {"p": "canary-one", "q": sealed_value("dev", box="canary-two")}}, configs={"c": {"a": "b"}}
    )
    obj = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "o"}, "data": {"k": base64_of("canary-three")}}
    doc = document(component("web", "app", held), component("raw", "objects", properties={"objects": [obj]}))
    view = plan_view(planned(doc))
    text = view.model_dump_json()
    assert "canary" not in text
    assert base64_of("canary-three") not in text
    by_id = {str(s.step): s for s in view.steps}
    assert by_id["web=secret=s"].objects[0].manifest["stringData"] == {"p": MASK, "q": MASK}
    assert by_id["web=configmap=c"].objects[0].manifest["data"] == {"a": "b"}
    assert by_id["web"].waits_for == ("web=configmap=c", "web=secret=s")
