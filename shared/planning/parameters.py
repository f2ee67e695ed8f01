"""Validates a part of the document against its model, and says in plain words what is wrong with it."""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from shared.contracts import formats
from shared.contracts.identity import DNS_LABEL, DNS_SUBDOMAIN
from shared.contracts.naming import as_label
from shared.contracts.plan import Finding
from shared.planning.findings import MAX_FINDINGS, nearest
from shared.planning.trees import PathElement, path_text
from shared.planning.unknown_keys import keys_at

M = TypeVar("M", bound=BaseModel)

_WANTED = {
    "string_type": "a text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "a map",
    "model_type": "a map",
    "model_attributes_type": "a map",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "frozen_set_type": "a list",
    "none_required": "null",
}
_PATTERNS = {
    DNS_LABEL: "is no DNS label: at most 63 lower-case letters, digits and '-', with a letter or digit at both ends",
    DNS_SUBDOMAIN: "is no DNS name: lower-case letters, digits, '-' and '.', with a letter or digit at both ends",
}
_BOUNDS = {
    "greater_than_equal": ("must be at least {ge}", "OutOfRange"),
    "greater_than": ("must be greater than {gt}", "OutOfRange"),
    "less_than_equal": ("must be at most {le}", "OutOfRange"),
    "less_than": ("must be less than {lt}", "OutOfRange"),
    "string_too_short": ("must have at least {min_length} characters", "TooShort"),
    "string_too_long": ("must have at most {max_length} characters", "TooLong"),
    "too_short": ("must have at least {min_length} entries", "TooShort"),
    "too_long": ("must have at most {max_length} entries", "TooLong"),
}


def validate(model: type[M], value: Any, path: str) -> tuple[M | None, list[Finding]]:
    """The model of a value, or what is wrong with it."""
    try:
        return model.model_validate(value), []
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        return None, _findings(model, details[: MAX_FINDINGS + 1], value, path)


def _findings(model: type[BaseModel], details: Sequence[ErrorDetails], value: Any, path: str) -> list[Finding]:
    """One finding per place: the branches of a union each report theirs."""
    by_place: dict[str, Finding] = {}
    for detail in details:
        elements, found = _resolve(detail, value)
        if _is_miscounted(detail, details, found):
            continue
        place = path_text(path, *elements)
        if detail["type"] == "extra_forbidden":
            finding = _unknown_key(place, str(elements[-1]), keys_at(model, elements[:-1]))
        else:
            finding = _finding(detail, place, found)
        before = by_place.get(place)
        if before is None:
            by_place[place] = finding
        elif before.code == finding.code == "WrongType":
            joined = _either(before.message, finding.message)
            by_place[place] = before.model_copy(update={"message": joined})
    return list(by_place.values())


def _is_miscounted(detail: ErrorDetails, details: Iterable[ErrorDetails], found: Any) -> bool:
    """Pydantic counts only the entries that are right; the wrong ones have findings of their own."""
    if detail["type"] != "too_short" or not isinstance(found, list) or len(found) < detail["ctx"]["min_length"]:
        return False
    place = detail["loc"]
    return any(len(other["loc"]) > len(place) and other["loc"][: len(place)] == place for other in details)


def _either(one: str, other: str) -> str:
    wanted, _, found = one.partition(", but is ")
    alternative = other.partition(", but is ")[0].removeprefix("must be ")
    return one if alternative in wanted else f"{wanted} or {alternative}, but is {found}"


def _resolve(detail: ErrorDetails, value: Any) -> tuple[list[PathElement], Any]:
    """Follow the error's location into the value, past the names of union branches that pydantic puts between."""
    elements: list[PathElement] = []
    location = detail["loc"]
    for position, element in enumerate(location):
        last = position == len(location) - 1
        inside_map = isinstance(value, dict) and isinstance(element, str) and element in value
        if inside_map or (isinstance(value, list) and isinstance(element, int) and element < len(value)):
            elements.append(element)
            value = value[element]
        elif last and detail["type"] == "missing":
            elements.append(element)
            value = None
    return elements, value


def _finding(detail: ErrorDetails, path: str, found: Any) -> Finding:
    """The words never repeat the value: it may be a secret."""
    kind, context = detail["type"], detail.get("ctx", {})
    if kind in _WANTED:
        quotes = kind == "string_type" and isinstance(found, int | float)
        return Finding(
            path=path,
            code="WrongType",
            message=f"must be {_WANTED[kind]}, but is {described(found)}",
            remedy="Put the value in quotes." if quotes else "",
        )
    if kind in ("literal_error", "enum"):
        return _not_allowed(path, str(context.get("expected", "")), found)
    code, message = _in_words(detail, kind, context)
    # A name is no secret.
    named = kind == "string_pattern_mismatch" and context.get("pattern") == DNS_LABEL and isinstance(found, str)
    meant = as_label(found) if named else context.get("meant")
    return Finding(path=path, code=code, message=message, remedy=f"Call it {meant!r}." if meant else "")


def _unknown_key(path: str, key: str, known: Iterable[str]) -> Finding:
    meant = nearest(key, known)
    remedy = f"Did you mean {meant!r}?" if meant else ""
    return Finding(path=path, code="UnknownKey", message="is not known here", remedy=remedy)


def _in_words(detail: ErrorDetails, kind: str, context: dict[str, Any]) -> tuple[str, str]:
    if kind in _BOUNDS:
        words, code = _BOUNDS[kind]
        return code, words.format(**context)
    match kind:
        case "missing":
            return "Required", "is required" if detail["msg"] == "Field required" else detail["msg"]
        case "string_pattern_mismatch":
            pattern = str(context.get("pattern", ""))
            return "InvalidFormat", _PATTERNS.get(pattern, f"does not match {pattern}")
        case "unsupported":
            return "Unsupported", detail["msg"]
        case _:
            code = "InvalidFormat" if kind == formats.INVALID else "InvalidValue"
            return code, detail["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")


def _not_allowed(path: str, expected: str, found: Any) -> Finding:
    allowed = [word.strip("'\" ") for word in expected.replace(" or ", ", ").split(",")]
    meant = nearest(found, allowed) if isinstance(found, str) else ""
    return Finding(
        path=path,
        code="NotAllowed",
        message=f"must be one of {expected}",
        remedy=f"Did you mean {meant!r}?" if meant else "",
    )


def described(value: Any) -> str:
    """The JSON type of a value, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            # `3.0` and `1e1` are no whole numbers here, though they have whole values.
            return "a number" if isinstance(value, int) else "a decimal number"
        case str():
            return "a text"
        case list() | tuple():
            return "a list"
        case _:
            return "a map"
