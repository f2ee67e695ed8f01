"""`take-over`: objects of no application that are adopted.

An adopted object is the application's from then on, and deleted with it.
"""

from pydantic import Field

from shared.contracts.plan import Treatment
from shared.jobtypes.base import Parameters
from shared.planning.policies.base import Made, PolicyType
from shared.planning.policies.merging import joined
from shared.planning.policies.selectors import Selector, matching


class TakeOverRule(Parameters):
    """Some objects."""

    selector: Selector


class TakeOverParameters(Parameters):
    """Adopt objects that belong to no application; those of another application are never taken."""

    rules: list[TakeOverRule] = Field(default_factory=list)
    """Each names some objects."""


def _treat(parameters: TakeOverParameters, made: Made, treatment: Treatment) -> Treatment:
    met = matching(parameters.rules, made) is not None
    return treatment.model_copy(update={"take_over": True}) if met else treatment


TAKE_OVER = PolicyType(
    name="take-over",
    title="Objects of no application that are adopted",
    parameters=TakeOverParameters,
    treat=_treat,
    merge=joined,
    examples=({"rules": [{"selector": {"componentNames": ["legacy"]}}]},),
)
