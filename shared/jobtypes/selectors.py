"""Label selectors, as parameters of scheduling have them."""

from collections.abc import Sequence
from typing import Any, Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from shared.jobtypes.fields import LabelKey, Labels, LabelValue
from shared.jobtypes.probes import Closed


def check_values(operator: str, values: Sequence[Any] | None) -> None:
    """Raises PydanticCustomError where a condition has no values and needs some, or the other way round."""
    if operator in ("In", "NotIn") and not values:
        raise PydanticCustomError("missing", "the operator {operator} needs values", {"operator": operator})
    if operator in ("Exists", "DoesNotExist") and values:
        raise PydanticCustomError("two_forms", "the operator {operator} takes no values", {"operator": operator})
    if operator in ("Gt", "Lt") and len(values or ()) != 1:
        raise PydanticCustomError("missing", "the operator {operator} needs one value", {"operator": operator})


class LabelRequirement(Closed):
    """A condition on a label."""

    key: LabelKey
    """Name of the label."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"] = "In"
    """How the label compares."""
    values: list[LabelValue] | None = None
    """Values for `In` and `NotIn`."""

    @model_validator(mode="after")
    def _values_of_its_operator(self) -> Self:
        check_values(self.operator, self.values)
        return self


class LabelSelector(Closed):
    """Selects by labels; all conditions have to hold."""

    matchLabels: Labels | None = None
    """Labels with their values."""
    matchExpressions: list[LabelRequirement] | None = None
    """Conditions on labels."""
