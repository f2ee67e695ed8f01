"""A message has the lowest version that can say the same."""

import json
from datetime import UTC, datetime
from typing import Literal

import pytest
from pydantic import Field

from shared.contracts.envelope import wrap
from shared.contracts.model import Contract
from shared.contracts.versions import since, version_of


class Part(Contract):
    name: str
    colour: str = since(2, "")


class Said(Contract):
    type: Literal["Said"] = "Said"
    parts: tuple[Part, ...]
    by_name: dict[str, Part] = Field(default_factory=dict)
    later: int | None = since(3)


class Brought(Contract):
    SINCE = 2
    type: Literal["Brought"] = "Brought"


PLAIN, RED = Part(name="a"), Part(name="a", colour="red")


@pytest.mark.parametrize(
    ("said", "version"),
    [
        (Said(parts=(PLAIN,)), 1),
        (Said(parts=(PLAIN, RED)), 2),
        (Said(parts=(), by_name={"a": RED}), 2),
        (Said(parts=(RED,), later=0), 3),
        (Brought(), 2),
    ],
)
def test_version_is_the_lowest_that_can_say_it(said: Contract, version: int) -> None:
    assert version_of(said) == version
    envelope = json.loads(wrap(said, id_="1", source="kubemin/test/1", time=datetime(2026, 1, 2, tzinfo=UTC)))
    assert envelope["type"].endswith(f".v{version}")


def test_what_says_nothing_new_is_written_as_before() -> None:
    assert Said(parts=(PLAIN,)).model_dump(mode="json") == {"type": "Said", "parts": [{"name": "a"}], "by_name": {}}
