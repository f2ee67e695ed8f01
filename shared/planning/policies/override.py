"""`override`: other properties and traits for components, further components, or a choice of them.

Differs from KubeVela: a name with `*` must match as a whole (there `web` also meant `web-admin`); a component that is
replaced by one of another type keeps its name and its `dependsOn`; of several traits of one type the first is paired
with the first, the second with the second, and `disable` takes out all of that type.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from shared.contracts.identity import DNS_LABEL
from shared.contracts.plan import Finding
from shared.jobtypes.base import Parameters, Registry
from shared.planning.composing import Given, Layer, laid_over
from shared.planning.document import Component, TraitEntry
from shared.planning.findings import MAX_FINDINGS, did_you_mean
from shared.planning.limits import DEFAULT_LIMITS
from shared.planning.lookup import find_type
from shared.planning.policies.base import Composition, PolicyType, SecretPlace
from shared.planning.policies.meant import Meant

_PATTERN = re.compile(r"[-a-z0-9*]*\Z")
_LABEL = re.compile(DNS_LABEL)
Properties = Annotated[dict[str, Any], Field(default_factory=dict)]


class OverriddenTrait(Parameters):
    """Properties to lay over those of a component's trait, or a trait to add."""

    model_config = ConfigDict(extra="forbid")

    type: str
    """Type of the trait."""
    properties: Properties
    """Maps are merged, everything else replaces what was there."""
    disable: bool = False
    """Take the trait out."""


class OverriddenComponent(Parameters):
    """Which components, and what to lay over them."""

    model_config = ConfigDict(extra="forbid")

    name: str | None = None
    """A name, in which `*` stands for anything; left out: all components, or all of the type."""
    type: str | None = None
    """A component of another type is replaced; where no component has the name, one of this type is added."""
    properties: Properties
    """Maps are merged, everything else replaces what was there."""
    traits: list[OverriddenTrait] = Field(default_factory=list)
    """Paired with the component's by type; what has no pair is added."""


class OverrideParameters(Parameters):
    """What is different from the components as they stand in the document."""

    model_config = ConfigDict(extra="forbid")

    components: list[OverriddenComponent] = Field(default_factory=list)
    """What to lay over which components, one after the other."""
    selector: list[str] = Field(default_factory=list)
    """Names of the components that are carried out, `*` stands for anything; left out: all."""


def _compose(parameters: OverrideParameters, path: str, so_far: Composition, registry: Registry) -> Composition:
    meant = Meant(so_far.components, registry)
    seen = list(so_far.seen)
    errors = list(so_far.errors)
    laid = sum(len(one.layers) for one in so_far.components)
    for index, wanted in enumerate(parameters.components):
        here = f"{path}.components[{index}]"
        if wanted.name is not None and not _PATTERN.match(wanted.name):
            message = f"{wanted.name!r} is no name of a component: lower-case letters, digits, '-', and '*' for any"
            errors.append(Finding(path=f"{here}.name", code="InvalidName", message=message))
            continue
        met = meant.positions(wanted.name, wanted.type)
        laid += len(met) * (1 + len(wanted.traits))
        too_many = _too_many(wanted, here, [meant.components[i] for i in met], laid)
        if too_many is not None:
            errors.append(too_many)
            break
        for i in met:
            meant.replace(i, _overridden(wanted, here, meant.components[i], registry))
        if not met:
            added, wrong = _added(wanted, here, _names(meant, errors))
            seen += added
            errors += wrong
            for one in added:
                meant.append(one)
        seen += [meant.components[i] for i in met]
    chosen, unknown = _chosen(parameters.selector, meant, path, errors)
    return replace(so_far, components=chosen, seen=tuple(seen), errors=(*errors, *unknown))


def _names(meant: Meant, errors: Sequence[Finding]) -> list[str]:
    """To propose one of; not where there are more errors than anybody reads."""
    return [one.component.name for one in meant.components] if len(errors) < MAX_FINDINGS else []


def _chosen(
    selector: Sequence[str], meant: Meant, path: str, errors: Sequence[Finding]
) -> tuple[tuple[Given, ...], list[Finding]]:
    """The components that are carried out, and what is wrong with the choice."""
    if not selector:
        return tuple(meant.components), []
    chosen: set[int] = set()
    unknown: list[Finding] = []
    for position, pattern in enumerate(selector):
        met = meant.named(pattern)
        chosen.update(met)
        if not met:
            remedy = did_you_mean(pattern, _names(meant, [*errors, *unknown]))
            message = f"no component is called {pattern!r}"
            where = f"{path}.selector[{position}]"
            unknown.append(Finding(path=where, code="UnknownComponent", message=message, remedy=remedy))
    return tuple(meant.components[i] for i in sorted(chosen)), unknown


def _too_many(wanted: OverriddenComponent, path: str, met: Sequence[Given], laid: int) -> Finding | None:
    """Every override takes what the ones before have left."""
    most = DEFAULT_LIMITS.overrides_of_component
    for one in met:
        if len(one.layers) + 1 + min(len(wanted.traits), len(one.component.traits)) > most:
            message = f"more than {most} overrides of the component {one.component.name!r} and its traits"
            return Finding(path=path, code="TooMany", message=message, remedy="Join overrides of one component.")
    if laid > DEFAULT_LIMITS.overrides:
        message = f"with this, more than {DEFAULT_LIMITS.overrides} overrides of components and traits"
        return Finding(path=path, code="TooMany", message=message, remedy="Make several applications of it.")
    return None


def _same_type(one: str, other: str, registry: Registry) -> bool:
    known = find_type(registry.job_types, one)
    return one == other or (known is not None and known is find_type(registry.job_types, other))


def _overridden(wanted: OverriddenComponent, path: str, one: Given, registry: Registry) -> Given:
    base = one.component
    if wanted.type and not _same_type(wanted.type, base.type, registry):
        traits = [t for t in wanted.traits if not t.disable]
        component = base.model_copy(
            update={"type": wanted.type, "properties": wanted.properties, "traits": _entries(traits)}
        )
        layer = Layer(over=f"{one.path}.properties", path=f"{path}.properties", value=wanted.properties)
        of_type = Layer(over=f"{one.path}.type", path=f"{path}.type", value=wanted.type)
        return laid_over(one, component, _trait_paths(wanted, path), (layer, of_type))
    traits_, paths, layers = _merged_traits(wanted, path, one)
    properties = merged(base.properties, wanted.properties)
    component = base.model_copy(update={"properties": properties, "traits": tuple(traits_)})
    own = Layer(over=f"{one.path}.properties", path=f"{path}.properties", value=wanted.properties)
    return laid_over(one, component, tuple(paths), (own, *layers))


def merged(base: Any, over: Any) -> Any:
    """Maps are merged; of anything else what lies on top counts, be it zero or null. What stays is shared."""
    if not isinstance(base, Mapping) or not isinstance(over, Mapping):
        return over
    result = dict(base)
    for key, value in over.items():
        result[key] = merged(base[key], value) if key in base else value
    return result


def _merged_traits(
    wanted: OverriddenComponent, path: str, one: Given
) -> tuple[list[TraitEntry], list[str], list[Layer]]:
    entries: list[TraitEntry] = []
    paths: list[str] = []
    layers: list[Layer] = []
    by_type: dict[str, list[tuple[int, OverriddenTrait]]] = {}
    for index, trait in enumerate(wanted.traits):
        by_type.setdefault(trait.type, []).append((index, trait))
    for entry, place in zip(one.component.traits, one.trait_paths, strict=True):
        over = by_type.get(entry.type, [])
        if any(trait.disable for _, trait in over):
            continue
        if over:
            index, trait = over.pop(0)
            there = f"{path}.traits[{index}].properties"
            layers.append(Layer(over=f"{place}.properties", path=there, value=trait.properties))
            entry = entry.model_copy(update={"properties": merged(entry.properties, trait.properties)})  # noqa: PLW2901 - laid over
        entries.append(entry)
        paths.append(place)
    left = {id(trait) for over in by_type.values() for _, trait in over if not trait.disable}
    for index, trait in enumerate(wanted.traits):
        if id(trait) in left:
            entries += _entries([trait])
            paths.append(f"{path}.traits[{index}]")
    return entries, paths, layers


def _entries(traits: Iterable[OverriddenTrait]) -> tuple[TraitEntry, ...]:
    return tuple(TraitEntry(type=t.type, properties=t.properties) for t in traits)


def _trait_paths(wanted: OverriddenComponent, path: str) -> tuple[str, ...]:
    return tuple(f"{path}.traits[{i}]" for i, trait in enumerate(wanted.traits) if not trait.disable)


def _added(wanted: OverriddenComponent, path: str, known: Sequence[str]) -> tuple[list[Given], list[Finding]]:
    """A component that the document does not have yet, if the override says enough to be one."""
    name = wanted.name or ""
    if not name or "*" in name:
        message = f"no component is called {name!r}" if name else f"no component is of type {wanted.type!r}"
        return [], [Finding(path=path, code="UnknownComponent", message=message, remedy=did_you_mean(name, known))]
    if not wanted.type:
        message, remedy = (
            f"there is no component {name!r}, and to add one a `type` is needed",
            did_you_mean(name, known),
        )
        return [], [Finding(path=f"{path}.name", code="UnknownComponent", message=message, remedy=remedy)]
    if not _LABEL.match(name):
        message = f"{name!r} is no name for a component: at most 63 characters, with a letter or digit at both ends"
        return [], [Finding(path=f"{path}.name", code="InvalidName", message=message)]
    traits = _entries(t for t in wanted.traits if not t.disable)
    component = Component(name=name, type=wanted.type, properties=wanted.properties, traits=traits)
    return [Given(component=component, path=path, trait_paths=_trait_paths(wanted, path))], []


def _secret_places(
    parameters: OverrideParameters, components: Sequence[Given], registry: Registry
) -> Iterator[SecretPlace]:
    meant = Meant(components, registry)
    for index, wanted in enumerate(parameters.components):
        # Those that it has replaced or added are of its type by now.
        met = [components[i].component for i in meant.positions(wanted.name, wanted.type)]
        names = tuple(dict.fromkeys(component.name for component in met))
        for type_ in dict.fromkeys([wanted.type] if wanted.type else [component.type for component in met]):
            where = ("components", index, "properties")
            yield SecretPlace(path=where, properties=wanted.properties, name=type_, components=names)
        for position, trait in enumerate(wanted.traits):
            where_ = ("components", index, "traits", position, "properties")
            yield SecretPlace(
                path=where_, properties=trait.properties, name=trait.type, of_trait=True, components=names
            )


OVERRIDE = PolicyType(
    name="override",
    title="Other properties and traits for components, further components, or a choice of them",
    parameters=OverrideParameters,
    compose=_compose,
    secret_places=_secret_places,
    examples=(
        {
            "components": [
                {
                    "name": "web",
                    "properties": {"image": "registry.example/shop:1.5-rc1"},
                    "traits": [{"type": "scaler", "properties": {"replicas": 1}}],
                }
            ]
        },
    ),
)
