"""Walks over JSON-like values: copies, leaves, and the paths that findings name."""

import re
from collections.abc import Iterator
from typing import Any

PathElement = str | int
_PLAIN = re.compile(r"[A-Za-z_$][A-Za-z0-9_-]*\Z")

MALFORMED = (AttributeError, IndexError, KeyError, TypeError)
"""What reading properties may raise that another policy replaces: they are stored, and never checked themselves."""


def path_text(path: str, *elements: PathElement) -> str:
    """Continue a path: `spec.components`, 1, `a.b/c` → `spec.components[1]["a.b/c"]`."""
    for element in elements:
        if isinstance(element, int):
            path += f"[{element}]"
        elif _PLAIN.match(element):
            path += f".{element}" if path else element
        else:
            path += f'["{element}"]'
    return path


def leaves(value: Any, path: tuple[PathElement, ...] = ()) -> Iterator[tuple[tuple[PathElement, ...], Any]]:
    """Every scalar with its path, in document order."""
    if not isinstance(value, dict | list):
        yield path, value
        return
    for element, item in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(item, dict | list):
            yield from leaves(item, (*path, element))
        else:
            yield (*path, element), item


def nodes(value: Any, path: str = "") -> Iterator[str]:
    """The path of every map, list and scalar beneath, each beginning with its separator: `.a`, `.a[0]`."""
    if isinstance(value, dict):
        for key, item in value.items():
            below = path_text(path, key) if path else path_text("_", key)[1:]
            yield below
            yield from nodes(item, below)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            below = path_text(path, index)
            yield below
            yield from nodes(item, below)


def at(value: Any, path: tuple[PathElement, ...]) -> Any:
    """What stands at a path; raises KeyError, IndexError or TypeError where it leads nowhere."""
    for element in path:
        value = value[element]
    return value


def mapping(value: Any) -> dict[str, Any]:
    """The value if it is a map, else an empty one: for reading objects whose form nobody has checked yet."""
    return value if isinstance(value, dict) else {}


def listing(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []
