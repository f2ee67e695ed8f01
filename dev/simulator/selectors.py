"""Label and field selectors: the query strings, and the LabelSelector of workloads and claims."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from dev.simulator.errors import ApiError, bad_request
from dev.simulator.kinds import Kind
from dev.simulator.objects import Object, labels_of

Predicate = Callable[[Object], bool]
LabelPredicate = Callable[[Mapping[str, str]], bool]

_KEY = r"(?:[A-Za-z0-9.\-]+/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?"
_VALUE = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?"
_SET_BASED = re.compile(rf"({_KEY})\s+(in|notin)\s+\(([^()]*)\)")
_EQUALITY = re.compile(rf"({_KEY})\s*(==|=|!=)\s*({_VALUE})")
_EXISTS = re.compile(rf"(!?)\s*({_KEY})")
_LABEL_VALUE = re.compile(_VALUE)


def parse_labels(text: str) -> LabelPredicate | None:
    """Parse a labelSelector parameter; None selects everything.

    Raises:
        ApiError: 400, the text is no selector.
    """
    requirements = [_requirement(part) for part in _split(text)]
    if not requirements:
        return None
    return lambda labels: all(requirement(labels) for requirement in requirements)


def _split(text: str) -> list[str]:
    """Split at the commas that stand outside parentheses."""
    parts = [part.strip() for part in re.split(r",(?![^()]*\))", text)]
    return [part for part in parts if part] if len(parts) == 1 else parts


def _requirement(text: str) -> LabelPredicate:
    if found := _SET_BASED.fullmatch(text):
        values = frozenset(value.strip() for value in found[3].split(","))
        if not all(_LABEL_VALUE.fullmatch(value) for value in values):
            raise _unparsable(text)
        return _in(found[1], values) if found[2] == "in" else _not_in(found[1], values)
    if found := _EQUALITY.fullmatch(text):
        values = frozenset((found[3],))
        return _not_in(found[1], values) if found[2] == "!=" else _in(found[1], values)
    if found := _EXISTS.fullmatch(text):
        return _absent(found[2]) if found[1] else _exists(found[2])
    raise _unparsable(text)


def _unparsable(text: str) -> ApiError:
    return bad_request(f"unable to parse requirement: found '{text}', expected a label requirement")


def _in(key: str, values: frozenset[str]) -> LabelPredicate:
    return lambda labels: key in labels and labels[key] in values


def _not_in(key: str, values: frozenset[str]) -> LabelPredicate:
    return lambda labels: labels.get(key) not in values


def _exists(key: str) -> LabelPredicate:
    return lambda labels: key in labels


def _absent(key: str) -> LabelPredicate:
    return lambda labels: key not in labels


def label_selector(selector: Mapping[str, Any]) -> LabelPredicate:
    """Turn a metav1.LabelSelector into a predicate; the empty selector selects everything."""
    requirements = [_in(key, frozenset((value,))) for key, value in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or ():
        key, values = expression.get("key", ""), frozenset(expression.get("values") or ())
        match expression.get("operator"):
            case "In":
                requirements.append(_in(key, values))
            case "NotIn":
                requirements.append(_not_in(key, values))
            case "Exists":
                requirements.append(_exists(key))
            case _:
                requirements.append(_absent(key))
    return lambda labels: all(requirement(labels) for requirement in requirements)


def parse_fields(kind: Kind, text: str) -> Predicate | None:
    """Parse a fieldSelector parameter; None selects everything.

    Raises:
        ApiError: 400, the text is no selector or the kind does not select by this field.
    """
    requirements: list[Predicate] = []
    for part in filter(None, text.split(",")):
        found = re.fullmatch(r"([A-Za-z.]+)(==|=|!=)(.*)", part)
        if found is None:
            raise bad_request(f"invalid field selector: '{part}'; can't understand '{part}'")
        field, operator, value = found.groups()
        if field not in {"metadata.name", "metadata.namespace", *kind.selectable}:
            if kind.selectable:
                raise bad_request(f"field label not supported: {field}")
            only = 'only "metadata.name", "metadata.namespace"'
            raise bad_request(f'"{field}" is not a known field selector: {only}')
        requirements.append(_field_requirement(field, value, equal=operator != "!="))
    if not requirements:
        return None
    return lambda obj: all(requirement(obj) for requirement in requirements)


def _field_requirement(field: str, value: str, *, equal: bool) -> Predicate:
    path = field.split(".")

    def requirement(obj: Object) -> bool:
        found: Any = obj
        for key in path:
            found = found.get(key) if isinstance(found, dict) else None
        shown = str(found).lower() if isinstance(found, bool) else str(found or "")
        return (shown == value) is equal

    return requirement


def selection(kind: Kind, labels: str, fields: str) -> Predicate | None:
    """Combine both selectors of a list or watch; None selects everything.

    Raises:
        ApiError: 400, one of the selectors is wrong.
    """
    by_labels, by_fields = parse_labels(labels), parse_fields(kind, fields)
    if by_labels is None:
        return by_fields
    if by_fields is None:
        return lambda obj: by_labels(labels_of(obj))
    return lambda obj: by_labels(labels_of(obj)) and by_fields(obj)
