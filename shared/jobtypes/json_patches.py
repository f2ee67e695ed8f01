"""Patches of JSON documents: RFC 6902 (operations) and RFC 7396 (merge)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from shared.contracts.cloning import clone

_INDEX = re.compile(r"0|[1-9][0-9]*")


class PatchFailed(ValueError):
    """The operation does not fit the document."""


def merge_patched(document: Any, patch: Any) -> Any:
    """Apply a merge patch to a copy: maps are merged, null takes a key away, anything else replaces what is there."""
    if not isinstance(patch, Mapping):
        return clone(patch)
    result = dict(document) if isinstance(document, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patched(result.get(key), value)
    return result


def operated(document: Any, operation: Mapping[str, Any]) -> Any:
    """Apply one operation with `op`, `path` and what that needs to a copy; raises PatchFailed where it does not fit."""
    path = pointer(operation["path"])
    match operation["op"]:
        case "add":
            return _added(document, path, operation["value"])
        case "remove":
            return _removed(document, path)
        case "replace":
            _found(document, path)
            return _set(document, path, operation["value"])
        case "move":
            source = pointer(operation["from"])
            if len(source) < len(path) and path[: len(source)] == source:
                msg = "a value cannot be moved into itself"
                raise PatchFailed(msg)
            return _added(_removed(document, source), path, _found(document, source))
        case "copy":
            return _added(document, path, _found(document, pointer(operation["from"])))
        case "test":
            if not _equal(_found(document, path), operation["value"]):
                msg = f"{operation['path']} has another value"
                raise PatchFailed(msg)
            return document
        case _:
            msg = f"there is no operation {operation['op']!r}"
            raise PatchFailed(msg)


def pointer(text: str) -> tuple[str, ...]:
    """Take a JSON pointer apart (RFC 6901); raises PatchFailed for what is none."""
    if text and not text.startswith("/"):
        msg = f"{text!r} is no JSON pointer: it begins with /"
        raise PatchFailed(msg)
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in text.split("/")[1:])


def _found(document: Any, path: Sequence[str]) -> Any:
    for depth, segment in enumerate(path):
        match document:
            case dict() if segment in document:
                document = document[segment]
            case list() if _INDEX.fullmatch(segment) and int(segment) < len(document):
                document = document[int(segment)]
            case _:
                msg = f"there is nothing at /{'/'.join(path[: depth + 1])}"
                raise PatchFailed(msg)
    return document


def _added(document: Any, path: Sequence[str], value: Any) -> Any:
    if not path:
        return clone(value)
    parent = _found(document, path[:-1])
    if isinstance(parent, list):
        index = _place(parent, path)
        return _set(document, path[:-1], [*parent[:index], clone(value), *parent[index:]])
    if not isinstance(parent, dict):
        msg = f"/{'/'.join(path[:-1])} is neither a map nor a list"
        raise PatchFailed(msg)
    return _set(document, path[:-1], {**parent, path[-1]: clone(value)})


def _place(parent: list[Any], path: Sequence[str]) -> int:
    if path[-1] == "-":
        return len(parent)
    if not _INDEX.fullmatch(path[-1]) or int(path[-1]) > len(parent):
        msg = f"there is no place /{'/'.join(path)}"
        raise PatchFailed(msg)
    return int(path[-1])


def _removed(document: Any, path: Sequence[str]) -> Any:
    _found(document, path)
    if not path:
        msg = "the whole object cannot be removed"
        raise PatchFailed(msg)
    parent = _found(document, path[:-1])
    if isinstance(parent, list):
        index = int(path[-1])
        return _set(document, path[:-1], [*parent[:index], *parent[index + 1 :]])
    return _set(document, path[:-1], {key: item for key, item in parent.items() if key != path[-1]})


def _set(document: Any, path: Sequence[str], value: Any) -> Any:
    """Copy the document along the path, with another value at its end."""
    if not path:
        return clone(value)
    if isinstance(document, list):
        index = int(path[0])
        return [*document[:index], _set(document[index], path[1:], value), *document[index + 1 :]]
    return {**document, path[0]: _set(document.get(path[0]), path[1:], value)}


def _equal(one: Any, other: Any) -> bool:
    """JSON tells true from 1, Python does not."""
    match one, other:
        case dict(), dict():
            return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
        case list(), list():
            return len(one) == len(other) and all(map(_equal, one, other))
        case bool(), _:
            return one is other
        case _, bool():
            return False
        case _:
            return bool(one == other)
