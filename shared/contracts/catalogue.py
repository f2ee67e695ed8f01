"""Bodies of the HTTP API about the types that documents can use."""

from typing import Any

from shared.contracts.completion import CompletionRule
from shared.contracts.kinds import TypeKind
from shared.contracts.model import Contract


class TypeSummary(Contract):
    """A type as lists show it."""

    kind: TypeKind
    name: str
    title: str
    """One line."""
    aliases: tuple[str, ...] = ()
    version: int = 1
    """`<name>@v<version>` pins it."""
    supported: bool = True
    """False: documents with it are checked, and then refused with the sentence in `refusal`."""
    deprecated: bool = False
    successor: str = ""
    """What to use instead of a deprecated type."""


class ObjectCompletion(Contract):
    """When an object is done that a type makes."""

    kind: str
    """`apiVersion/Kind`; `*` for kinds that have no rule of their own."""
    words: str
    rule: CompletionRule | None
    """As observers evaluate it; null: done as soon as it is there."""


class TypeView(TypeSummary):
    """Everything about a type."""

    description: str
    notes: str = ""
    """What is peculiar to it, such as where and why it differs from KubeVela's."""
    refusal: str = ""
    kinds: tuple[str, ...] = ()
    """`apiVersion/Kind` of everything that it may create; `*` for anything that an admin grants."""
    completion: tuple[ObjectCompletion, ...] = ()
    runs_once: bool = False
    """It runs to its end, and then not again until its description changes."""
    examples: tuple[dict[str, Any], ...] = ()
    """Properties, as somebody would write them."""
    parameters: dict[str, Any]
    """JSON Schema 2020-12 of the properties."""


class TypePage(Contract):
    """Types, by kind and name."""

    items: tuple[TypeSummary, ...]
