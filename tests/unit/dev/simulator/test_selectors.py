import pytest

from dev.simulator import kinds
from dev.simulator.errors import ApiError
from dev.simulator.selectors import label_selector, parse_fields, parse_labels

LABELS = {"app": "web", "tier": "front", "app.oam.dev/name": "shop"}


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("app=web", True),
        ("app==web", True),
        ("app!=web", False),
        ("other!=web", True),
        ("app=web,tier=front", True),
        ("app=web,tier=back", False),
        ("app in (web, db)", True),
        ("app notin (web,db)", False),
        ("other notin (web)", True),
        ("app", True),
        ("!app", False),
        ("!other", True),
        ("app.oam.dev/name=shop,app in (web)", True),
        ("other=", False),
    ],
)
def test_label_selector(text: str, selected: bool) -> None:  # noqa: FBT001 - a parameter of the test
    predicate = parse_labels(text)

    assert predicate is not None
    assert predicate(LABELS) is selected


def test_empty_selector_selects_everything() -> None:
    assert parse_labels("") is None


@pytest.mark.parametrize("text", ["app in web", "=web", "a b", "app=web,,tier=front"])
def test_what_is_no_selector_is_refused(text: str) -> None:
    with pytest.raises(ApiError) as caught:
        parse_labels(text)

    assert caught.value.code == 400


def test_selector_of_a_workload_needs_all_of_its_requirements() -> None:
    expressions = [
        {"key": "tier", "operator": "In", "values": ["front", "back"]},
        {"key": "x", "operator": "DoesNotExist"},
    ]
    predicate = label_selector({"matchLabels": {"app": "web"}, "matchExpressions": expressions})

    assert predicate(LABELS)
    assert not predicate({**LABELS, "x": ""})
    assert not predicate({"tier": "front"})


def test_field_selector_of_events_looks_at_the_involved_object() -> None:
    predicate = parse_fields(kinds.EVENT, "involvedObject.kind=Pod,involvedObject.name!=a")

    assert predicate is not None
    assert predicate({"involvedObject": {"kind": "Pod", "name": "b"}})
    assert not predicate({"involvedObject": {"kind": "Pod", "name": "a"}})


def test_field_that_the_kind_does_not_select_by_is_refused() -> None:
    with pytest.raises(ApiError, match=r'"spec.replicas" is not a known field selector'):
        parse_fields(kinds.DEPLOYMENT, "spec.replicas=1")
