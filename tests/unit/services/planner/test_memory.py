"""What the planner keeps in memory is bounded, and what fails is left alone for a while."""

from services.planner.caches import Bounded
from services.planner.quarantine import Quarantine


def test_least_recently_used_goes_first_and_the_last_one_always_stays() -> None:
    held: Bounded[str, int] = Bounded(10)
    held.put("a", 1, 4)
    held.put("b", 2, 4)
    assert held.get("a") == 1
    held.put("c", 3, 4)
    assert (held.get("a"), held.get("b"), held.get("c")) == (1, None, 3)
    held.put("huge", 4, 99)
    assert (held.get("a"), held.get("huge")) == (None, 4)
    held.put("a", 5, 1)
    assert (held.get("a"), held.get("huge")) == (5, None)


def test_what_was_taken_out_weighs_nothing() -> None:
    held: Bounded[str, int] = Bounded(10)
    held.put("a", 1, 10)
    assert held.take("a") == 1
    held.put("b", 2, 5)
    held.put("c", 3, 5)
    assert (held.get("b"), held.get("c")) == (2, 3)


def test_pause_doubles_with_each_failure_and_ends_with_a_success() -> None:
    now = [0.0]
    quarantine = Quarantine(lambda: now[0])
    pauses = []
    for _ in range(12):
        assert quarantine.admits("app")
        pauses.append(quarantine.failed("app"))
        assert not quarantine.admits("app")
        assert quarantine.admits("other")
        now[0] += pauses[-1]
    assert pauses[:4] == [1, 2, 4, 8]
    assert pauses[-1] == 300
    quarantine.succeeded("app")
    assert len(quarantine) == 0
    assert quarantine.failed("app") == 1
