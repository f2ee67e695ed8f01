import pytest

from cli import durations


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("1.5s", 1.5), ("10m", 600), ("1h", 3600), ("1h30m", 5400), ("1h2m3s", 3723)],
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert durations.parse_s(text) == seconds


@pytest.mark.parametrize("text", ["", "soon", "0", "0s", "-5s", "10 minutes", "m", "1d", "5m1h"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        durations.parse_s(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.42, "0.4s"),
        (1.4, "1s"),
        (59.6, "1m"),
        (200, "3m 20s"),
        (7500, "2h 5m"),
        (349200, "4d 1h"),
        (-3, "0s"),
    ],
)
def test_durations_are_shown_in_the_units_that_matter(seconds: float, text: str) -> None:
    assert durations.text(seconds) == text
