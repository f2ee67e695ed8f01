"""Durations as people write them: `90`, `90s`, `10m`, `1h30m`."""

import re

_PARTS = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?")


def parse_s(text: str) -> float:
    """Return the seconds; raises ValueError."""
    found = _PARTS.fullmatch(text.strip())
    if found is None or not any(found.groups()):
        raise ValueError(f"{text!r} is no duration; write it as in 90s, 10m or 1h30m")
    hours, minutes, seconds = (float(part or 0) for part in found.groups())
    total_s = hours * 3600 + minutes * 60 + seconds
    if not total_s:
        raise ValueError("a duration must be longer than nothing")
    return total_s


def text(seconds: float) -> str:
    """Return a duration in the one or two units that matter: `0.4s`, `4s`, `3m 20s`, `2h 5m`, `4d 1h`."""
    if 0 < seconds < 0.95:
        return f"{max(0.1, seconds):.1f}s"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    for unit_s, unit, minor_s, minor in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= unit_s:
            major, rest = whole // unit_s, whole % unit_s // minor_s
            return f"{major}{unit} {rest}{minor}" if rest else f"{major}{unit}"
    raise AssertionError(whole)
