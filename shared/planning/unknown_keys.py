"""Finds keys that no model knows, deprecated ones and those without effect: warnings, as the format is open."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import AliasChoices, BaseModel, RootModel
from pydantic.fields import FieldInfo

from shared.contracts.plan import Finding
from shared.jobtypes.fields import Deprecated, NoEffect
from shared.planning.findings import nearest
from shared.planning.trees import PathElement, path_text

_UNIONS = (Union, UnionType)
_ANYTHING = (Any,)


def unknown_keys(model: type[BaseModel], value: Any, path: str) -> Iterator[Finding]:
    """A warning for every key that `model` drops in silence or knows as deprecated or useless, in document order."""
    yield from _walk((model,), value, path)


def keys_at(model: type[BaseModel], path: Iterable[PathElement]) -> tuple[str, ...]:
    """The keys that a map within a value of `model` may have."""
    annotations: tuple[Any, ...] = (model,)
    for element in path:
        shape = _shape(annotations)
        annotations = shape.items if isinstance(element, int) else shape.known.get(element) or shape.values
    return tuple(_shape(annotations).known)


def _walk(annotations: tuple[Any, ...], value: Any, path: str) -> Iterator[Finding]:
    """Every annotation is one that the value may have; a key is unknown when none of them knows it."""
    if isinstance(value, dict):
        yield from _walk_map(_shape(annotations), value, path)
    elif isinstance(value, list) and (items := _shape(annotations).items):
        for index, item in enumerate(value):
            # Texts and numbers have no keys: they need no path either.
            if isinstance(item, dict | list):
                yield from _walk(items, item, path_text(path, index))


def _walk_map(shape: "_Shape", value: dict[str, Any], path: str) -> Iterator[Finding]:
    for key, item in value.items():
        known = shape.known.get(key)
        if known is not None:
            for mark in shape.marks.get(key, ()):
                yield from _marked(mark, key, item, path)
        elif not shape.values and shape.closed:
            yield _unknown(key, tuple(shape.known), path_text(path, key))
        below = known or shape.values
        if below and below != _ANYTHING and isinstance(item, dict | list):
            yield from _walk(below, item, path_text(path, key))


@dataclass(frozen=True)
class _Shape:
    """What a value with certain annotations may hold."""

    known: dict[str, tuple[Any, ...]]
    """Keys that its models know → what these may hold."""
    marks: dict[str, tuple[Deprecated | NoEffect, ...]]
    values: tuple[Any, ...]
    """Of other keys, where it may be a map of anything."""
    items: tuple[Any, ...]
    """Where it may be a list."""
    closed: bool
    """Whether a key that is not known is dropped in silence."""


@lru_cache(maxsize=4096)
def _shape(annotations: tuple[Any, ...]) -> _Shape:
    members = [m for a in annotations for m in _members(a)]
    models = [m for m in members if isinstance(m, type) and issubclass(m, BaseModel)]
    known: dict[str, tuple[Any, ...]] = {}
    marks: dict[str, tuple[Deprecated | NoEffect, ...]] = {}
    for model in models:
        for key, annotation in _fields(model).items():
            known[key] = (*known.get(key, ()), annotation)
        for key, more in _marks(model).items():
            marks[key] = (*marks.get(key, ()), *more)
    return _Shape(
        known=known,
        marks=marks,
        values=tuple(v for m in members for v in _map_value(m)),
        items=tuple(e for m in members for e in _element(m)),
        closed=bool(models) and all(m.model_config.get("extra") not in ("allow", "forbid") for m in models),
    )


def _unknown(key: str, known: tuple[str, ...], path: str) -> Finding:
    meant = _nearest(key, known)
    return Finding(
        path=path,
        code="UnknownKey",
        message=f"{key!r} is not known here and has no effect",
        remedy=f"Did you mean {meant!r}?" if meant else "",
    )


def _marked(mark: Deprecated | NoEffect, key: str, item: Any, path: str) -> Iterator[Finding]:
    at = path_text(path, key)
    match mark:
        case Deprecated(successor):
            yield Finding(path=at, code="Deprecated", message=f"{key!r} is deprecated", remedy=f"Use {successor}.")
        case NoEffect(why) if item is not False:
            yield Finding(path=at, code="NoEffect", message=f"{key!r} has no effect: {why}")


_nearest = lru_cache(maxsize=1024)(nearest)


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    """Key in the document → annotation."""
    by_name = bool(model.model_config.get("populate_by_name"))
    fields: dict[str, Any] = {}
    for name, info in model.model_fields.items():
        for key in _keys(name, info, by_name=by_name):
            fields[key] = info.annotation
    return fields


def _marks(model: type[BaseModel]) -> dict[str, tuple[Deprecated | NoEffect, ...]]:
    """Key in the document → what is to be said about its use."""
    return {
        info.alias or name: marks
        for name, info in model.model_fields.items()
        if (marks := tuple(mark for mark in info.metadata if isinstance(mark, Deprecated | NoEffect)))
    }


def _keys(name: str, info: FieldInfo, *, by_name: bool) -> list[str]:
    alias = info.validation_alias or info.alias
    if alias is None:
        return [name]
    choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
    return [c for c in choices if isinstance(c, str)] + ([name] if by_name else [])


def _members(annotation: Any) -> list[Any]:
    """What an annotation allows, once unions, `Annotated` and type aliases are taken apart."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _members(get_args(annotation)[0])
    if origin in _UNIONS:
        return [member for part in get_args(annotation) for member in _members(part)]
    if hasattr(annotation, "__value__"):
        return _members(annotation.__value__)
    if isinstance(annotation, type) and issubclass(annotation, RootModel):
        return _members(annotation.model_fields["root"].annotation)
    return [annotation]


def _element(annotation: Any) -> list[Any]:
    origin = get_origin(annotation)
    if isinstance(origin, type) and issubclass(origin, Sequence | set | frozenset):
        return [a for a in get_args(annotation) if a is not Ellipsis]
    return []


def _map_value(annotation: Any) -> list[Any]:
    """The annotation of a map's values; of `Any` and a bare `dict` it is `Any`."""
    origin = get_origin(annotation)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return [get_args(annotation)[1]]
    return [Any] if annotation in (Any, dict, object) else []
