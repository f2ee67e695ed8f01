"""Which components a policy means: by name, in which `*` stands for anything, or by type."""

from collections.abc import Iterable
from typing import Any

from shared.jobtypes.base import JobType, Registry
from shared.planning.composing import Given
from shared.planning.lookup import find_type


def matching(pattern: str, names: Iterable[str]) -> list[str]:
    """The names that are meant as a whole; in time that grows with their length only, however many `*` there are."""
    first, *others = pattern.split("*")
    if not others:
        return [name for name in names if name == pattern]
    *between, last = others
    shortest = len(first) + len(last)
    near = [name for name in names if name.startswith(first) and name.endswith(last) and len(name) >= shortest]
    return [name for name in near if _in_order(between, name, len(first), len(name) - len(last))]


def _in_order(parts: Iterable[str], name: str, at: int, end: int) -> bool:
    """Whether the parts follow each other in that stretch of the name."""
    for part in parts:
        found = name.find(part, at, end)
        if found < 0:
            return False
        at = found + len(part)
    return True


class Meant:
    """Components in a fixed order; one that is named is found without looking at the others."""

    def __init__(self, components: Iterable[Given], registry: Registry) -> None:
        self.components: list[Given] = []
        self._registry = registry
        self._positions: dict[str, list[int]] = {}
        self._types: list[str | JobType[Any]] = []
        self._known: dict[str, str | JobType[Any]] = {}
        for one in components:
            self.append(one)

    def append(self, one: Given) -> None:
        """One more, at the end."""
        for name in set(one.names):
            self._positions.setdefault(name, []).append(len(self.components))
        self.components.append(one)
        self._types.append(self._type(one.component.type))

    def replace(self, position: int, one: Given) -> None:
        """Another of the same names."""
        self.components[position] = one
        self._types[position] = self._type(one.component.type)

    def positions(self, name: str | None, type_: str | None) -> list[int]:
        """Of those of the name; without a name of those of the type, and without either of all."""
        if name:
            return self.named(name)
        if not type_:
            return list(range(len(self.components)))
        wanted = self._type(type_)
        return [position for position, found in enumerate(self._types) if found is wanted or found == wanted]

    def named(self, pattern: str) -> list[int]:
        """Of those whose name, or that of the component which they are a copy of, is meant."""
        if "*" not in pattern:
            return self._positions.get(pattern, [])
        return sorted({p for name in matching(pattern, self._positions) for p in self._positions[name]})

    def _type(self, name: str) -> str | JobType[Any]:
        """What a type is by all its names."""
        if name not in self._known:
            self._known[name] = find_type(self._registry.job_types, name) or name
        return self._known[name]
