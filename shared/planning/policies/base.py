"""The form of a policy type: what a policy does to a plan, as functions that planning calls in turn.

A policy says where components go (`place`), what they are (`compose`), how their objects are treated (`treat`), or what
becomes of objects that are no longer wanted (`collect`). A type has those that it needs.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from shared.contracts.plan import Collection, Finding, Treatment
from shared.jobtypes.base import Parameters, Registry
from shared.planning.composing import Given
from shared.planning.trees import PathElement

P = TypeVar("P", bound=Parameters)


@dataclass(frozen=True, kw_only=True)
class Destination:
    """Where a document wants to go."""

    clusters: tuple[str, ...] = ()
    """In the document's order; `local` stands for the default cluster."""
    labels: Mapping[str, str] | None = None
    """Every cluster that has all these labels; instead of names."""
    allow_empty: bool = False
    """No cluster may have them."""
    namespace: str = ""
    """Into which every object goes; empty: each where it says."""
    path: str = ""
    """Of the policy's properties in the document."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a selector can know of an object."""

    components: frozenset[str]
    """The name of the component that it is of, and of the one that this is a copy of."""
    component_types: frozenset[str]
    """The component's type by all its names, as are those of the trait."""
    trait_types: frozenset[str] = frozenset()
    """Of the trait that made it; empty for a workload."""
    kind: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Composition:
    """The components as policies have left them, and what is wrong with that."""

    components: tuple[Given, ...]
    seen: tuple[Given, ...] = ()
    """All components that there have been on the way, in every state that they had."""
    errors: tuple[Finding, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SecretPlace:
    """Properties within a policy that may hold secret values, as an entry of this type would."""

    path: tuple[PathElement, ...]
    """Into the policy's properties."""
    properties: Mapping[str, Any]
    name: str
    """Of a job type, or where `of_trait` of a trait."""
    of_trait: bool = False
    components: tuple[str, ...] = ()
    """Names of the components that are meant."""


Place = Callable[[P, str], Destination]
Compose = Callable[[P, str, Composition, Registry], Composition]
"""Takes the parameters, the path of the policy's properties, and what is there so far."""
Treat = Callable[[P, Made, Treatment], Treatment]
Collect = Callable[[P], Collection]
SecretPlaces = Callable[[P, Sequence[Given], Registry], Iterable[SecretPlace]]


def nothing_wrong(_parameters: Parameters, _path: str, _merged: Parameters) -> Iterable[Finding]:
    """Of types whose parameters say it all."""
    return ()


def no_secret_places(_parameters: Parameters, _given: Sequence[Given], _registry: Registry) -> Iterable[SecretPlace]:
    """Of types that hold no properties of others."""
    return ()


def first(parameters: Sequence[P]) -> P:
    """Of several policies of a type the first counts."""
    return parameters[0]


@dataclass(frozen=True, kw_only=True)
class PolicyType(Generic[P]):
    """A type of policy."""

    name: str
    title: str
    """One line for people."""
    parameters: type[P]
    place: Place[P] | None = None
    """Several: the union."""
    compose: Compose[P] | None = None
    """Several: one after the other."""
    treat: Treat[P] | None = None
    collect: Collect[P] | None = None
    merge: Callable[[Sequence[P]], P] = first
    """Several, for `treat` and `collect`."""
    warn: Callable[[P, str, P], Iterable[Finding]] = nothing_wrong
    """Warnings about well-formed parameters, by their path and what all policies of the type say together."""
    secret_places: SecretPlaces[P] = no_secret_places
    examples: tuple[Mapping[str, Any], ...] = ()
    """Properties, as somebody would write them."""
