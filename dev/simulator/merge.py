"""Merging: applied configurations field by field (structured-merge-diff's typed.Merge), and strategic patches."""

from typing import Any

from dev.simulator.errors import unsupported
from dev.simulator.fieldsets import FieldSet, item_key
from dev.simulator.objects import Object
from dev.simulator.schema import Path, is_atomic_map, is_list_set, list_map_keys


def merge(live: Any, applied: Any, path: Path = ()) -> Any:
    """Return the live value overlaid with the applied one; neither is changed."""
    if isinstance(live, dict) and isinstance(applied, dict) and not (path and is_atomic_map(path)):
        merged = dict(live)
        for key, value in applied.items():
            merged[key] = merge(live[key], value, (*path, f"f:{key}")) if key in live else value
        return merged
    if isinstance(live, list) and isinstance(applied, list) and path:
        if (keys := list_map_keys(path)) is not None:
            return _merge_items(live, applied, path, keys)
        if is_list_set(path):
            return live + [item for item in applied if item not in live]
    return applied


def _merge_items(live: list[Any], applied: list[Any], path: Path, keys: tuple[str, ...]) -> list[Any]:
    """Merge by key: applied items keep their order, items that are only live keep their place among them."""
    live_items = {item_key(item, keys): item for item in live}
    applied_items = {item_key(item, keys): item for item in applied}
    merged: list[Any] = []
    waiting = list(live_items)
    for key, item in applied_items.items():
        while waiting and waiting[0] not in applied_items:
            merged.append(live_items[waiting.pop(0)])
        if waiting and key in live_items:
            waiting.remove(key)
        merged.append(merge(live_items[key], item, (*path, key)) if key in live_items else item)
    merged.extend(live_items[key] for key in waiting)
    return merged


def remove(value: Any, gone: FieldSet, path: Path = ()) -> Any:
    """Return the value without the fields and items of a set."""
    if isinstance(value, dict) and not (path and is_atomic_map(path)):
        return {
            key: remove(child, gone, (*path, f"f:{key}"))
            for key, child in value.items()
            if (*path, f"f:{key}") not in gone
        }
    if isinstance(value, list) and path:
        if (keys := list_map_keys(path)) is not None:
            named = ((item, (*path, item_key(item, keys))) for item in value)
            return [remove(item, gone, item_path) for item, item_path in named if item_path not in gone]
        if is_list_set(path):
            return [item for item in value if (*path, f'v:"{item}"') not in gone]
    return value


def strategic_merge_patch(target: Any, patch: Any, path: Path = ()) -> Any:
    """Apply a strategic merge patch: known lists merge by their first key, others are replaced.

    Order directives are left aside, because merged lists keep the order that they have.

    Raises:
        ApiError: 501, the patch holds a directive that is not known here.
    """
    if isinstance(patch, dict):
        return _merge_strategically(target if isinstance(target, dict) else {}, patch, path)
    keys = list_map_keys(path) if isinstance(patch, list) and path else None
    if keys is None:
        return patch
    # Unlike server-side apply, this format merges ports by their number alone.
    return _merge_by_first_key(target if isinstance(target, list) else [], patch, path, keys[0])


def _merge_strategically(target: Object, patch: Object, path: Path) -> Object:
    merged = dict(target)
    for key, value in patch.items():
        if key == "$retainKeys":
            merged = {kept: merged[kept] for kept in value if kept in merged}
        elif key.startswith("$setElementOrder/"):
            continue
        elif key.startswith("$"):
            raise unsupported(f"the strategic merge patch directive {key}: {value}")
        elif value is None:
            merged.pop(key, None)
        else:
            merged[key] = strategic_merge_patch(merged.get(key), value, (*path, f"f:{key}"))
    return merged


def _merge_by_first_key(target: list[Any], patch: list[Any], path: Path, key: str) -> list[Any]:
    merged = {item.get(key): item for item in target}
    for item in patch:
        name = item.get(key)
        if item.get("$patch") == "delete":
            merged.pop(name, None)
        else:
            merged[name] = strategic_merge_patch(merged.get(name), item, (*path, f"k:{name}"))
    return list(merged.values())
