"""Signs of life are as old as our own clock says."""

from datetime import UTC, datetime
from typing import Literal

from services.planner.domain.beats import Beats
from shared.contracts.facts import BEAT_STALE_AFTER_S, AgentBeat
from tests.unit.services.planner.trace import HERE

AN_HOUR_S = 3600.0


def beat(part: Literal["executor", "observe"]) -> AgentBeat:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    return AgentBeat(
        cluster=HERE, part=part, incarnation="k", kubernetes_version="v1", version="0", started_at=at, at=at
    )


def heard(beats: Beats, now: float, *, kept_s: float) -> None:
    for part in ("executor", "observe"):
        beats.hear(beat(part), now, kept_s=kept_s)


def test_beat_that_the_bus_has_kept_for_long_is_no_sign_of_life() -> None:
    beats = Beats(started_at=0)
    heard(beats, 100, kept_s=60)
    assert not beats.alive(HERE, 100)


def test_cluster_is_alive_while_it_beats_although_the_clock_of_the_bus_is_behind_ours() -> None:
    beats = Beats(started_at=0)
    for now in (100, 105):
        heard(beats, now, kept_s=AN_HOUR_S)
    assert beats.alive(HERE, 105 + BEAT_STALE_AFTER_S)
    assert not beats.alive(HERE, 106 + BEAT_STALE_AFTER_S)


def test_what_was_kept_is_not_taken_for_new_when_the_reading_begins_again() -> None:
    beats = Beats(started_at=0)
    for now in (100, 105):
        heard(beats, now, kept_s=0)
    beats.begin()
    heard(beats, 200, kept_s=60)
    assert not beats.alive(HERE, 200)
