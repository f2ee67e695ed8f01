"""Values of any contract with every field set, the same each time: what a fixture has to hold."""

import types
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, TypeAdapter

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
_BY_NAME: dict[str, Any] = {
    "uid": "5f0c",
    "run": "5f0c-3",
    "cluster": "east",
    "step": "web",
    "tenant": "acme",
    "namespace": "acme-dev",
    "name": "shop",
    "consumer": "planner-facts",
    "subject": "kubemin.status.east.acme.acme-dev.shop",
    "payload": "e30=",
    "order": ("incarnation", 3, 3),
}
_SCALARS: dict[type, Any] = {int: 3, float: 1.5, bool: True, datetime: NOW, bytes: b"bytes"}

T = TypeVar("T")


def filled(kind: type[T], **over: Any) -> T:
    """Return one with every field set, recursive ones to a small depth."""
    return TypeAdapter(kind).validate_python(_fields(kind, ()) | over)


def _fields(kind: Any, above: tuple[Any, ...]) -> dict[str, Any]:
    inside = (*above, kind)
    if issubclass(kind, BaseModel):
        return {name: _value(field.annotation, name, inside) for name, field in kind.model_fields.items()}
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: _value(hints[field.name], field.name, inside) for field in fields(kind)}


def _value(kind: Any, name: str, above: tuple[Any, ...]) -> Any:
    while hasattr(kind, "__supertype__") or get_origin(kind) is Annotated:
        kind = kind.__supertype__ if hasattr(kind, "__supertype__") else get_args(kind)[0]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return arguments[0]
    if origin in (Union, types.UnionType):
        return _one_of(arguments, name, above)
    if origin in (tuple, list, set):
        return _BY_NAME.get(name) if name == "order" else _items(arguments[0], name, above)
    if origin is dict:
        return {str(_value(arguments[0], "key", above)): _value(arguments[1], "value", above)}
    return _plain(kind, name, above)


def _plain(kind: Any, name: str, above: tuple[Any, ...]) -> Any:
    if is_dataclass(kind) or (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return _fields(kind, above)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return list(kind)[-1]
    if name in _BY_NAME and kind in (str, bytes):
        return _BY_NAME[name]
    return _SCALARS.get(kind, name.replace("_", "-"))


def _one_of(options: tuple[Any, ...], name: str, above: tuple[Any, ...]) -> Any:
    """One that is not None, and not what we are inside of; not the same everywhere."""
    left = [option for option in options if option is not type(None) and option not in above]
    return _value(left[len(name) % len(left)], name, above)


def _items(kind: Any, name: str, above: tuple[Any, ...]) -> list[Any]:
    """One of each kind that may be in it."""
    while get_origin(kind) is Annotated:
        kind = get_args(kind)[0]
    union = get_origin(kind) in (Union, types.UnionType)
    return [_value(each, name, above) for each in (get_args(kind) if union else (kind,)) if each not in above]


def unset(model: BaseModel) -> list[str]:
    """Fields of a model that are at their default: `filled` leaves none but what has one value only."""
    return [name for name, field in type(model).model_fields.items() if getattr(model, name) == field.default]
