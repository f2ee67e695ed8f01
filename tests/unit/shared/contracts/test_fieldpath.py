"""Paths to fields: how they are written, and what is read, written and removed by them."""

from typing import Any

import pytest

from shared.contracts import fieldpath
from shared.contracts.fieldpath import MISSING, Element, covers, parse


@pytest.mark.parametrize(
    ("text", "elements"),
    [
        ("spec.replicas", ("spec", "replicas")),
        ("spec.containers[0].image", ("spec", "containers", 0, "image")),
        ('metadata.annotations["a.b/c"]', ("metadata", "annotations", "a.b/c")),
        ("metadata.annotations['a.b/c']", ("metadata", "annotations", "a.b/c")),
        ("metadata.annotations[a.b/c]", ("metadata", "annotations", "a.b/c")),
        ("containers[name=web].image", ("containers", ("name", "web"), "image")),
        ("a[0][1]", ("a", 0, 1)),
    ],
)
def test_paths_are_taken_apart(text: str, elements: tuple[Element, ...]) -> None:
    assert parse(text) == elements


@pytest.mark.parametrize("text", ["", ".", "a..b", ".a", "a.", "a[", "a[]", "a b", "a[*]", "*", "a[0]b", 'a["b]'])
def test_what_is_no_path_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no path"):
        parse(text)


def an_object() -> dict[str, Any]:
    return {"spec": {"replicas": None, "containers": [{"name": "web", "image": "1"}, {"name": "side", "image": "2"}]}}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("spec.replicas", None),
        ("spec.containers[1].image", "2"),
        ("spec.containers[name=side].image", "2"),
        ("spec.containers[2].image", MISSING),
        ("spec.containers[name=other].image", MISSING),
        ("spec.containers.image", MISSING),
        ("spec[0]", MISSING),
        ("status.ready", MISSING),
    ],
)
def test_fields_are_read(path: str, value: Any) -> None:
    assert fieldpath.read(an_object(), parse(path)) == value


def test_fields_are_written_and_removed_in_place() -> None:
    obj = an_object()
    fieldpath.write(obj, parse("spec.containers[name=side].image"), "3")
    fieldpath.write(obj, parse("status.ready.now"), 1)
    fieldpath.write(obj, parse("spec.containers[7].image"), "lost")
    fieldpath.write(obj, parse("spec.containers[0]"), {"name": "new"})
    fieldpath.remove(obj, parse("spec.replicas"))
    fieldpath.remove(obj, parse("spec.nothing.there"))
    assert obj == {
        "spec": {"containers": [{"name": "new"}, {"name": "side", "image": "3"}]},
        "status": {"ready": {"now": 1}},
    }
    fieldpath.remove(obj, parse("spec.containers[name=new]"))
    assert [c["name"] for c in obj["spec"]["containers"]] == ["side"]


@pytest.mark.parametrize(
    ("live", "wanted", "same"),
    [
        ({"a": 1, "defaulted": 2}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([{"a": 1, "x": 0}], [{"a": 1}], True),
        ([1, 2], [1], False),
        ("1", 1, False),
        (MISSING, 1, False),
    ],
)
def test_what_a_server_fills_in_is_no_difference(live: Any, wanted: Any, same: bool) -> None:  # noqa: FBT001  # a parameter
    assert covers(live, wanted) is same
