"""JSON to plain values, strictly: no duplicate keys, no NaN, nothing too deep or too large."""

import json
import re
from typing import Any, NoReturn

from shared.planning.limits import Limits
from shared.planning.yaml_text import YamlProblem

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[\]{}]|-?Infinity|NaN', re.DOTALL)
"""A string (its end may be missing, so that no text makes the search start over), a bracket, or a false number."""
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
_INT64 = 2**63


class NotJson(ValueError):
    """The text is no JSON, or has a fault that the YAML reader can point at."""


def load_json(text: str, limits: Limits) -> Any:
    """Read the text; raises NotJson where YAML should have a try, and YamlProblem for what is certainly wrong."""
    _check_depth(text, limits)

    def no_constant(constant: str) -> NoReturn:
        position = next((t.start() for t in _TOKEN.finditer(text) if t[0] == constant), 0)
        raise YamlProblem("InvalidNumber", f"{_where(text, position)}: {constant} is no number that JSON knows")

    try:
        value = json.loads(
            text, object_pairs_hook=_distinct, parse_constant=no_constant, parse_float=_finite, parse_int=_int64
        )
    except json.JSONDecodeError as error:
        raise NotJson(error.msg) from error
    if _SURROGATE.search(text):
        _check_text(value)
    return value


def _check_depth(text: str, limits: Limits) -> None:
    depth = 0
    for token in _TOKEN.finditer(text):
        match token[0]:
            case "{" | "[":
                depth += 1
                if depth > limits.depth:
                    raise NotJson("nested too deep")
            case "}" | "]":
                depth -= 1


def _where(text: str, position: int) -> str:
    line = text.count("\n", 0, position) + 1
    return f"line {line}, column {position - text.rfind(chr(10), 0, position)}"


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise NotJson("a key is given twice")
    return value


def _finite(text: str) -> float:
    number = float(text)
    if abs(number) == float("inf"):
        raise YamlProblem("InvalidNumber", "a number is too large", remedy="Write a text in quotes.")
    return number


def _int64(text: str) -> int:
    number = int(text) if len(text) < 40 else _INT64
    if not -_INT64 <= number < _INT64:
        raise YamlProblem("InvalidNumber", "a number does not fit into 64 bits", remedy="Write a text in quotes.")
    return number


def _check_text(value: Any) -> None:
    """Half a surrogate pair is no text: no encoding can write it."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise YamlProblem("InvalidText", "a text has half of a surrogate pair") from error
