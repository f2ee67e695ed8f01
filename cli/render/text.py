"""Text from elsewhere, and moments, for a terminal."""

import re
from datetime import datetime

from cli import durations

_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""Control characters, of which terminals make commands, and those that turn the direction of writing."""
_BLANKS = re.compile(r"[ \t\r\n]+")


def plain(text: str) -> str:
    """Return it on one line, with what a terminal would act upon shown instead."""
    return _UNSAFE.sub(_shown, _BLANKS.sub(" ", text).strip())


def _shown(found: re.Match[str]) -> str:
    return ascii(found.group())[1:-1]


def age(moment: datetime, now: datetime) -> str:
    """How long ago."""
    seconds = (now - moment).total_seconds()
    return f"{durations.text(seconds)} ago" if seconds >= 1 else "just now"


def seconds_between(start: datetime, end: datetime) -> str:
    """How long it took."""
    return durations.text((end - start).total_seconds())


def counted(number: int, noun: str) -> str:
    """`1 step`, `2 steps`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
