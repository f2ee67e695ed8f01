"""Kubernetes objects as JSON trees, and the few questions that are asked of them everywhere."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

Object = dict[str, Any]
"""A Kubernetes object, or a part of one. What the store holds is never changed in place."""

_NAME_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


def dig(value: Any, *path: str) -> Any:
    """Return what lies under a path of map keys, or None."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def without_nulls(value: Any) -> Any:
    """Copy a JSON tree without its null map entries, which Kubernetes reads as absent."""
    if isinstance(value, dict):
        return {key: without_nulls(child) for key, child in value.items() if child is not None}
    if isinstance(value, list):
        return [without_nulls(child) for child in value]
    return value


def timestamp(at: datetime) -> str:
    """Format a time as metav1.Time does: whole seconds, UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_timestamp(at: datetime) -> str:
    """Format a time as metav1.MicroTime does: microseconds, UTC."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def seconds_between(earlier: str, at: datetime) -> float:
    """Return the seconds from a metav1.Time to a time."""
    return (at - datetime.fromisoformat(earlier)).total_seconds()


def name_of(obj: Object) -> str:
    """Return metadata.name."""
    return str(obj["metadata"]["name"])


def namespace_of(obj: Object) -> str:
    """Return metadata.namespace, or the empty string for a cluster-scoped object."""
    return str(obj["metadata"].get("namespace", ""))


def uid_of(obj: Object) -> str:
    """Return metadata.uid."""
    return str(obj["metadata"]["uid"])


def is_deleting(obj: Object) -> bool:
    """Tell whether deletion of the object has been requested."""
    return "deletionTimestamp" in obj["metadata"]


def controller_of(obj: Object) -> Object | None:
    """Return the owner reference of the managing controller."""
    for reference in obj["metadata"].get("ownerReferences", ()):
        if reference.get("controller"):
            return dict(reference)
    return None


def controller_reference(owner: Object) -> Object:
    """Build the owner reference that a controller puts on what it creates."""
    return {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": name_of(owner),
        "uid": uid_of(owner),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def find_condition(obj: Object, type_: str) -> Object | None:
    """Return the status condition of a type."""
    for condition in dig(obj, "status", "conditions") or ():
        if condition.get("type") == type_:
            return dict(condition)
    return None


def condition_is(obj: Object, type_: str, status: str = "True") -> bool:
    """Tell whether the object has a condition of this type and status."""
    found = find_condition(obj, type_)
    return found is not None and found.get("status") == status


def labels_of(obj: Object) -> Mapping[str, str]:
    """Return metadata.labels."""
    return obj["metadata"].get("labels") or {}


def annotations_of(obj: Object) -> Mapping[str, str]:
    """Return metadata.annotations."""
    return obj["metadata"].get("annotations") or {}


def name_suffix(number: int, length: int = 5) -> str:
    """Write a number with the alphabet of generated names, which spells no words."""
    characters = []
    for _ in range(length):
        number, digit = divmod(number, len(_NAME_ALPHABET))
        characters.append(_NAME_ALPHABET[digit])
    return "".join(characters)
