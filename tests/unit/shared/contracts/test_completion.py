"""Completion rules: paths into live objects, comparisons, and the logic over them."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.contracts.completion import (
    RULE,
    AllOf,
    AnyOf,
    Compare,
    CompletionRule,
    Condition,
    FieldOperand,
    Not,
    ValueOperand,
    holds,
    operand,
    read_path,
)

CONDITION: TypeAdapter[Compare | AllOf | AnyOf | Not] = TypeAdapter(Condition)
COMPARISONS = ("==", "!=", ">=", ">", "<=", "<")

LIVE: dict[str, Any] = {
    "metadata": {"generation": 2, "annotations": {"kubemin.dev/step": "web", "a.b": {"c": 1}}},
    "spec": {"replicas": 0, "paused": False, "ratio": 0.5},
    "status": {
        "conditions": [
            {"type": "Progressing", "status": "True"},
            {"type": "Available", "status": "False", "reason": "Late"},
            {"type": "Available", "status": "True"},
        ],
        "loadBalancer": {"ingress": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}]},
        "ports": [{"port": 80, "name": "http"}],
        "nothing": None,
    },
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("metadata.generation", 2),
        ("spec.replicas", 0),
        ("status.conditions[type=Available].status", "False"),
        ("status.conditions[type=Available].reason", "Late"),
        ("status.conditions[type=Ready].status", None),
        ("status.ports[port=80].name", "http"),
        ("status.loadBalancer.ingress[0].ip", "10.0.0.1"),
        ("status.loadBalancer.ingress[1].ip", "10.0.0.2"),
        ("status.loadBalancer.ingress[2].ip", None),
        ("status.loadBalancer.ingress[x].ip", None),
        ("status.loadBalancer.ingress[-1].ip", None),
        ('metadata.annotations["kubemin.dev/step"]', "web"),
        ('metadata.annotations["a.b"].c', 1),
        ("metadata.annotations.kubemin", None),
        ("status.nothing", None),
        ("status.nothing.more", None),
        ("spec.replicas.more", None),
        ("spec.replicas[0]", None),
        ("spec[0]", None),
        ("absent.path", None),
    ],
)
def test_path_leads_to_a_value_or_nowhere(path: str, found: object) -> None:
    assert read_path(LIVE, path) == found


@pytest.mark.parametrize("start", [None, 1, "text", [], {}])
def test_path_into_what_is_no_object_leads_nowhere(start: object) -> None:
    assert read_path(start, "status.conditions[type=Ready].status") is None


def test_absent_field_takes_the_default_and_a_falsy_one_does_not() -> None:
    assert operand(FieldOperand(path="spec.replicas", default=1), LIVE) == 0
    assert operand(FieldOperand(path="spec.paused", default=True), LIVE) is False
    assert operand(FieldOperand(path="spec.absent", default=1), LIVE) == 1
    assert operand(FieldOperand(path="status.nothing", default="x"), LIVE) == "x"
    assert operand(ValueOperand(value=3), LIVE) == 3


def _compare(left: Any, comparison: str, right: Any) -> bool:
    raw = {
        "op": "compare",
        "left": {"op": "value", "value": left},
        "comparison": comparison,
        "right": {"op": "value", "value": right},
    }
    return holds(CONDITION.validate_python(raw), {})


@pytest.mark.parametrize(
    ("left", "right"), [(1, "1"), (1, 1.0), (True, 1), (None, 0), (None, False), ("", None), ("True", True)]
)
def test_values_of_different_types_are_unequal_and_in_no_order(left: object, right: object) -> None:
    assert [c for c in COMPARISONS if _compare(left, c, right)] == ["!="]


@given(st.integers(), st.integers())
def test_numbers_compare_as_numbers(left: int, right: int) -> None:
    expected = [left == right, left != right, left >= right, left > right, left <= right, left < right]
    assert [_compare(left, comparison, right) for comparison in COMPARISONS] == expected


@given(st.text(), st.text())
def test_texts_compare_as_texts(left: str, right: str) -> None:
    expected = [left == right, left != right, left >= right, left > right, left <= right, left < right]
    assert [_compare(left, comparison, right) for comparison in COMPARISONS] == expected


@pytest.mark.parametrize("value", [None, True, 1, 0.5, "text"])
def test_value_equals_itself(value: object) -> None:
    assert _compare(value, "==", value)
    assert not _compare(value, "!=", value)


def test_nothing_is_in_no_order_with_nothing() -> None:
    assert [c for c in COMPARISONS if _compare(None, c, None)] == ["=="]


def test_empty_all_holds_and_empty_any_does_not() -> None:
    assert holds(AllOf(of=()), LIVE)
    assert not holds(AnyOf(of=()), LIVE)


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["", "True", "x"])
)
paths = st.sampled_from(
    [
        "spec.replicas",
        "spec.ratio",
        "status.conditions[type=Available].status",
        "status.ports[0].port",
        "status.absent",
        'metadata.annotations["kubemin.dev/step"]',
    ]
)
operands = st.builds(FieldOperand, path=paths, default=scalars) | st.builds(ValueOperand, value=scalars)
compares = st.builds(Compare, left=operands, comparison=st.sampled_from(COMPARISONS), right=operands)
conditions: st.SearchStrategy[Compare | AllOf | AnyOf | Not] = st.recursive(
    compares,
    lambda inner: (
        st.builds(AllOf, of=st.lists(inner, max_size=3).map(tuple))
        | st.builds(AnyOf, of=st.lists(inner, max_size=3).map(tuple))
        | st.builds(Not, of=inner)
    ),
    max_leaves=8,
)
json_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["spec", "status", "conditions", "type", "replicas"]), inner, max_size=3)
    ),
    max_leaves=12,
)
live_objects = st.dictionaries(st.sampled_from(["metadata", "spec", "status"]), json_values)


@given(conditions, live_objects)
def test_condition_is_total_and_changes_nothing(condition: Compare | AllOf | AnyOf | Not, live: dict[str, Any]) -> None:
    before = copy.deepcopy(live)
    assert holds(condition, live) in (True, False)
    assert live == before


@given(conditions, live_objects)
def test_condition_judges_alike_after_its_journey_as_json(
    condition: Compare | AllOf | AnyOf | Not, live: dict[str, Any]
) -> None:
    travelled = CONDITION.validate_json(CONDITION.dump_json(condition))
    assert travelled == condition
    assert holds(travelled, live) == holds(condition, live)


@given(st.lists(conditions, max_size=3), live_objects)
def test_logic_obeys_de_morgan(parts: list[Compare | AllOf | AnyOf | Not], live: dict[str, Any]) -> None:
    none_holds = AllOf(of=tuple(Not(of=part) for part in parts))
    assert holds(Not(of=AnyOf(of=tuple(parts))), live) == holds(none_holds, live)
    not_all = AnyOf(of=tuple(Not(of=part) for part in parts))
    assert holds(Not(of=AllOf(of=tuple(parts))), live) == holds(not_all, live)


@given(conditions, conditions, operands, operands)
def test_rule_survives_its_journey_as_json(
    success: Compare | AllOf | AnyOf | Not,
    failure: Compare | AllOf | AnyOf | Not,
    ready: FieldOperand | ValueOperand,
    desired: FieldOperand | ValueOperand,
) -> None:
    rule = CompletionRule(success=success, failure=failure, ready=ready, desired=desired)
    assert RULE.validate_json(RULE.dump_json(rule)) == rule
    assert RULE.validate_json(RULE.dump_json(rule, exclude_none=True)) == rule, "as an object's annotation has it"


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_value_that_json_cannot_say_is_refused(value: float) -> None:
    with pytest.raises(ValidationError):
        ValueOperand(value=value)


@pytest.mark.parametrize(
    "raw",
    [
        {"op": "matches", "left": {"op": "value", "value": 1}},
        {"op": "compare", "left": {"op": "value", "value": 1}, "comparison": "~", "right": {"op": "value", "value": 1}},
        {"op": "not", "of": []},
        {"op": "field", "path": "spec"},
        {"op": "all", "of": [], "any": []},
    ],
)
def test_what_is_no_condition_is_refused(raw: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CONDITION.validate_python(raw)
