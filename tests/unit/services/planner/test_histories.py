"""Committed histories replay to the same events."""

import pytest

from tests.unit.services.planner.history import HISTORIES, History, replay


@pytest.mark.parametrize("name", sorted(path.stem for path in HISTORIES.glob("*.json")))
def test_history_replays_to_the_same_events(name: str) -> None:
    history = History.model_validate_json((HISTORIES / f"{name}.json").read_bytes())
    assert list(replay(history)) == list(history.events)


def test_there_are_histories() -> None:
    assert len(list(HISTORIES.glob("*.json"))) >= 3
