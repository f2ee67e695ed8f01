"""Copies of JSON-like values."""

from typing import Any

_HOLDING = (dict, list, tuple)


def clone(value: Any) -> Any:
    """A copy that shares no map and no list with the original; several times as fast as `copy.deepcopy`."""
    # Most values are texts and numbers: a call for each of them would take as long as all the rest.
    if isinstance(value, dict):
        return {key: clone(item) if isinstance(item, _HOLDING) else item for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clone(item) if isinstance(item, _HOLDING) else item for item in value]
    return value
