"""Draws properties that a parameter model may accept, by walking the model: every entry can be tested alike."""

from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MinLen
from hypothesis import strategies as st
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from shared.contracts.formats import Format

_MAX_ITEMS = 2
_INTEGERS = (-9, 70000)
_NAMES = st.from_regex(r"[a-z][a-z0-9]{0,5}", fullmatch=True)
_ANYTHING: st.SearchStrategy[Any] = st.dictionaries(_NAMES, st.integers(0, 9) | _NAMES | st.booleans(), max_size=2)

Drawn = st.SearchStrategy[Any]


def properties(model: type[BaseModel]) -> Drawn:
    """Properties of the model's form; what its validators ask beyond types is not heeded."""
    return st.deferred(lambda: _map(model))


def _map(model: type[BaseModel]) -> Drawn:
    fields = {info.alias or name: info for name, info in model.model_fields.items()}
    needed = {key: _field(info) for key, info in fields.items() if info.is_required()}
    optional = {key: _field(info) for key, info in fields.items() if not info.is_required()}
    return st.fixed_dictionaries(needed, optional=optional)


def _field(info: FieldInfo) -> Drawn:
    return _value(info.annotation, tuple(info.metadata))


def _value(annotation: Any, constraints: tuple[Any, ...]) -> Drawn:
    arguments = get_args(annotation)
    match get_origin(annotation):
        case origin if origin is Annotated:
            drawn = _value(arguments[0], (*constraints, *_flat(arguments[1:])))
        case origin if origin in (Union, UnionType):
            drawn = st.one_of([_value(a, constraints) for a in arguments if a is not type(None)])
        case origin if origin is Literal:
            drawn = st.sampled_from(arguments)
        case origin if origin in (list, dict):
            least = next((c.min_length for c in constraints if isinstance(c, MinLen)), 0)
            several = st.lists if origin is list else st.dictionaries
            drawn = several(*(_value(a, ()) for a in arguments), min_size=least, max_size=max(least, _MAX_ITEMS))
        case _:
            drawn = _plain(annotation, constraints)
    return drawn


def _plain(annotation: Any, constraints: tuple[Any, ...]) -> Drawn:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return properties(annotation)
    if annotation is bool:
        return st.booleans()
    if annotation in (int, float):
        least = [c.ge for c in constraints if isinstance(c, Ge) and isinstance(c.ge, int)]
        most = [c.le for c in constraints if isinstance(c, Le) and isinstance(c.le, int)]
        return st.integers(max(least, default=_INTEGERS[0]), min(most, default=_INTEGERS[1]))
    if annotation is str:
        form = next((c for c in constraints if isinstance(c, Format)), None)
        if form is not None:
            return st.from_regex(form.pattern, fullmatch=True).filter(form.takes)
        pattern = next((c.pattern for c in constraints if getattr(c, "pattern", None)), None)
        return _NAMES if pattern is None else st.from_regex(pattern, fullmatch=True)
    return _ANYTHING


def _flat(metadata: tuple[Any, ...]) -> tuple[Any, ...]:
    """`Field(...)` within `Annotated` holds its constraints in a list of its own."""
    return tuple(c for m in metadata for c in (m.metadata if isinstance(m, FieldInfo) else (m,)))
