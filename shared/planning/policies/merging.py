"""How several policies of one rule-based type become one: rules are joined, true beats false, else the first counts."""

from collections.abc import Sequence
from typing import Any, TypeVar

from shared.jobtypes.base import Parameters

P = TypeVar("P", bound=Parameters)


def joined(given: Sequence[P]) -> P:
    """One policy that says what all of them do."""
    head, *rest = given
    if not rest:
        return head
    return head.model_copy(
        update={name: _joined([getattr(one, name) for one in given]) for name in type(head).model_fields}
    )


def _joined(values: Sequence[Any]) -> Any:
    if isinstance(values[0], list):
        return [item for value in values for item in value]
    if isinstance(values[0], bool):
        return any(values)
    return next((value for value in values if value is not None), None)
