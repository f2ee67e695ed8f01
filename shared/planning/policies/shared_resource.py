"""`shared-resource`: objects that several applications share.

As in KubeVela an object that belongs to nobody is not shared unless `take-over` adopts it, and the new owner writes it
at its next run.
"""

from pydantic import Field

from shared.contracts.plan import Treatment
from shared.jobtypes.base import Parameters
from shared.planning.policies.base import Made, PolicyType
from shared.planning.policies.merging import joined
from shared.planning.policies.selectors import Selector, matching


class SharedResourceRule(Parameters):
    """Some objects."""

    selector: Selector


class SharedResourceParameters(Parameters):
    """The first application owns and writes, others sign; ownership passes on, and the last one deletes."""

    rules: list[SharedResourceRule] = Field(default_factory=list)
    """Each names some objects."""


def _treat(parameters: SharedResourceParameters, made: Made, treatment: Treatment) -> Treatment:
    met = matching(parameters.rules, made) is not None
    return treatment.model_copy(update={"shared": True}) if met else treatment


SHARED_RESOURCE = PolicyType(
    name="shared-resource",
    title="Objects that several applications share",
    parameters=SharedResourceParameters,
    treat=_treat,
    merge=joined,
    examples=({"rules": [{"selector": {"resourceTypes": ["ConfigMap"], "componentNames": ["settings"]}}]},),
)
