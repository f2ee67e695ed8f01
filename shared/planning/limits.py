"""How large a document may be."""

from dataclasses import dataclass

DEFAULT_DEPTH = 64


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds that keep one document from tying up a process, and every message about it below the bus' limit."""

    body_bytes: int = 1024 * 1024
    """As sent, and again with aliases expanded. The bus takes 5.5 MiB: sealing makes secret values longer."""
    depth: int = DEFAULT_DEPTH
    """Of nested maps and lists; deep enough for any Kubernetes object."""
    nodes: int = 200_000
    """Maps, lists and scalars, aliases expanded."""
    components: int = 2_000
    traits: int = 10_000
    """Over all components."""
    traits_of_component: int = 100
    """Each takes what the ones before have made: work grows with the square of their number."""
    policies: int = 100
    policy_entries: int = 1_000
    """In the lists of their properties, over all policies: each is held against every component or object."""
    overrides: int = 10_000
    """Of components and traits, over all components; each takes what the ones before have left."""
    overrides_of_component: int = 100
    """Of it and its traits."""
    steps: int = 10_000
    """Of a plan, over all clusters."""


DEFAULT_LIMITS = Limits()
