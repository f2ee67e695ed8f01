"""Deep merge of what a trait writes onto what is there: nobody's value is lost unseen.

Maps merge key by key, lists of named things by their key, sets by their members, other lists by index. Two different
scalars at one place are a conflict.
"""

from collections.abc import Callable, Mapping
from typing import Any

from shared.contracts.cloning import clone
from shared.jobtypes.base import RenderError

_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "env": ("name",),
    "hostAliases": ("ip",),
    "initContainers": ("name",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "volumeDevices": ("devicePath",),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
}
"""Lists whose elements are told apart by these fields."""

_SETS = frozenset({"add", "drop", "hostnames", "tolerations"})
"""Lists without order, where an element counts once."""


def merge(owner: dict[str, Any], patch: Mapping[str, Any], *, path: str = "", at: str = "") -> None:
    """Merge `patch` into `owner`, in place; `at` is where `owner` stands in the workload, for `read_path`.

    Raises RenderError with `path` where the two contradict each other.
    """
    for field, value in patch.items():
        here = f"{at}.{_segment(field)}" if at else _segment(field)
        if field in owner:
            owner[field] = _merged(field, owner[field], value, path, here)
        else:
            owner[field] = clone(value)


def _merged(field: str, old: Any, new: Any, path: str, at: str) -> Any:
    match old, new:
        case dict(), Mapping():
            result = dict(old)
            merge(result, new, path=path, at=at)
            return result
        case list(), list():
            return _merged_list(field, old, new, path, at)
        case _ if type(old) is type(new) and old == new:
            return old
        case _:
            message = f"{at} has another value already"
            raise RenderError(path, "Conflict", message, "Leave one of the two", against=at)


def _merged_list(field: str, old: list[Any], new: list[Any], path: str, at: str) -> list[Any]:
    if field in _SETS:
        return [*old, *(clone(item) for item in new if item not in old)]
    if field in _KEYS:
        return _merged_by_key(_key_of(_KEYS[field]), old, new, path, at)
    common = [
        _merged("", before, after, path, f"{at}[{index}]")
        for index, (before, after) in enumerate(zip(old, new, strict=False))
    ]
    return [*common, *old[len(common) :], *clone(new[len(common) :])]


def _merged_by_key(key: Callable[[Any], Any], old: list[Any], new: list[Any], path: str, at: str) -> list[Any]:
    result = list(old)
    for item in new:
        index = next((i for i, other in enumerate(result) if key(other) == key(item)), None)
        if index is None:
            result.append(clone(item))
        else:
            result[index] = _merged("", result[index], item, path, f"{at}[{index}]")
    return result


def _key_of(fields: tuple[str, ...]) -> Callable[[Any], Any]:
    return lambda item: tuple(item.get(field) for field in fields) if isinstance(item, dict) else item


def _segment(field: str) -> str:
    return f'["{field}"]' if "." in field or "[" in field else field
