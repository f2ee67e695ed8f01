"""The order of overrides decides what lies on top, always in the same way, and nothing where they do not meet."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts.canonical import canonical_json
from shared.planning.policies.override import merged
from tests.support.planning import Document, component, document, planned

scalars = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from(["a", ""])
values = st.recursive(
    scalars | st.lists(scalars, max_size=2),
    lambda inner: st.dictionaries(st.sampled_from(["x", "y", "z"]), inner, max_size=3),
    max_leaves=8,
)
maps = st.dictionaries(st.sampled_from(["x", "y", "z"]), values, max_size=3)
NAMES = ("a", "b", "c")
Laid = tuple[str, str, list[int]]
"""A component's name, image and volumes."""
images = st.sampled_from(["one", "two", "three"])
overrides = st.lists(
    st.tuples(st.sampled_from(NAMES), images, st.lists(st.integers(1, 3), max_size=2)), min_size=1, max_size=5
)


@given(maps, maps, maps)
def test_maps_may_be_laid_together_before_or_after(base: Document, one: Document, other: Document) -> None:
    if _same_forms(one, other):
        assert merged(merged(base, one), other) == merged(base, merged(one, other))
    assert merged(merged(base, one), one) == merged(base, one)


def _same_forms(one: Any, other: Any) -> bool:
    """Whether no map of one meets anything else in the other: a map on a scalar hides what lies beneath."""
    if isinstance(one, dict) and isinstance(other, dict):
        return all(_same_forms(one[key], other[key]) for key in one.keys() & other.keys())
    return not isinstance(one, dict) and not isinstance(other, dict)


@settings(deadline=None)
@given(overrides, st.randoms(use_true_random=False))
def test_only_the_order_of_overrides_of_one_component_counts(given_: list[Laid], random: Any) -> None:
    shuffled = given_[:]
    random.shuffle(shuffled)
    # Of one component in their order again, at the places where some of it stand now.
    queues = {name: [one for one in given_ if one[0] == name] for name in NAMES}
    shuffled = [queues[name].pop(0) for name, _, _ in shuffled]
    assert _bytes(shuffled) == _bytes(given_)


def test_the_last_override_of_a_component_lies_on_top() -> None:
    given_: list[Laid] = [("a", "one", []), ("a", "two", [])]
    assert _bytes(given_) != _bytes(given_[::-1])


def _bytes(given_: list[Laid]) -> bytes:
    """What is planned with one policy for each override, whose names are none of the plan's business."""
    policies = [
        {"type": "override", "properties": {"components": [_override(name, image, sizes)]}}
        for name, image, sizes in given_
    ]
    plan = planned(document(*map(component, NAMES), policies=policies))
    return canonical_json([[obj.manifest for obj in step.objects] for step in plan.steps])


def _override(name: str, image: str, sizes: list[int]) -> Document:
    traits = [{"type": "holds", "properties": {"volumes": [f"v{size}"]}} for size in sizes]
    return {"name": name, "properties": {"image": image}, "traits": traits}
