"""`read-only`: objects that are never written.

Differs from KubeVela: an object that was written by an earlier generation is given up, and never deleted.
"""

from pydantic import Field

from shared.contracts.plan import Treatment
from shared.jobtypes.base import Parameters
from shared.planning.policies.base import Made, PolicyType
from shared.planning.policies.merging import joined
from shared.planning.policies.selectors import Selector, matching


class ReadOnlyRule(Parameters):
    """Some objects."""

    selector: Selector


class ReadOnlyParameters(Parameters):
    """Objects that are never written; they have to exist."""

    rules: list[ReadOnlyRule] = Field(default_factory=list)
    """Each names some objects."""


def _treat(parameters: ReadOnlyParameters, made: Made, treatment: Treatment) -> Treatment:
    met = matching(parameters.rules, made) is not None
    return treatment.model_copy(update={"read_only": True}) if met else treatment


READ_ONLY = PolicyType(
    name="read-only",
    title="Objects that are never written and must exist",
    parameters=ReadOnlyParameters,
    treat=_treat,
    merge=joined,
    examples=({"rules": [{"selector": {"resourceTypes": ["ConfigMap"], "resourceNames": ["cluster-info"]}}]},),
)
