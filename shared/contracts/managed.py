"""What a field manager applies of an object, as `metadata.managedFields` tells: executor and observer compare by it.

Who changes or removes a field takes it from those that own it, so an entry that is not as it was right after an apply
tells that others have changed what was applied, and no value has to be looked at.

Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from shared.contracts import annotations, fieldpath
from shared.contracts.canonical import digest
from shared.contracts.fieldpath import EVERYTHING, MISSING, Element

Fields = Mapping[str, Any]
"""A tree of `fieldsV1`: `f:` a field, `k:` an element by its keys, `v:` by its value, `i:` by its position."""

_SIGNATURES = ("metadata", "annotations", annotations.ANNOTATION_SHARED_BY)
"""Where other applications sign an object that its owner shares with them."""
_MEMBER = "."
_DIGITS = 16
"""Of the digest: it is compared with one other, never looked up."""


def applied_fields(obj: Mapping[str, Any], manager: str) -> str:
    """Digest of the fields that the manager applies, without those that the object's annotation leaves to others.

    Empty where it applies none, or where the whole object is left to others.
    """
    kept = kept_paths(obj)
    entry = next((e for e in entries(obj) if e.get("manager") == manager and _applies(e)), None)
    if entry is None or EVERYTHING in kept:
        return ""
    fields: Fields = entry.get("fieldsV1") or {}
    for path in (_SIGNATURES, *map(fieldpath.parse, kept)):
        fields = _without(fields, obj, path)
    return digest(fields)[:_DIGITS]


def entries(obj: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The entries of `managedFields`."""
    return obj["metadata"].get("managedFields") or []


def kept_paths(obj: Mapping[str, Any]) -> list[str]:
    """The paths whose live values stay when drift is reverted, as the object's annotation says; none if unreadable."""
    text = (obj["metadata"].get("annotations") or {}).get(annotations.ANNOTATION_KEPT, "")
    try:
        paths = [str(path) for path in json.loads(text)] if text else []
        _ = [fieldpath.parse(path) for path in paths if path != EVERYTHING]
    except (ValueError, TypeError):
        # Anybody can write an annotation; that we do not own it any more is drift by itself.
        return []
    return paths


def kept_text(paths: Iterable[str]) -> str:
    """The annotation that `kept_paths` reads."""
    return json.dumps(list(paths), separators=(",", ":"))


def less(fields: Fields, others: Fields) -> dict[str, Any]:
    """The part of a tree that is not in another."""
    left: dict[str, Any] = {}
    for token, below in fields.items():
        if token == _MEMBER:
            continue
        if token not in others:
            left[token] = below
        elif deeper := less(below, others[token]):
            left[token] = deeper
    return left


def _applies(entry: Mapping[str, Any]) -> bool:
    return entry.get("operation") == "Apply" and not entry.get("subresource")


def _without(fields: Fields, live: Any, path: tuple[Element, ...]) -> Fields:
    """The tree without what stands at a path; parents that hold nothing else go with it, as they do when it is lost."""
    token = _token(fields, live, path[0])
    if token is None:
        return fields
    below = fields[token]
    others = {key: value for key, value in fields.items() if key != token}
    if len(path) == 1 or (not below and token.startswith("f:")):
        # A field without fields of its own is owned as a whole, and lost as a whole.
        return others
    left = _without(below, fieldpath.read(live, path[:1]), path[1:])
    if below and not left:
        return others
    return {**others, token: {} if set(left) == {_MEMBER} else left}


def _token(fields: Fields, live: Any, element: Element) -> str | None:
    """How the tree names an element of a path; None where it does not have it."""
    if isinstance(element, str):
        return f"f:{element}" if f"f:{element}" in fields else None
    item = fieldpath.read(live, (element,))
    return next((t for t in fields if item is not MISSING and _names(t, item)), None)


def _names(token: str, item: Any) -> bool:
    sort, _, text = token.partition(":")
    match sort:
        case "k":
            return isinstance(item, dict) and all(item.get(key) == value for key, value in json.loads(text).items())
        case "v":
            return bool(json.loads(text) == item)
        case _:
            return False
