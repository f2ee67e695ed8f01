"""What was meant: the nearest of few names and of thousands."""

import pytest

from shared.planning.dependencies import Outline, check_dependencies
from shared.planning.findings import MAX_FINDINGS, did_you_mean, nearest

MANY = [f"component-{i}" for i in range(5000)]


@pytest.mark.parametrize(
    ("word", "meant"), [("componemt-4711", "component-4711"), ("Component4711", "component-4711"), ("xyz", "")]
)
def test_the_nearest_of_thousands_is_found(word: str, meant: str) -> None:
    assert nearest(word, MANY) == meant


@pytest.mark.parametrize(
    ("known", "remedy"), [((), ""), (("web", "api"), "There are: api, web."), (MANY, "")], ids=["none", "few", "many"]
)
def test_what_there_is_is_listed_while_people_can_read_it(known: list[str], remedy: str) -> None:
    assert did_you_mean("xyz", known) == remedy


def test_no_more_is_looked_for_than_is_told() -> None:
    nobody = tuple(f"componemt-{i}" for i in range(2 * MAX_FINDINGS))
    outlines = [Outline(path=name, name=name, depends_on=nobody) for name in ("a", "b")]
    assert len(check_dependencies(outlines)) == MAX_FINDINGS + 1
