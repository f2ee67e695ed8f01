"""Sizes of volumes, as far as the dialect has to understand them."""

import re
from decimal import ROUND_CEILING

from shared.contracts.quantities import KIB, amount

_PLAIN_SIZE = re.compile(r"[1-9][0-9]{0,30}(?:E|P|T|G|M|Ei|Pi|Ti|Gi|Mi|Ki)")
_LIMIT_BYTES = 2**63


def size(text: str) -> str | None:
    """A size of a volume in whole units, rounded up; None for what is none."""
    if _PLAIN_SIZE.fullmatch(text):
        return text
    number = amount(text)
    if number is None or not 0 < number < _LIMIT_BYTES:
        return None
    return f"{(number / KIB).to_integral_value(ROUND_CEILING)}Ki"
