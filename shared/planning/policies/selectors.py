"""Which objects a rule is about."""

from typing import Literal, Protocol, TypeVar

from pydantic import Field

from shared.jobtypes.base import Parameters
from shared.planning.policies.base import Made


class Selector(Parameters):
    """All that is given must match; where nothing is given, nothing does."""

    componentNames: list[str] = Field(default_factory=list)
    """Names of components; a copy answers to its own and to that of the component which it is a copy of."""
    componentTypes: list[str] = Field(default_factory=list)
    """Types of components, by any of their names."""
    oamTypes: list[Literal["WORKLOAD", "TRAIT"]] = Field(default_factory=list)
    """`WORKLOAD` for a component's main object, `TRAIT` for everything else."""
    traitTypes: list[str] = Field(default_factory=list)
    """`AuxiliaryWorkload` for what the component itself makes beside its main object."""
    resourceTypes: list[str] = Field(default_factory=list)
    """Kinds."""
    resourceNames: list[str] = Field(default_factory=list)
    """Names of objects."""

    def matches(self, made: Made) -> bool:
        """Whether the object is meant."""
        oam_types = frozenset({"TRAIT" if made.trait_types else "WORKLOAD"})
        asked = (
            (self.componentNames, made.components),
            (self.componentTypes, made.component_types),
            (self.oamTypes, oam_types),
            (self.traitTypes, made.trait_types),
            (self.resourceTypes, frozenset({made.kind})),
            (self.resourceNames, frozenset({made.name})),
        )
        given = [(wanted, have) for wanted, have in asked if wanted]
        return bool(given) and all(have.intersection(wanted) for wanted, have in given)


class Rule(Protocol):
    """A rule of a policy."""

    @property
    def selector(self) -> Selector:
        """Which objects it is about."""
        ...


R = TypeVar("R", bound=Rule)


def matching(rules: list[R], made: Made) -> R | None:
    """The first rule that is about the object."""
    return next((rule for rule in rules if rule.selector.matches(made)), None)
