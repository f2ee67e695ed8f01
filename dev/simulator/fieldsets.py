"""Sets of fields: what a manager owns, read from objects and written as `fieldsV1`.

The rules follow sigs.k8s.io/structured-merge-diff/v6 (typed.ToFieldSet, fieldpath.Set).
"""

import json
from collections.abc import Iterable
from typing import Any

from dev.simulator.objects import Object
from dev.simulator.schema import KEY_DEFAULTS, Path, is_atomic_map, is_list_set, list_map_keys

FieldSet = frozenset[Path]

MEMBER = object()
"""Stands for an item of a list map or set: its presence is a field of its own, beside the fields inside it."""

# Fields that no manager owns (fieldmanager's stripMeta).
_UNOWNED = frozenset(
    (
        ("f:apiVersion",),
        ("f:kind",),
        ("f:metadata",),
        *(
            ("f:metadata", f"f:{field}")
            for field in (
                "name",
                "namespace",
                "creationTimestamp",
                "selfLink",
                "uid",
                "generation",
                "managedFields",
                "resourceVersion",
                "deletionTimestamp",
                "deletionGracePeriodSeconds",
            )
        ),
    )
)


def item_key(item: Any, keys: tuple[str, ...]) -> str:
    """Name an item of a list map by its keys, as `fieldsV1` does."""
    values = {key: item[key] if key in item else KEY_DEFAULTS.get(key) for key in sorted(keys)}
    return "k:" + json.dumps(values, separators=(",", ":"), ensure_ascii=False)


def leaves(obj: Object) -> dict[Path, Any]:
    """Return every field of an object that can be owned, with its value."""
    found: dict[Path, Any] = {}
    _collect((), obj, found)
    for path in _UNOWNED:
        found.pop(path, None)
    return found


def _collect(path: Path, value: Any, found: dict[Path, Any]) -> None:
    if isinstance(value, dict) and value and not (path and is_atomic_map(path)):
        for key, child in value.items():
            _collect((*path, f"f:{key}"), child, found)
    elif isinstance(value, list) and (keys := list_map_keys(path)) is not None:
        for item in value:
            item_path = (*path, item_key(item, keys))
            _collect(item_path, item, found)
            found.setdefault(item_path, MEMBER)
    elif isinstance(value, list) and is_list_set(path):
        for item in value:
            found[*path, "v:" + json.dumps(item)] = MEMBER
    else:
        found[path] = value


def to_fields_v1(fields: Iterable[Path]) -> Object:
    """Write a set of fields as `fieldsV1`."""
    root: Object = {}
    members = set(fields)
    inner = {path[:length] for path in members for length in range(1, len(path))}
    for path in sorted(members):
        node = root
        for element in path:
            node = node.setdefault(element, {})
        if path in inner:
            node["."] = {}
    return root


def from_fields_v1(tree: Object) -> FieldSet:
    """Read a set of fields from `fieldsV1`."""
    found: set[Path] = set()

    def walk(path: Path, node: Object) -> None:
        if path and (not node or "." in node):
            found.add(path)
        for element, child in node.items():
            if element != ".":
                walk((*path, element), child)

    walk((), tree)
    return frozenset(found)


def show_path(path: Path) -> str:
    """Write a path as conflict messages do: `.spec.containers[name="web"].image`."""
    shown = []
    for element in path:
        sort, _, rest = element.partition(":")
        if sort == "k":
            pairs = (f"{key}={json.dumps(value)}" for key, value in json.loads(rest).items())
            shown.append(f"[{','.join(pairs)}]")
        else:
            shown.append(f".{rest}" if sort == "f" else f"[={rest}]")
    return "".join(shown)
