"""What is ours of an object: who changes it takes it from us, what is left to others does not count."""

import json
from typing import Any

import pytest

from shared.contracts.annotations import ANNOTATION_KEPT
from shared.contracts.managed import applied_fields, kept_paths, kept_text, less

Object = dict[str, Any]
MANAGER = "kubemin:a1"
CONTAINER = 'k:{"name":"web"}'


def deployment(fields: Object | None, *kept: str, manager: str = MANAGER, **entry: Any) -> Object:
    managed = {"manager": manager, "operation": "Apply", "fieldsV1": fields, **entry}
    return {
        "metadata": {
            "annotations": {ANNOTATION_KEPT: kept_text(kept)} if kept else {},
            "managedFields": [] if fields is None else [managed],
        },
        "spec": {
            "replicas": 3,
            "template": {"spec": {"containers": [{"name": "side"}, {"name": "web", "image": "web:1"}]}},
        },
    }


def owned(*, replicas: bool = True, image: bool = True) -> Object:
    container: Object = {".": {}, "f:name": {}} | ({"f:image": {}} if image else {})
    spec: Object = {"f:template": {"f:spec": {"f:containers": {CONTAINER: container}}}}
    return {"f:spec": spec | ({"f:replicas": {}} if replicas else {})}


def of(fields: Object | None, *kept: str, **more: Any) -> str:
    return applied_fields(deployment(fields, *kept, **more), MANAGER)


def test_lost_field_is_told_and_order_is_none() -> None:
    assert of(owned()) == of(dict(reversed(owned().items())))
    assert len({of(owned()), of(owned(replicas=False)), of(owned(image=False))}) == 3


@pytest.mark.parametrize(
    ("path", "lost"),
    [
        ("spec.replicas", {"replicas": False}),
        ("spec.template.spec.containers[1].image", {"image": False}),
        ("spec.template.spec.containers[name=web].image", {"image": False}),
    ],
)
def test_field_that_is_left_to_others_does_not_count(path: str, lost: dict[str, bool]) -> None:
    assert of(owned(), path) == of(owned(**lost), path)
    other = {"image": False} if "replicas" in lost else {"replicas": False}
    assert of(owned(), path) != of(owned(**other), path)


def test_parents_that_hold_nothing_else_go_with_a_field() -> None:
    only: Object = {"f:spec": {"f:replicas": {}}, "f:metadata": {}}
    assert of(only, "spec.replicas") == of({"f:metadata": {}}, "spec.replicas")
    member: Object = {"f:spec": {"f:template": {"f:spec": {"f:containers": {CONTAINER: {".": {}, "f:image": {}}}}}}}
    left: Object = {"f:spec": {"f:template": {"f:spec": {"f:containers": {CONTAINER: {}}}}}}
    path = "spec.template.spec.containers[name=web].image"
    assert of(member, path) == of(left, path)


def test_signatures_of_those_who_share_do_not_count() -> None:
    signed: Object = {"f:metadata": {"f:annotations": {"f:app.oam.dev/shared-by": {}, "f:a": {}}}}
    assert of(signed) == of({"f:metadata": {"f:annotations": {"f:a": {}}}})


@pytest.mark.parametrize(
    "obj",
    [
        deployment(None),
        deployment(owned(), "*"),
        deployment(owned(), manager="kubectl"),
        deployment(owned(), operation="Update"),
        deployment(owned(), subresource="scale"),
    ],
)
def test_nothing_is_told_of_what_is_not_applied_by_us_or_left_alone(obj: Object) -> None:
    assert applied_fields(obj, MANAGER) == ""


@pytest.mark.parametrize("text", ["{", "3", '["a..b"]', ""])
def test_annotation_that_anybody_may_have_written_harms_nobody(text: str) -> None:
    obj = deployment(owned())
    obj["metadata"]["annotations"] = {ANNOTATION_KEPT: text}
    assert kept_paths(obj) == []
    assert applied_fields(obj, MANAGER) == of(owned())


def test_annotation_is_read_back() -> None:
    paths = ["spec.replicas", 'metadata.annotations["a.b/c"]']
    assert kept_paths(deployment(None, *paths)) == paths
    assert json.loads(kept_text(paths)) == paths


def test_part_that_another_tree_lacks() -> None:
    assert less(owned(), owned(image=False)) == {
        "f:spec": {"f:template": {"f:spec": {"f:containers": {CONTAINER: {"f:image": {}}}}}}
    }
    assert less(owned(), owned()) == {}
