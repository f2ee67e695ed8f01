"""What contracts have gained since the first version, and of which version a message or document is by that.

Unknown fields are refused, so a build can read neither a message nor a document that says something which it does not
know. Hence the version of each is not the one of its writer but the lowest that can say the same: while a later field
is at its default it is left out, and an older build reads what is left. So builds of two versions understand each
other until something new is used.

To add to a contract: raise VERSION, and give the field `since(VERSION)`, or the new class `SINCE = VERSION`.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel, Field
from pydantic.fields import FieldInfo

VERSION = 1
"""Of the messages and documents of this build; raised with everything that a contract gains."""
_SINCE = "x-since"


def since(version: int, default: object = None) -> Any:
    """Declare a field that came with a later version; one that is at its default is not written."""
    return Field(default=default, exclude_if=lambda value: value == default, json_schema_extra={_SINCE: version})


def since_of(model: type[BaseModel]) -> int:
    """Return the version that brought a class."""
    return int(getattr(model, "SINCE", 1))


def reachable(model: type[BaseModel]) -> set[type[BaseModel]]:
    """Return a model and every model that can be in it."""
    found: set[type[BaseModel]] = set()
    waiting: list[Any] = [model]
    while waiting:
        annotation = waiting.pop()
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            if annotation not in found:
                found.add(annotation)
                waiting += [field.annotation for field in annotation.model_fields.values()]
        else:
            waiting += get_args(annotation)
    return found


def field_since(field: FieldInfo) -> int:
    """Return the version that brought a field."""
    extra = field.json_schema_extra
    found = extra.get(_SINCE, 1) if isinstance(extra, dict) else 1
    return found if isinstance(found, int) else 1


def version_of(value: object) -> int:
    """Return the lowest version that can say this."""
    match value:
        case BaseModel():
            return max(_said(value)) if _has_gained(type(value)) else 1
        case Mapping():
            return _highest(value.values())
        case tuple() | list():
            return _highest(value)
        case _:
            return 1


def _highest(values: Iterable[object]) -> int:
    return max((version_of(value) for value in values), default=1)


def _said(model: BaseModel) -> Iterator[int]:
    yield since_of(type(model))
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if value != field.default:
            yield field_since(field)
        yield version_of(value)


@cache
def _has_gained(model: type[BaseModel]) -> bool:
    """Whether anything in it is later than version 1: only then is it worth looking what it says."""
    models = reachable(model)
    return any(since_of(m) > 1 or any(field_since(f) > 1 for f in m.model_fields.values()) for m in models)
