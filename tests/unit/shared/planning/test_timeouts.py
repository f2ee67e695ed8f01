import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.planning.timeouts import LONGEST_S, duration_s


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("10m", 600),
        ("1h30m", 5400),
        ("1.5h", 5400),
        (".5s", 0.5),
        ("1.s", 1),
        ("100ms", 0.1),
        ("1m1ms", 60.001),
        ("2us", 2e-6),
        ("2µs", 2e-6),
        ("1h1h", 7200),
    ],
)
def test_durations_read_as_go_reads_them(text: str, seconds: float) -> None:
    assert duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "10", "1d", "1min", "-1s", "+1s", "1 h", "1h 30m", "s", ".s", "1e3s", "٣s", "0s", "8785h", "1h" * 99]
)
def test_what_go_or_reason_refuses_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|more than 0"):
        duration_s(text)


@given(st.text(max_size=30))
def test_any_text_is_a_duration_within_bounds_or_refused(text: str) -> None:
    try:
        seconds = duration_s(text)
    except ValueError:
        return
    assert 0 < seconds <= LONGEST_S
