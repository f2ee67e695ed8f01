"""Several components that declare the same object: who wins, and who merely waits.

Of several that carry data the later one wins: the one that depends on the others, and where none does the last in the
document. Those that only want it to exist (volumes, a ConfigMap or Secret without data) have nothing to win.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from shared.contracts.identity import StepId
from shared.contracts.plan import ApplyMode, Override, PlannedObject
from shared.jobtypes.objects import group_kind
from shared.planning import graph
from shared.planning.rendering import DeclaredPart, Part

Identity = tuple[str, str, str, str]
"""API group, kind, namespace and name of an object: another version of its API does not make it another."""


def identity(obj: PlannedObject) -> Identity:
    """What makes the object one with another."""
    return (*group_kind(obj.manifest), obj.key.namespace, obj.key.name)


@dataclass(kw_only=True)
class Declarations:
    """All declared objects of an application."""

    kept: dict[str, list[DeclaredPart]] = field(default_factory=dict)
    """Component → its declared steps; one for each step id."""
    providers: dict[Identity, StepId] = field(default_factory=dict)
    """Object → the step after which it is there as it should be."""
    overridden_by: dict[StepId, StepId] = field(default_factory=dict)
    overrides: list[Override] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class _Carrier:
    component: str
    declared: DeclaredPart


def settle(parts: Sequence[Part], needs: Mapping[str, Collection[str]]) -> Declarations:
    """Decide for every declared object; `needs` are the components' `dependsOn`, and `parts` are in document order."""
    result = Declarations()
    carriers: dict[Identity, list[_Carrier]] = {}
    for part in parts:
        result.kept[part.component.name] = _once_each(part, result)
        for declared in result.kept[part.component.name]:
            carrier = _Carrier(component=part.component.name, declared=declared)
            carriers.setdefault(identity(declared.obj), []).append(carrier)
    for obj, group in carriers.items():
        with_data = [c for c in group if c.declared.obj.mode is ApplyMode.APPLY]
        if not with_data:
            result.providers[obj] = group[0].declared.step
            continue
        winner = _last(with_data, needs)
        result.providers[obj] = winner.declared.step
        for loser in with_data:
            if loser is not winner:
                result.overridden_by[loser.declared.step] = winner.declared.step
                result.overrides.append(_override(loser.declared, winner.declared))
    return result


def _once_each(part: Part, result: Declarations) -> list[DeclaredPart]:
    """One component that declares an object twice: the later data counts, and there is one step."""
    kept: dict[StepId, DeclaredPart] = {}
    for declared in part.declared:
        before = kept.get(declared.step)
        if before is None or before.obj.mode is ApplyMode.CREATE:
            kept[declared.step] = declared
        elif declared.obj.mode is ApplyMode.APPLY:
            result.overrides.append(_override(before, declared))
            kept[declared.step] = declared
    return list(kept.values())


def _last(group: Sequence[_Carrier], needs: Mapping[str, Collection[str]]) -> _Carrier:
    if len(group) == 1:
        return group[0]
    needed = graph.strictly_needed([c.component for c in group], needs)
    return [c for c in group if c.component not in needed][-1]


def _override(loser: DeclaredPart, winner: DeclaredPart) -> Override:
    return Override(
        key=winner.obj.key, loser=loser.step, loser_path=loser.path, winner=winner.step, winner_path=winner.path
    )
