"""Resource quantities (k8s.io/apimachinery/pkg/api/resource): parsed exactly, written canonically."""

import re
from fractions import Fraction
from typing import Any

_QUANTITY = re.compile(r"([+-]?)(\d+\.?\d*|\.\d+)(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]?|[eE][+-]?\d+)")
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_DECIMAL = {"n": -3, "u": -2, "m": -1, "": 0, "k": 1, "M": 2, "G": 3, "T": 4, "P": 5, "E": 6}
_NANO = 10**9

WRONG_FORMAT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"


def parse_quantity(value: Any) -> Fraction:
    """Return the exact number that a quantity stands for.

    Raises:
        ValueError: The value is no quantity.
    """
    number, suffix = _parts(value)
    if suffix in _BINARY:
        return number * Fraction(1024) ** _BINARY[suffix]
    if suffix in _DECIMAL:
        return number * Fraction(1000) ** _DECIMAL[suffix]
    return number * Fraction(10) ** int(suffix[1:])


def _parts(value: Any) -> tuple[Fraction, str]:
    text = str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""
    found = _QUANTITY.fullmatch(text)
    if found is None:
        raise ValueError(WRONG_FORMAT)
    sign = -1 if found[1] == "-" else 1
    return sign * Fraction(found[2] if not found[2].startswith(".") else f"0{found[2]}"), found[3]


def canonical_quantity(value: Any) -> str:
    """Write a quantity as the API server stores it: 1000m becomes 1, 1024Mi becomes 1Gi.

    Raises:
        ValueError: The value is no quantity.
    """
    number, suffix = _parts(value)
    exact = parse_quantity(value)
    if suffix in _BINARY and exact.denominator == 1:
        return _with_largest_suffix(exact, {name: Fraction(1024**power) for name, power in _BINARY.items()})
    if suffix[:1] in {"e", "E"} and suffix not in _DECIMAL:
        return f"{number}{suffix}"
    exact = Fraction(-(-exact * _NANO // 1), _NANO)  # Kubernetes rounds up to nano.
    return _with_largest_suffix(exact, {name: Fraction(1000) ** power for name, power in _DECIMAL.items() if name})


def _with_largest_suffix(exact: Fraction, suffixes: dict[str, Fraction]) -> str:
    if exact == 0:
        return "0"
    candidates = {"": Fraction(1)} | suffixes
    for suffix, factor in sorted(candidates.items(), key=lambda item: -item[1]):
        if (exact / factor).denominator == 1:
            return f"{exact / factor}{suffix}"
    return str(exact)
