from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.simulator.controllers.rollout import Bounds, Revision, bounds, roll


@pytest.mark.parametrize(
    ("desired", "surge", "unavailable", "expected"),
    [
        (4, "25%", "25%", Bounds(4, 1, 1)),
        (1, "25%", "25%", Bounds(1, 1, 0)),
        (3, 0, "10%", Bounds(3, 0, 1)),
        (10, 2, 3, Bounds(10, 2, 3)),
    ],
)
def test_percentages_round_towards_more_pods(
    desired: int, surge: int | str, unavailable: int | str, expected: Bounds
) -> None:
    assert bounds(desired, surge, unavailable) == expected


limits = st.builds(
    bounds,
    st.integers(0, 12),
    st.integers(0, 4),
    st.integers(0, 4),
)


@given(limits, st.lists(st.integers(0, 6), max_size=3), st.data())
def test_rollout_stays_within_its_bounds_and_ends(limit: Bounds, old_sizes: list[int], data: st.DataObject) -> None:
    sizes = {"new": 0, **{f"old{index}": size for index, size in enumerate(old_sizes)}}
    available = dict(sizes)
    start_total, start_available = sum(sizes.values()), sum(available.values())
    for _ in range(200):
        changes = roll(
            _revision("new", sizes, available), [_revision(n, sizes, available) for n in sizes if n != "new"], limit
        )
        for name, size in changes.items():
            sizes[name] = size
            available[name] = min(available[name], size)
        assert sum(sizes.values()) <= max(limit.desired + limit.surge, start_total)
        assert sum(available.values()) >= min(limit.desired - limit.unavailable, start_available)
        waiting = [name for name in sizes if available[name] < sizes[name]]
        if waiting:
            available[data.draw(st.sampled_from(waiting))] += 1
        elif not changes:
            break
    assert sizes == {name: limit.desired if name == "new" else 0 for name in sizes}


def _revision(name: str, sizes: Mapping[str, int], available: Mapping[str, int]) -> Revision:
    return Revision(name, sizes[name], available[name])


def test_replicas_that_serve_nobody_go_first() -> None:
    broken, serving = Revision("broken", 2, 0), Revision("serving", 2, 2)

    assert roll(Revision("new", 2, 0), [broken, serving], Bounds(2, 4, 0)) == {"broken": 0}


def test_new_replicas_that_are_not_available_yet_hold_back_the_old_ones() -> None:
    new, broken = Revision("new", 2, 0), Revision("broken", 3, 0)

    assert roll(new, [broken], Bounds(4, 1, 1)) == {}
