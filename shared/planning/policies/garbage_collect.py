"""`garbage-collect`: what becomes of objects that are no longer wanted.

Differs from KubeVela: volumes outlive the application unless a rule names them, and an object whose rule says `never`
is given up only when it is no longer wanted. A rule counts as it was when the object was last applied.
"""

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from shared.contracts.plan import Collection, Finding, Retention, Treatment
from shared.jobtypes.base import Parameters
from shared.planning.policies.base import Made, PolicyType
from shared.planning.policies.merging import joined
from shared.planning.policies.selectors import Selector, matching


class CollectRule(Parameters):
    """What becomes of some objects."""

    selector: Selector
    strategy: Literal["onAppUpdate", "onAppDelete", "never"] = "onAppUpdate"
    """Deleted with the update that leaves them out, only with the application, or never: then they are nobody's."""
    propagation: Literal["orphan", "cascading"] | None = None
    """`orphan`: what controllers made of them, such as pods, stays."""


class GarbageCollectParameters(Parameters):
    """When and in which order objects are deleted that are no longer wanted."""

    applicationRevisionLimit: int | None = None
    """Without effect: generations are kept by the platform."""
    keepLegacyResource: bool = False
    """What an update leaves out stays until the application is deleted."""
    continueOnFailure: bool = False
    """Delete also when the run has failed; otherwise only once it has succeeded."""
    order: Literal["dependency"] | None = None
    """What depends on others is deleted before them."""
    rules: list[CollectRule] = Field(default_factory=list)
    """The first that matches an object counts."""


def _treat(parameters: GarbageCollectParameters, made: Made, treatment: Treatment) -> Treatment:
    rule = matching(parameters.rules, made)
    if rule is None:
        return treatment
    said = {"retention": Retention(rule.strategy), "orphan_dependents": rule.propagation == "orphan"}
    return treatment.model_copy(update={"disposal": treatment.disposal.model_copy(update=said)})


def _collect(parameters: GarbageCollectParameters) -> Collection:
    return Collection(
        keep_legacy=parameters.keepLegacyResource,
        on_failure=parameters.continueOnFailure,
        by_dependency=parameters.order is not None,
    )


def _warn(parameters: GarbageCollectParameters, path: str, _merged: GarbageCollectParameters) -> Iterable[Finding]:
    if parameters.applicationRevisionLimit is not None:
        message = "generations are kept by the platform"
        yield Finding(path=f"{path}.applicationRevisionLimit", code="NoEffect", message=message)


GARBAGE_COLLECT = PolicyType(
    name="garbage-collect",
    title="What becomes of objects that are no longer wanted",
    parameters=GarbageCollectParameters,
    treat=_treat,
    collect=_collect,
    merge=joined,
    warn=_warn,
    examples=(
        {
            "order": "dependency",
            "rules": [
                {"selector": {"resourceTypes": ["PersistentVolumeClaim"]}, "strategy": "onAppDelete"},
                {"selector": {"componentNames": ["schema"]}, "strategy": "never"},
            ],
        },
    ),
)
