"""Components that a document takes from a template: another application, whose components are copied once."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from shared.contracts import annotations
from shared.contracts.cloning import clone
from shared.contracts.naming import joined
from shared.dialect.converted import Clone, Converted
from shared.dialect.findings import Code, Notes
from shared.dialect.model import Application as DialectApplication
from shared.dialect.model import Component, Traits
from shared.dialect.ordering import Order, check_edges
from shared.dialect.paths import At, PathMap, check_written, written
from shared.dialect.reentering import not_reentered, reenter
from shared.dialect.renaming import Renaming
from shared.planning.document import Application, Policy, Spec
from shared.planning.document import Component as OamComponent
from shared.planning.findings import DocumentRejected
from shared.planning.limits import DEFAULT_LIMITS, Limits
from shared.planning.trees import MALFORMED, mapping, path_text

SHARING = {"default": "shared-resource", "ignore": "read-only", "force": "take-over"}
"""Strategy → policy. Go's `default` goes by the kind of an object alone; a policy goes by kind and name."""
_TYPES = {"webservice": "webservice", "store": "store", "statefulset": "store", "config": "config", "secret": "secret"}
"""Of what can be copied: types of the registry → the dialect's."""
_MAX_TEMPLATES = 20


def clones_of(app: DialectApplication, ordered: Order, notes: Notes) -> tuple[Clone, ...]:
    """The templates that the document uses, in its order."""
    by_id: dict[str, list[Component]] = {}
    for component in app.components:
        if component.template is not None:
            by_id.setdefault(component.template.id.value, []).append(component)
            _warn_of_rest(component, notes)
    ordinary = [one for one in app.components if one.template is None and one.name.value in ordered.waits_for]
    waited_for = {one.value for component in ordinary for one in ordered.waits_for[component.name.value]}
    after = tuple(one.name for one in ordinary if one.name.value not in waited_for)
    if len(by_id) > _MAX_TEMPLATES:
        notes.error("component", "TooMany", f"{len(by_id)} templates, {_MAX_TEMPLATES} are allowed")
    return tuple(
        Clone(
            template=entries[0].template.id,
            entries=tuple(entries),
            app=app.name.value,
            after=after,
            waits_for={
                e.name.value: ordered.waits_for[e.name.value] for e in entries if e.name.value in ordered.waits_for
            },
        )
        for entries in by_id.values()
        if entries[0].template is not None
    )


def _warn_of_rest(entry: Component, notes: Notes) -> None:
    """An entry says the name, `env` and `secret`; everything else is the template's."""
    rest = {
        "image": entry.image.value,
        "replicas": entry.replicas,
        "traits": entry.traits != Traits(),
        "properties.ports": entry.ports,
        "properties.labels": entry.labels,
        "properties.command": entry.command,
    }
    for key, given in rest.items():
        if given:
            notes.no_effect(f"{entry.path}.{key}", "the template says it")


def with_clones(
    converted: Converted, templates: Mapping[str, dict[str, Any] | None], *, limits: Limits = DEFAULT_LIMITS
) -> Converted:
    """Add the components of templates, whose documents are given by id; None for one that there is not.

    Raises:
        DocumentRejected: in the places of the document that was sent.
    """
    notes = Notes()
    document = clone(converted.document)
    spec = document["spec"]
    places = dict(converted.paths.places)
    for one in converted.clones:
        document_of = templates.get(one.template.value)
        template = None if document_of is None else Application.model_validate(document_of)
        if template is None or template.metadata.annotations.get(annotations.ANNOTATION_TEMPLATE) != "true":
            message = "there is no application of this id that is marked as a template (tmp_enable)"
            notes.error(one.template.path, "TemplateNotFound", message)
            continue
        try:
            copied = _Copy(one, template.spec, {c["name"] for c in spec["components"]}, notes)
            components, policies = list(copied.components()), list(copied.policies())
        except MALFORMED:
            message = "the template has properties that are not well-formed, since a policy of its own replaces them"
            notes.error(one.template.path, "Unsupported", message, "Write out in the template what is to be copied.")
            continue
        for component in components:
            plain, paths = written(component, path_text("spec.components", len(spec["components"])))
            spec["components"].append(plain)
            places |= paths.places
        for policy in policies:
            given = spec.setdefault("policies", [])
            plain, paths = written(policy, path_text("spec.policies", len(given)))
            given.append(plain)
            places |= paths.places
    check_edges(sum(len(one.get("dependsOn", ())) for one in spec["components"]), notes)
    if notes.errors:
        raise DocumentRejected(notes.errors, warnings=[*converted.warnings, *notes.warnings])
    every = PathMap(places)
    check_written(document, every, limits)
    warnings = (*converted.warnings, *notes.warnings)
    return replace(converted, document=document, paths=every, warnings=warnings, clones=())


class _Copy:
    """One template's components under other names."""

    def __init__(self, wanted: Clone, spec: Spec, taken: set[str], notes: Notes) -> None:
        self._wanted = wanted
        self._notes = notes
        self._given = [_written_out(component) for component in spec.components]
        self._policies = [policy for policy in spec.policies if policy.type in SHARING.values()]
        self._entries = self._matched()
        self._renaming = self._names(taken)
        for component in self._given:
            self._renaming.claims.update(self._renaming.claims_of(component))
            self._renaming.sources.update(self._renaming.sources_of(component))

    def components(self) -> Iterator[At]:
        """The copies, each with its place."""
        for given in self._given:
            entry = self._entries.get(given["name"])
            path = self._wanted.template.path if entry is None else entry.path
            if given["type"] not in _TYPES:
                message = f"its component {given['name']!r} of type {given['type']!r} cannot be copied"
                self._notes.error(self._wanted.template.path, "Unsupported", message)
                continue
            copied = self._renaming.component(given)
            self._enter(copied, given, entry, path)
            copied["dependsOn"] = self._waits_for(given, copied, entry) or None
            yield At(copied, path)

    def policies(self) -> Iterator[At]:
        """What is shared stays shared."""
        shared = self._shared()
        for policy in self._policies:
            rules = [rule for rule in _rules(policy) if shared.issuperset(_meant(rule))]
            if rules:
                yield At({"type": policy.type, "properties": {"rules": rules}}, self._wanted.template.path)

    def _matched(self) -> dict[str, Component]:
        """Which entry speaks of which component: those with a target first."""
        types = {one["name"]: _TYPES.get(one["type"], one["type"]) for one in self._given}
        matched: dict[str, Component] = {}
        for entry in sorted(self._wanted.entries, key=lambda one: one.template is None or one.template.target is None):
            target = None if entry.template is None else entry.template.target
            if target is None:
                found = next((n for n, type_ in types.items() if type_ == entry.type.value and n not in matched), None)
                if found is None:
                    message = f"the template has no further component of type {entry.type.value!r}"
                    self._notes.error(entry.type.path, Code.COMPONENT_NOT_FOUND, message)
                    continue
                matched[found] = entry
            elif target.value not in types:
                message = f"the template has no component {target.value!r}"
                self._notes.error(target.path, Code.COMPONENT_NOT_FOUND, message, f"It has: {', '.join(types)}.")
            elif target.value in matched:
                message = f"{matched[target.value].path} speaks of {target.value!r} already"
                self._notes.error(target.path, Code.DUPLICATE_COMPONENT, message)
            elif types[target.value] != entry.type.value:
                message = f"the template's {target.value!r} is of type {types[target.value]!r}"
                self._notes.error(entry.type.path, Code.INVALID_COMPONENT_TYPE, message)
            else:
                matched[target.value] = entry
        return matched

    def _shared(self) -> set[str]:
        return {name for policy in self._policies for rule in _rules(policy) for name in _meant(rule)}

    def _names(self, taken: set[str]) -> Renaming:
        shared, used = self._shared(), set(taken) | {entry.name.value for entry in self._wanted.entries}
        names: dict[str, str] = {}
        for old in (one["name"] for one in self._given):
            entry = self._entries.get(old)
            if old in shared:
                names[old] = old
                self._claim(old, used, self._wanted.template.path if entry is None else entry.name.path)
            elif entry is not None:
                names[old] = entry.name.value
            else:
                short = joined(self._wanted.app, old.rpartition("-")[2])
                names[old] = short if short not in used else joined(self._wanted.app, old)
                self._claim(names[old], used, self._wanted.template.path)
        return Renaming(app=self._wanted.app, components=names)

    def _claim(self, name: str, used: set[str], path: str) -> None:
        if name in used:
            self._notes.error(path, Code.DUPLICATE_COMPONENT, f"there is another component {name!r}")
        used.add(name)

    def _enter(self, copied: dict[str, Any], given: Mapping[str, Any], entry: Component | None, path: str) -> None:
        """Variables are merged; secret values can be opened by the template alone, and are entered again."""
        properties = copied["properties"]
        if entry is not None and entry.env:
            kept = [one for one in properties.get("env", ()) if one["name"] not in entry.env]
            properties["env"] = [*kept, *({"name": name, "value": text} for name, text in entry.env.items())]
        for unused in reenter(given, copied, {} if entry is None else entry.secret):
            self._notes.no_effect(unused.path, "the template's component has no such secret value")
        left = not_reentered(given, written(copied)[0])
        if left:
            names = ", ".join(left)
            message = f"values of {given['name']!r} can be opened by the template alone, enter them again: {names}"
            where = path if entry is None else f"{path}.properties.secret"
            self._notes.error(where, Code.MISSING_REQUIRED_FIELD, message)

    def _waits_for(self, given: Mapping[str, Any], copied: Mapping[str, Any], entry: Component | None) -> list[Any]:
        if entry is not None and entry.name.value in self._wanted.waits_for:
            return [At(one.value, one.path) for one in self._wanted.waits_for[entry.name.value]]
        if given.get("dependsOn"):
            return list(copied["dependsOn"])
        return [At(one.value, one.path) for one in self._wanted.after]


def _written_out(component: OamComponent) -> dict[str, Any]:
    """With all that its author may have left out."""
    traits = [{"type": trait.type, "properties": clone(trait.properties)} for trait in component.traits]
    return {
        "name": component.name,
        "type": component.type,
        "properties": clone(component.properties),
        "traits": traits or None,
        "dependsOn": list(component.depends_on),
    }


def _rules(policy: Policy) -> Iterable[Mapping[str, Any]]:
    rules: Sequence[Mapping[str, Any]] = policy.properties.get("rules", ())
    return rules


def _meant(rule: Mapping[str, Any]) -> list[str]:
    names: list[str] = mapping(rule.get("selector")).get("componentNames", [])
    return names
