"""Label selectors, as parameters of scheduling have them."""

from typing import Literal

from shared.jobtypes.probes import Closed


class LabelRequirement(Closed):
    """A condition on a label."""

    key: str
    """Name of the label."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist"] = "In"
    """How the label compares."""
    values: list[str] | None = None
    """Values for `In` and `NotIn`."""


class LabelSelector(Closed):
    """Selects by labels; all conditions have to hold."""

    matchLabels: dict[str, str] | None = None
    """Labels with their values."""
    matchExpressions: list[LabelRequirement] | None = None
    """Conditions on labels."""
