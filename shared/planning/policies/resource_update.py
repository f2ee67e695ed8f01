"""`resource-update`: objects that are replaced, or deleted and made anew, instead of being patched.

Differs from KubeVela: fields that the server fills in do not count as changed, an object is made anew only by an update
that changes it, and replacing keeps finalizers and owners, which nobody may lose by accident.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from shared.contracts.fieldpath import parse
from shared.contracts.plan import Treatment
from shared.jobtypes.base import Parameters
from shared.planning.policies.base import Made, PolicyType
from shared.planning.policies.merging import joined
from shared.planning.policies.selectors import Selector, matching


def _path(text: str) -> str:
    parse(text)
    return text


class UpdateStrategy(Parameters):
    """How some objects are changed."""

    op: Literal["patch", "replace"] = "patch"
    """`replace` also takes out what others have written into the object."""
    recreateFields: list[Annotated[str, AfterValidator(_path)]] = Field(default_factory=list)
    """Fields such as `spec.selector`: where one changes, the object is deleted and made anew."""


class UpdateRule(Parameters):
    """How some objects are changed."""

    selector: Selector
    strategy: UpdateStrategy


class ResourceUpdateParameters(Parameters):
    """How objects are changed that exist already."""

    rules: list[UpdateRule] = Field(default_factory=list)
    """The first that matches an object counts."""


def _treat(parameters: ResourceUpdateParameters, made: Made, treatment: Treatment) -> Treatment:
    rule = matching(parameters.rules, made)
    if rule is None:
        return treatment
    strategy = rule.strategy
    fields = tuple(dict.fromkeys(strategy.recreateFields))
    return treatment.model_copy(update={"replace": strategy.op == "replace", "recreate_fields": fields})


RESOURCE_UPDATE = PolicyType(
    name="resource-update",
    title="Objects that are replaced or made anew instead of being patched",
    parameters=ResourceUpdateParameters,
    treat=_treat,
    merge=joined,
    examples=(
        {
            "rules": [
                {
                    "selector": {"resourceTypes": ["Job"]},
                    "strategy": {"op": "replace", "recreateFields": ["spec.template.spec.containers[0].image"]},
                }
            ]
        },
    ),
)
