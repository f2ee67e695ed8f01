"""Histories of every kept version replay: the same events, and all that the state said then is said now."""

from typing import Any

import pytest

from tests.compatibility import kept
from tests.unit.services.planner.history import HISTORIES, History, replay, replayed, told


@pytest.mark.parametrize(("version", "name"), kept.every(kept.HISTORIES))
def test_kept_history_folds_to_the_same(version: str, name: str) -> None:
    recorded = kept.load(version, kept.HISTORIES, f"{name}.json")
    history = History.model_validate(recorded["history"])
    assert list(replay(history)) == list(history.events)
    assert _within(recorded["state"], told(replayed(history))) == recorded["state"]


def test_every_history_is_kept() -> None:
    missing = {path.stem for path in HISTORIES.glob("*.json")} - set(kept.files(kept.versions()[-1], kept.HISTORIES))
    assert not missing, f"not kept: {', '.join(sorted(missing))}. {kept.how_to_keep()}"


def _within(before: Any, now: Any) -> Any:
    """What is there now, without fields that the state has gained since."""
    if isinstance(before, dict) and isinstance(now, dict):
        return {key: _within(before[key], now[key]) for key in before if key in now}
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        return [_within(*pair) for pair in zip(before, now, strict=True)]
    return now
