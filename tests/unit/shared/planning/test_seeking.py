"""Components that are made of objects that live in a cluster: what they seek, and what they are made of it."""

from typing import Any

import pytest

from shared.contracts.desired import CopiedObjects
from shared.contracts.identity import AppRef
from shared.contracts.plan import Manifest, Plan
from shared.jobtypes.builtin import BUILTIN
from shared.planning import DocumentRejected, SoughtAddress, SoughtObjects, check_document, objects_sought
from tests.support.planning import component, document, planned

Document = dict[str, Any]
REFERENCE = {"resource": "deployments", "group": "apps", "name": "front"}


def copying(*objects: Document, **fields: Any) -> Document:
    return component("copies", "ref-objects", properties={"objects": list(objects) or [REFERENCE]}, **fields)


def read(*objects: Manifest, of: str = "copies") -> CopiedObjects:
    return CopiedObjects(component=of, objects=objects)


def deployment(**metadata: Any) -> Manifest:
    pod = {"metadata": {"labels": {"app": "front"}}, "spec": {"containers": [{"name": "front", "image": "nginx:1.27"}]}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "front"}}, "template": pod}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "front"} | metadata, "spec": spec}


def config(name: str = "settings", **metadata: Any) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name} | metadata, "data": {"a": "b"}}


def plan(doc: Document, *clusters: str, copies: list[CopiedObjects]) -> Plan:
    return planned(doc, *clusters, registry=BUILTIN, copies=copies)


def codes(doc: Document, *copies: CopiedObjects) -> list[tuple[str, str]]:
    with pytest.raises(DocumentRejected) as refused:
        plan(doc, copies=list(copies))
    return [(finding.path, finding.code) for finding in refused.value.findings]


def test_what_was_read_is_applied_as_it_is_in_the_applications_namespace() -> None:
    [step] = plan(document(copying()), copies=[read(deployment(), config())]).steps

    first, second = (obj.manifest for obj in step.objects)
    assert first["spec"] == deployment()["spec"]
    assert [m["metadata"]["namespace"] for m in (first, second)] == ["demo", "demo"]
    assert first["metadata"]["labels"]["app.oam.dev/component"] == "copies"
    assert step.objects[0].rule is not None


def test_traits_change_the_first_object() -> None:
    doc = document(copying(traits=[{"type": "scaler", "properties": {"replicas": 3}}]))

    [step] = plan(doc, copies=[read(deployment(), config())]).steps

    assert step.objects[0].manifest["spec"]["replicas"] == 3
    assert step.objects[1].manifest["data"] == {"a": "b"}


def test_same_copies_render_the_same_bytes() -> None:
    doc, copies = document(copying()), [read(deployment(), config())]

    assert plan(doc, copies=copies) == plan(doc, copies=copies)


def test_object_of_the_whole_cluster_gets_no_namespace() -> None:
    [step] = plan(document(copying()), copies=[read(config(namespace=""))]).steps

    assert step.objects[0].key.namespace == ""


def test_objects_go_where_a_policy_puts_them() -> None:
    [step] = plan(document(copying()), "dev/lab", copies=[read(config())]).steps

    assert step.objects[0].key.namespace == "lab"


def test_document_is_checked_before_anything_is_read() -> None:
    app, warnings = check_document(document(copying()), BUILTIN)

    assert warnings == []
    assert [c.type for c in app.spec.components] == ["ref-objects"]


def test_component_whose_objects_were_not_read_is_not_left_out() -> None:
    assert codes(document(copying())) == [("spec.components[0].properties.objects", "ObjectsNotRead")]


def test_component_for_which_nothing_was_found_is_refused() -> None:
    assert codes(document(copying()), read()) == [("spec.components[0].properties.objects", "ReferenceNotFound")]


def test_two_objects_of_one_name_cannot_both_be_copied() -> None:
    assert codes(document(copying()), read(config(), config())) == [
        ("spec.components[0].properties.objects", "ObjectNotUnique")
    ]


@pytest.mark.parametrize(
    ("properties", "path", "code"),
    [
        ({}, "", "Required"),
        ({"urls": [""]}, ".urls[0]", "TooShort"),
        ({"urls": ["https://example.com/a.yaml"] * 11}, ".urls", "TooLong"),
        ({"objects": [{"resource": "Deployments"}]}, ".objects[0].resource", "InvalidFormat"),
        ({"objects": [{"resource": "pods", "namespace": "a.b"}]}, ".objects[0].namespace", "InvalidFormat"),
        ({"objects": [{"resource": "pods", "group": "apps/v1"}]}, ".objects[0].group", "InvalidFormat"),
        ({"objects": [{"resource": "pods", "name": "a", "labelSelector": {}}]}, ".objects[0]", "InvalidValue"),
        ({"objects": [{"resource": "pods", "labelSelector": {"a": "b,c=d"}}]}, ".objects[0].labelSelector.a", ""),
        ({"objects": [{"resource": "pods", "kind": "Pod"}]}, ".objects[0].kind", "UnknownKey"),
        ({"objects": [{"resource": "pods"}] * 101}, ".objects", "TooLong"),
    ],
)
def test_reference_that_is_none_is_told_at_its_place(properties: Document, path: str, code: str) -> None:
    with pytest.raises(DocumentRejected) as refused:
        check_document(document(component("copies", "ref-objects", properties=properties)), BUILTIN)

    [finding] = refused.value.findings
    assert finding.path == f"spec.components[0].properties{path}"
    assert finding.code == code or not code


def test_references_that_policies_bring_are_sought() -> None:
    brought = [{"resource": "configmaps", "name": "settings", "cluster": "west"}]
    override = {
        "type": "override",
        "properties": {"components": [{"name": "copies", "properties": {"objects": brought}}]},
    }
    doc = document(copying(), component("web", "worker", properties={"image": "nginx"}), policies=[override])
    app, _ = check_document(doc, BUILTIN)

    found = objects_sought(app, AppRef(tenant="acme", namespace="demo", name="shop"), BUILTIN)

    [one] = found
    assert isinstance(one, SoughtObjects)
    assert (one.component, one.cluster, one.query.name) == ("copies", "west", "settings")


def test_addresses_are_sought_after_the_objects_of_clusters() -> None:
    url = "https://example.com/a.yaml"
    doc = document(component("copies", "ref-objects", properties={"urls": [url], "objects": [REFERENCE]}))
    app, _ = check_document(doc, BUILTIN)

    _, one = objects_sought(app, AppRef(tenant="acme", namespace="demo", name="shop"), BUILTIN)

    assert isinstance(one, SoughtAddress)
    assert (one.component, one.url) == ("copies", url)
    assert one.finding("Any", "why").path == "spec.components[0].properties.urls[0]"


def test_what_was_fetched_is_told_of_where_the_addresses_are() -> None:
    doc = document(component("copies", "ref-objects", properties={"urls": ["https://example.com/a.yaml"]}))

    assert codes(doc, read(config(), config())) == [("spec.components[0].properties.urls", "ObjectNotUnique")]
