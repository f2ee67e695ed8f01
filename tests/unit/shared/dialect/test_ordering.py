"""What workflows mean: who waits for whom."""

import pytest

from shared.dialect import convert
from tests.support.dialect import Document, component, document

NAMES = ("aa", "bb", "cc", "dd")


def waits(*steps: Document) -> dict[str, list[str]]:
    """Component → those it waits for, of four components."""
    given = document(*map(component, NAMES), **({"workflow": list(steps)} if steps else {}))
    spec = convert(given).document["spec"]
    return {one["name"]: one.get("dependsOn", []) for one in spec["components"]}


def test_without_a_workflow_components_come_one_after_another() -> None:
    assert waits() == {"aa": [], "bb": ["aa"], "cc": ["bb"], "dd": ["cc"]}


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([{"components": ["bb", "aa"]}], {"aa": ["bb"], "bb": []}),
        ([{"mode": "StepByStep", "components": ["aa", "bb"]}], {"aa": [], "bb": ["aa"]}),
        ([{"mode": "", "components": ["aa"]}, {"components": ["bb"]}], {"aa": [], "bb": ["aa"]}),
        ([{"mode": "DAG", "components": ["aa", "bb"]}], {"aa": [], "bb": []}),
        ([{"mode": "DAG", "components": ["aa"], "properties": {"policies": ["bb"]}}], {"aa": [], "bb": []}),
        (
            [{"mode": "DAG", "components": ["aa", "bb"]}, {"mode": "DAG", "components": ["cc", "dd"]}],
            {"aa": [], "bb": [], "cc": ["aa", "bb"], "dd": ["aa", "bb"]},
        ),
        ([{"name": "aa"}, {"name": "x1", "components": ["BB"]}], {"aa": [], "bb": ["aa"]}),
        ([{"name": "all", "sub_steps": [{"name": "aa"}, {"name": "bb"}]}], {"aa": [], "bb": ["aa"]}),
        ([{"name": "all", "mode": "DAG", "sub_steps": [{"name": "aa"}, {"name": "bb"}]}], {"aa": [], "bb": []}),
        (
            [{"mode": "DAG", "components": ["cc"], "sub_steps": [{"components": ["aa", "bb"]}]}],
            {"aa": ["cc"], "bb": ["cc"], "cc": []},
        ),
        (
            [{"components": ["aa"]}, {"components": ["aa", "bb"]}, {"components": ["aa"]}, {"components": ["cc"]}],
            {"aa": [], "bb": ["aa"], "cc": ["bb"]},
        ),
        ([{"components": ["aa", "aa"]}], {"aa": []}),
    ],
)
def test_workflow_orders_components(steps: list[Document], expected: dict[str, list[str]]) -> None:
    assert waits(*steps) == expected


def test_what_a_component_waits_for_is_told_where_the_workflow_says_it() -> None:
    steps = [{"components": ["aa"]}, {"name": "bb"}, {"components": ["cc"]}]
    paths = convert(document(*map(component, NAMES), workflow=steps)).paths
    assert paths.back("spec.components[1].dependsOn[0]") == "workflow[0].components[0]"
    assert paths.back("spec.components[2].dependsOn[0]") == "workflow[1].name"
