"""Deep merge: nobody's value is lost unseen, and the order of what does not contradict does not matter."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.contracts.canonical import canonical_json
from shared.jobtypes.base import RenderError
from shared.jobtypes.merging import merge

Document = dict[str, Any]

scalars = st.booleans() | st.integers(0, 3) | st.sampled_from(["a", "b"])
maps = st.recursive(
    st.dictionaries(st.sampled_from(["x", "y", "z"]), scalars, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from(["x", "y", "z"]), inner | scalars, max_size=3),
    max_leaves=6,
)


def merged(*patches: Document) -> Document | str:
    """The result, or where two contradict each other."""
    result: Document = {}
    try:
        for patch in patches:
            merge(result, patch)
    except RenderError as refused:
        return refused.code
    return result


@given(maps, maps)
def test_order_of_patches_does_not_matter_to_maps(one: Document, other: Document) -> None:
    there, back = merged(one, other), merged(other, one)
    assert canonical_json(there) == canonical_json(back)


@given(maps, maps)
def test_every_value_is_there_afterwards_or_it_is_a_conflict(one: Document, other: Document) -> None:
    before = copy.deepcopy((one, other))
    result = merged(one, other)
    assert (one, other) == before
    if not isinstance(result, str):
        assert merged(result, one) == merged(result, other) == result


@pytest.mark.parametrize(
    ("old", "new", "result"),
    [
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        (
            {"env": [{"name": "a", "value": "1"}]},
            {"env": [{"name": "b"}, {"name": "a", "value": "1"}]},
            {"env": [{"name": "a", "value": "1"}, {"name": "b"}]},
        ),
        (
            {"hostAliases": [{"ip": "1", "hostnames": ["a"]}]},
            {"hostAliases": [{"ip": "1", "hostnames": ["a", "b"]}]},
            {"hostAliases": [{"ip": "1", "hostnames": ["a", "b"]}]},
        ),
        (
            {"tolerations": [{"key": "a"}]},
            {"tolerations": [{"key": "b"}]},
            {"tolerations": [{"key": "a"}, {"key": "b"}]},
        ),
        ({"list": [{"a": 1}]}, {"list": [{"b": 2}, {"c": 3}]}, {"list": [{"a": 1, "b": 2}, {"c": 3}]}),
    ],
)
def test_lists_merge_by_key_as_sets_or_by_index(old: Document, new: Document, result: Document) -> None:
    assert merged(old, new) == result


@pytest.mark.parametrize(
    ("old", "new", "against"),
    [
        ({"a": 1}, {"a": 2}, "a"),
        ({"a": 1}, {"a": True}, "a"),
        ({"a": {"b.c": 1}}, {"a": {"b.c": {}}}, 'a.["b.c"]'),
        ({"list": [1, 2]}, {"list": [1, 3]}, "list[1]"),
        (
            {"volumes": [{"name": "a", "emptyDir": {}}, {"name": "b", "x": 1}]},
            {"volumes": [{"name": "b", "x": 2}]},
            "volumes[1].x",
        ),
    ],
)
def test_conflict_names_its_place(old: Document, new: Document, against: str) -> None:
    with pytest.raises(RenderError) as refused:
        merge(old, new, path="here")
    assert (refused.value.path, refused.value.code, refused.value.against) == ("here", "Conflict", against)
