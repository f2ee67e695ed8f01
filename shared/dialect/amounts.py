"""Kubernetes quantities, as far as the dialect has to understand them.

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
"""

import re
from decimal import ROUND_CEILING, Decimal

_QUANTITY = re.compile(r"\+?([0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]{1,2})?")
_PLAIN_SIZE = re.compile(r"[1-9][0-9]{0,30}(?:E|P|T|G|M|Ei|Pi|Ti|Gi|Mi|Ki)")
_KIB = 1024
_LIMIT_BYTES = 2**63
_FACTORS = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    **{unit: Decimal(1000) ** power for power, unit in enumerate("kMGTPE", 1)},
    **{f"{unit}i": Decimal(_KIB) ** power for power, unit in enumerate("KMGTPE", 1)},
}


def amount(text: str) -> Decimal | None:
    """The number that a quantity is; None for what is none, or is negative."""
    found = _QUANTITY.fullmatch(text)
    if found is None:
        return None
    number, unit = Decimal(found[1]), found[2] or ""
    return number * (
        Decimal(f"1{unit}") if unit[:1] in ("e", "E") and len(unit) > 1 and unit != "Ei" else _FACTORS[unit]
    )


def size(text: str) -> str | None:
    """A size of a volume in whole units, rounded up; None for what is none."""
    if _PLAIN_SIZE.fullmatch(text):
        return text
    number = amount(text)
    if number is None or not 0 < number < _LIMIT_BYTES:
        return None
    return f"{(number / _KIB).to_integral_value(ROUND_CEILING)}Ki"
