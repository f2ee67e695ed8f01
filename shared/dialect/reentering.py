"""Secret values of a copied component: the template alone can open them, so they are entered again.

A component has values of its own if it is a Secret, and those of the Secrets that its storage brings along. `secret` of
an entry gives them by key; where several of its Secrets have the key, by `<name of the Secret>/<key>`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared.contracts import sealed
from shared.dialect.fields import From, Texts
from shared.planning.trees import PathElement, at, leaves

_FIELDS = ("stringData", "data")


def reenter(given: Mapping[str, Any], copied: Mapping[str, Any], entered: Texts) -> list[From[str]]:
    """Put values into the copy of a template's component; returns those that have no place in it."""
    several = _several(given)
    left = dict(entered)
    for original, copy in zip(_carried(given), _carried(copied), strict=True):
        for key in list(_keys(original)):
            name = f"{original['name']}/{key}" if key in several else key
            if name in entered:
                _set(copy, key, entered[name])
                left.pop(name, None)
    if given["type"] == "secret":
        for key, value in left.items():
            _set(copied["properties"], key, value)
        return []
    return list(left.values())


def not_reentered(given: Mapping[str, Any], plain: Mapping[str, Any]) -> list[str]:
    """What is still sealed in a copy, by the names by which it is entered; `plain` is the copy without places."""
    several = _several(given)
    return sorted({_name(given, path, several) for path, value in leaves(plain) if _is_sealed(value)})


def _name(given: Mapping[str, Any], path: Sequence[PathElement], several: set[str]) -> str:
    key = str(path[-1])
    return f"{at(given, tuple(path[:-2]))['name']}/{key}" if key in several else key


def _several(given: Mapping[str, Any]) -> set[str]:
    """Keys that more than one of its Secrets has."""
    counted = Counter(key for one in _carried(given) for key in _keys(one))
    return {key for key, count in counted.items() if count > 1}


def _carried(component: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The Secrets that its storage brings along."""
    for trait in component["traits"] or ():
        if trait["type"] == "storage":
            yield from trait["properties"].get("secret") or ()


def _keys(secret: Mapping[str, Any]) -> Iterator[str]:
    yield from dict.fromkeys(key for field in _FIELDS for key in secret.get(field) or ())


def _set(secret: dict[str, Any], key: str, value: From[str]) -> None:
    secret["stringData"] = {**(secret.get("stringData") or {}), key: value}
    secret["data"] = {known: text for known, text in (secret.get("data") or {}).items() if known != key} or None


def _is_sealed(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(sealed.PREFIX)
