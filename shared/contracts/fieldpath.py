"""Paths to fields of objects, as policies write them: `spec.replicas`, `spec.template.spec.containers[0].image`.

A key that holds dots or slashes is written in brackets, with or without quotes: `metadata.annotations["a.b/c"]`. In a
list a bracket holds the position, or `key=value` of the element that is meant.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

EVERYTHING = "*"
Element = str | int | tuple[str, str]

_ELEMENT = re.compile(
    r"""(?P<name>[^.*\[\]"'\s]+) | \[(?P<index>\d{1,9})\] | \[(?P<key>[^\]="'\s]+)=(?P<value>[^\]"'\s]+)\]
    | \[(?P<quote>["'])(?P<quoted>[^"']+)(?P=quote)\] | \[(?P<bare>[^\]="'\s]*[^\]="'\s\d*][^\]="'\s]*)\]""",
    re.VERBOSE,
)


class _Missing:
    """Tells a field that is not there from one that is null."""


MISSING: Final = _Missing()


def parse(path: str) -> tuple[Element, ...]:
    """Take a path apart; raises ValueError for what is none."""
    elements: list[Element] = []
    position = 0
    while position < len(path):
        if elements and path[position] == ".":
            position += 1
        elif elements and path[position] != "[":
            break
        found = _ELEMENT.match(path, position)
        if found is None:
            break
        elements.append(_element(found))
        position = found.end()
    if position < len(path) or not elements or path.endswith("."):
        msg = f"{path!r} is no path to a field such as spec.replicas"
        raise ValueError(msg)
    return tuple(elements)


def _element(found: re.Match[str]) -> Element:
    parts = found.groupdict()
    if parts["index"] is not None:
        return int(parts["index"])
    if parts["key"] is not None:
        return (parts["key"], parts["value"])
    return str(parts["name"] or parts["quoted"] or parts["bare"])


def read(obj: Any, path: Sequence[Element]) -> Any:
    """What stands at a path, or MISSING."""
    for element in path:
        obj = _step(obj, element)
        if obj is MISSING:
            return MISSING
    return obj


def write(obj: dict[str, Any], path: Sequence[Element], value: Any) -> None:
    """Put a value at a path in place, making maps on the way; a list without the element that is meant stays."""
    current: Any = obj
    for element in path[:-1]:
        following = _step(current, element)
        if following is MISSING and isinstance(current, dict) and isinstance(element, str):
            following = current[element] = {}
        current = following
    last = path[-1]
    if isinstance(current, dict) and isinstance(last, str):
        current[last] = value
    elif isinstance(current, list) and (position := _position(current, last)) is not None:
        current[position] = value


def remove(obj: dict[str, Any], path: Sequence[Element]) -> None:
    """Take out what stands at a path in place."""
    parent = read(obj, path[:-1]) if len(path) > 1 else obj
    last = path[-1]
    if isinstance(parent, dict) and isinstance(last, str):
        parent.pop(last, None)
    elif isinstance(parent, list) and (position := _position(parent, last)) is not None:
        del parent[position]


def covers(live: Any, wanted: Any) -> bool:
    """Whether `live` is what was asked for, apart from what a server fills in: further keys of maps."""
    if isinstance(wanted, dict) and isinstance(live, dict):
        return all(key in live and covers(live[key], value) for key, value in wanted.items())
    if isinstance(wanted, list) and isinstance(live, list):
        return len(live) == len(wanted) and all(map(covers, live, wanted))
    return bool(live == wanted)


def _step(obj: Any, element: Element) -> Any:
    if isinstance(element, str):
        return obj.get(element, MISSING) if isinstance(obj, dict) else MISSING
    position = _position(obj, element) if isinstance(obj, list) else None
    return MISSING if position is None else obj[position]


def _position(items: list[Any], element: Element) -> int | None:
    match element:
        case int():
            return element if element < len(items) else None
        case (key, value):
            found = (i for i, item in enumerate(items) if isinstance(item, dict) and str(item.get(key)) == value)
            return next(found, None)
        case _:
            return None
