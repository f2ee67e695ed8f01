"""Which objects a rule is about."""

from collections.abc import Callable, Collection, Sequence
from functools import cached_property
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
        return bool(self._asked) and not any(wanted.isdisjoint(have(made)) for wanted, have in self._asked)

    @cached_property
    def _asked(self) -> tuple[tuple[frozenset[str], Callable[[Made], Collection[str]]], ...]:
        """What is given, and what to hold against it of an object: a selector is held against every one."""
        asked: tuple[tuple[Sequence[str], Callable[[Made], Collection[str]]], ...] = (
            (self.componentNames, lambda made: made.components),
            (self.componentTypes, lambda made: made.component_types),
            (self.oamTypes, lambda made: ("TRAIT" if made.trait_types else "WORKLOAD",)),
            (self.traitTypes, lambda made: made.trait_types),
            (self.resourceTypes, lambda made: (made.kind,)),
            (self.resourceNames, lambda made: (made.name,)),
        )
        return tuple((frozenset(wanted), have) for wanted, have in asked if wanted)


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
