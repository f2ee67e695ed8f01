"""`apply-once`: drift that stays.

Otherwise what others have changed is reverted when it is seen, and by every run. KubeVela reverts drift at intervals.
"""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from shared.contracts.fieldpath import EVERYTHING, parse
from shared.contracts.plan import Finding, KeptField, Treatment
from shared.jobtypes.base import Parameters
from shared.planning.policies.base import Made, PolicyType
from shared.planning.policies.merging import joined
from shared.planning.policies.selectors import Selector, matching


def _path(text: str) -> str:
    if text != EVERYTHING:
        parse(text)
    return text


FieldPath = Annotated[str, AfterValidator(_path)]


class ApplyOnceStrategy(Parameters):
    """Which fields, and when."""

    path: Annotated[list[FieldPath], Field(min_length=1)]
    """Fields such as `spec.replicas`; `*` is the whole object."""
    affect: Literal["onUpdate", "onStateKeep", ""] = ""
    """When the object changes, when it does not, or both."""


class ApplyOnceRule(Parameters):
    """Fields of some objects whose live values stay."""

    selector: Selector = Field(default_factory=Selector)
    strategy: ApplyOnceStrategy


class ApplyOnceParameters(Parameters):
    """What is applied once and then left to others."""

    enable: bool = False
    """Without it the policy does nothing; of several policies one that has it is enough."""
    rules: list[ApplyOnceRule] = Field(default_factory=list)
    """The first that matches an object counts. None: no object is written again unless it changes."""


def _treat(parameters: ApplyOnceParameters, made: Made, treatment: Treatment) -> Treatment:
    if not parameters.enable:
        return treatment
    if not parameters.rules:
        kept: tuple[KeptField, ...] = (KeptField(path=EVERYTHING, on_update=False),)
        return treatment.model_copy(update={"kept": kept})
    rule = matching(parameters.rules, made)
    if rule is None:
        return treatment
    when = {"on_update": rule.strategy.affect != "onStateKeep", "on_state_keep": rule.strategy.affect != "onUpdate"}
    kept = tuple(KeptField(path=path, **when) for path in rule.strategy.path)
    return treatment.model_copy(update={"kept": kept})


def _warn(_parameters: ApplyOnceParameters, path: str, merged: ApplyOnceParameters) -> Iterable[Finding]:
    if not merged.enable:
        message = "the policy does nothing unless it is enabled"
        yield Finding(path=path, code="NoEffect", message=message, remedy="Write `enable: true`.")


APPLY_ONCE = PolicyType(
    name="apply-once",
    title="Drift that stays instead of being reverted",
    parameters=ApplyOnceParameters,
    treat=_treat,
    merge=joined,
    warn=_warn,
    examples=(
        {
            "enable": True,
            "rules": [
                {
                    "selector": {"componentNames": ["web"], "resourceTypes": ["Deployment"]},
                    "strategy": {"path": ["spec.replicas"]},
                }
            ],
        },
    ),
)
