"""Schedules of CronJobs, as Kubernetes reads them.

Source: https://github.com/robfig/cron/blob/v3/parser.go, which Kubernetes uses.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

_NUMBER = re.compile(r"\+?[0-9]{1,9}", re.ASCII)
_ANY = ("*", "?")
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]


class _Field(NamedTuple):
    least: int
    most: int
    names: Mapping[str, int]


_FIELDS = (
    _Field(0, 59, {}),
    _Field(0, 23, {}),
    _Field(1, 31, {}),
    _Field(1, 12, {name: number for number, name in enumerate(_MONTHS, 1)}),
    _Field(0, 6, {name: number for number, name in enumerate(_DAYS)}),
)


def takes_fields(text: str) -> bool:
    """Whether a text has the five fields of a schedule, each within its bounds."""
    given = text.split()
    return len(given) == len(_FIELDS) and all(map(_takes, given, _FIELDS))


def _takes(text: str, field: _Field) -> bool:
    return all(_takes_range(part, field) for part in text.split(",") if part)


def _takes_range(text: str, field: _Field) -> bool:
    span, *steps = text.split("/")
    first, *others = span.split("-")
    step = _number(steps[0], {}) if steps else 1
    if len(steps) > 1 or not step:
        return False
    if first in _ANY:
        return True
    start = _number(first, field.names)
    # `5/10` means from 5 on.
    end = _number(others[0], field.names) if others else (field.most if steps else start)
    if len(others) > 1 or start is None or end is None:
        return False
    return field.least <= start <= end <= field.most


def _number(text: str, names: Mapping[str, int]) -> int | None:
    if text.lower() in names:
        return names[text.lower()]
    return int(text) if _NUMBER.fullmatch(text) else None
