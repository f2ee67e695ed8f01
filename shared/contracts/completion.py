"""Completion rules as data: when an object has succeeded, and when it has failed for good.

A rule travels as JSON in an annotation, so that an observer can judge objects of types it has never heard of.
Conditions compare fields of the live object with values or with other fields; an absent field takes the operand's
default.
"""

from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from shared.contracts.model import Contract

Scalar = str | int | Annotated[float, Field(allow_inf_nan=False)] | bool | None
"""JSON has no infinity, so a rule with one would change on its way."""


class FieldOperand(Contract):
    """A field of the object.

    `path` is dotted; a segment `name[key=value]` picks the first element of a list whose `key` equals `value`,
    and `name[0]` the element at that place.
    Example: `status.conditions[type=Available].status`. A segment of a map key that holds dots is written `["a.b/c"]`.
    """

    op: Literal["field"] = "field"
    path: str
    default: Scalar = None


class ValueOperand(Contract):
    """A constant; left out it is null, for an annotation leaves nulls out."""

    op: Literal["value"] = "value"
    value: Scalar = None


Operand = Annotated[FieldOperand | ValueOperand, Field(discriminator="op")]


class Compare(Contract):
    """`left <comparison> right`; operands of different types are unequal, and never smaller or greater."""

    op: Literal["compare"] = "compare"
    left: Operand
    comparison: Literal["==", "!=", ">=", ">", "<=", "<"]
    right: Operand


class AllOf(Contract):
    """True when every condition is; true when there is none."""

    op: Literal["all"] = "all"
    of: tuple["Condition", ...]


class AnyOf(Contract):
    """True when a condition is; false when there is none."""

    op: Literal["any"] = "any"
    of: tuple["Condition", ...]


class Not(Contract):
    """The opposite."""

    op: Literal["not"] = "not"
    of: "Condition"


Condition = Annotated[Compare | AllOf | AnyOf | Not, Field(discriminator="op")]


class CompletionRule(Contract):
    """Failure is judged before success; neither means that the object is still progressing."""

    success: Condition
    failure: Condition | None = None
    ready: Operand | None = None
    """How many of `desired` are there, for a progress bar."""
    desired: Operand | None = None
    health_only: bool = False
    """The object completes its step once it was applied.

    Its health is still watched (for what has no end of its own).
    """


for _model in (AllOf, AnyOf, Not, CompletionRule):
    _model.model_rebuild()

RULE: TypeAdapter[CompletionRule] = TypeAdapter(CompletionRule)


def read_path(obj: Any, path: str) -> Any:
    """Return what stands at `path` (see FieldOperand), or None where it leads nowhere."""
    current = obj
    for segment in _segments(path):
        if isinstance(segment, tuple):
            current = _element(current if isinstance(current, list) else [], *segment)
        else:
            current = current.get(segment) if isinstance(current, dict) else None
        if current is None:
            return None
    return current


def _element(items: list[Any], key: str, value: str) -> Any:
    if not value:
        return items[int(key)] if key.isdecimal() and int(key) < len(items) else None
    return next((i for i in items if isinstance(i, dict) and str(i.get(key)) == value), None)


@lru_cache(maxsize=1024)
def _segments(path: str) -> tuple[str | tuple[str, str], ...]:
    segments: list[str | tuple[str, str]] = []
    rest = path
    while rest:
        if rest.startswith('["'):
            name, _, rest = rest[2:].partition('"]')
            segments.append(name)
        elif rest.startswith("["):
            selector, _, rest = rest[1:].partition("]")
            key, _, value = selector.partition("=")
            segments.append((key, value))
        else:
            end = min((i for i in (rest.find("."), rest.find("[")) if i >= 0), default=len(rest))
            segments.append(rest[:end])
            rest = rest[end:]
        rest = rest.removeprefix(".")
    return tuple(segments)


def holds(condition: Compare | AllOf | AnyOf | Not, obj: dict[str, Any]) -> bool:
    """Evaluate a condition over a live object."""
    match condition:
        case AllOf(of=conditions):
            return all(holds(c, obj) for c in conditions)
        case AnyOf(of=conditions):
            return any(holds(c, obj) for c in conditions)
        case Not(of=inner):
            return not holds(inner, obj)
        case Compare(left=left, comparison=comparison, right=right):
            return _compare(operand(left, obj), comparison, operand(right, obj))


def operand(op: FieldOperand | ValueOperand, obj: dict[str, Any]) -> Any:
    """The operand's value over a live object."""
    if isinstance(op, ValueOperand):
        return op.value
    found = read_path(obj, op.path)
    return op.default if found is None else found


def _compare(left: Any, comparison: str, right: Any) -> bool:
    if comparison in ("==", "!="):
        equal = type(left) is type(right) and left == right
        return equal if comparison == "==" else not equal
    if type(left) is not type(right) or not isinstance(left, int | float | str):
        return False
    match comparison:
        case ">=":
            return bool(left >= right)
        case ">":
            return bool(left > right)
        case "<=":
            return bool(left <= right)
        case _:
            return bool(left < right)
