"""The short form: some seconds of the same inputs each time, and what was found once."""

import json
from pathlib import Path
from random import Random
from typing import Any, Never

import pytest

from tests.fuzz import seeds
from tests.fuzz.campaign import Campaign, TooSlow, unguided
from tests.fuzz.mutation import mutated_document, mutated_text
from tests.fuzz.targets import TARGETS, Target

SHORT_S = 2.0
SHORT_INPUTS = 2000
SEED = 5


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_any_input_is_taken_or_refused(target: Target) -> None:
    campaign = unguided(target, seed=SEED, inputs=SHORT_INPUTS, seconds=SHORT_S)
    assert not campaign.findings, [f"{key}\n{found.traceback}" for key, found in campaign.findings.items()]
    assert campaign.taken > 10


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_every_seed_is_taken_but_for_what_is_hard_on_purpose(target: Target) -> None:
    """Inputs that are all refused at the door would find nothing behind it."""
    given = target.seeds()
    taken = sum(target.feed(raw) for raw in given)
    assert taken >= 0.8 * len(given)


@pytest.mark.parametrize("mutated", [mutated_text, mutated_document], ids=lambda f: f.__name__)
def test_a_seed_makes_the_same_inputs_again(mutated: Any) -> None:
    parts = seeds.pool(seeds.components())

    def made() -> list[bytes]:
        random = Random(SEED)
        return [mutated(raw, parts, random) for raw in parts.inputs]

    first = made()
    assert made() == first
    assert sum(one != raw for one, raw in zip(first, parts.inputs, strict=True)) > len(first) / 2


def broken(feed: Any) -> Target:
    return Target(name="broken", feed=feed, seeds=seeds.components, mutated=mutated_document, share=1)


def test_what_an_input_does_wrong_is_kept_once_with_its_smallest_input(tmp_path: Path) -> None:
    def feed(raw: bytes) -> Never:
        raise ZeroDivisionError(len(raw))

    campaign = Campaign(broken(feed))
    for raw in (b"long", b"x", b"longer"):
        campaign.feed(raw)
    campaign.write(tmp_path)
    (finding,) = json.loads(campaign.figures())["findings"]
    assert finding.startswith("ZeroDivisionError test_fuzz.py:")
    (kept,) = tmp_path.glob("broken-*.input")
    assert kept.read_bytes() == b"x"
    assert "ZeroDivisionError: 1" in kept.with_suffix(".txt").read_text()


def test_input_that_takes_too_long_is_a_finding() -> None:
    campaign = Campaign(broken(lambda _raw: True), hang_s=0)
    campaign.feed(b"x")
    assert [key.split()[0] for key in campaign.findings] == [TooSlow.__name__]
