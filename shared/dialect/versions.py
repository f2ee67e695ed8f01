"""A new version of an application that exists: components of it updated, added and removed.

Source: KubeMin-Cli's `POST /applications/:appID/version`.
"""

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.contracts import annotations
from shared.contracts.cloning import clone
from shared.contracts.plan import Finding
from shared.dialect.converting import convert
from shared.dialect.fields import Fields, From
from shared.dialect.findings import Code, Notes
from shared.dialect.paths import PathMap
from shared.dialect.policed import naming
from shared.dialect.reading import COMPONENT
from shared.dialect.updating import Update, Updating
from shared.dialect.workflows import Edited
from shared.planning.findings import DocumentRejected, shortened
from shared.planning.limits import DEFAULT_LIMITS, Limits
from shared.planning.reading import check_counts
from shared.planning.trees import path_text

_BODY = ("version", "strategy", "auto_exec", "description", "components")
_ENTRY = ("name", "action", "image", "replicas", "env", "type", "properties", "traits")
_ACTIONS = ("update", "add", "remove")
ROLLING, RECREATE = "rolling", "recreate"
_STRATEGIES = (ROLLING, RECREATE, "canary", "blue-green")
_SUPPORTED = (ROLLING, RECREATE)


@dataclass(frozen=True, kw_only=True)
class Versioned(Edited):
    """The document of the new version, and what is new in it."""

    version: str
    previous: str
    strategy: str
    updated: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Entry:
    """What the request says about one component."""

    fields: Fields
    name: From[str]
    action: str


def with_version(document: Mapping[str, Any], body: Mapping[str, Any], *, limits: Limits = DEFAULT_LIMITS) -> Versioned:
    """Carry out a request for a new version on an application's document, sealed values and all.

    Raises:
        DocumentRejected: in the places of the request.
    """
    notes = Notes()
    fields = Fields(From(dict(body), ""), notes, _BODY)
    version, strategy = fields.required("version"), _strategy(fields, notes)
    _refuse_waiting(fields, notes)
    edit = _Edit(clone(document), notes, strategy)
    edit.carry_out([_entry(one, notes) for one in fields.entries("components", _ENTRY)], fields)
    if notes.errors:
        raise DocumentRejected(notes.errors, warnings=notes.warnings)
    previous = edit.write_about(version, fields.text("description"))
    check_counts(edit.document, limits)
    return Versioned(
        document=edit.document,
        paths=PathMap(edit.places),
        warnings=shortened(notes.warnings),
        version=version.value,
        previous=previous,
        strategy=strategy,
        updated=tuple(edit.updated),
        added=tuple(edit.added),
        removed=tuple(edit.removed),
    )


def repeated_version(document: Mapping[str, Any], body: Mapping[str, Any]) -> Versioned:
    """What a request has made that was carried out before: the document is its own; the version before is not known."""
    notes = Notes()
    fields = Fields(From(dict(body), ""), notes, _BODY)
    entries = [_entry(one, notes) for one in fields.entries("components", _ENTRY)]
    named = {action: tuple(e.name.value for e in entries if e.action == action) for action in _ACTIONS}
    return Versioned(
        document=dict(document),
        paths=PathMap({}),
        version=fields.required("version").value,
        previous="",
        strategy=_strategy(fields, notes),
        updated=named["update"],
        added=named["add"],
        removed=named["remove"],
    )


def _strategy(fields: Fields, notes: Notes) -> str:
    strategy = fields.text("strategy")
    if strategy is None:
        return ROLLING
    if strategy.value not in _STRATEGIES:
        notes.not_one_of(strategy.path, Code.INVALID_TRAIT_CONFIG, _SUPPORTED, strategy.value)
    elif strategy.value not in _SUPPORTED:
        message = f"the strategy {strategy.value} is not supported yet"
        notes.error(strategy.path, "Unsupported", message, f"Take {' or '.join(_SUPPORTED)}.")
    return strategy.value


def _refuse_waiting(fields: Fields, notes: Notes) -> None:
    auto_exec = fields.flag("auto_exec")
    if auto_exec is not None and not auto_exec.value:
        message = "a version is delivered once it is accepted: there is none that waits to be started"
        notes.error(auto_exec.path, "Unsupported", message, "Leave it out, and send the request when it shall start.")


def _entry(fields: Fields, notes: Notes) -> _Entry:
    action = fields.text("action")
    if action is not None and action.value not in _ACTIONS:
        notes.not_one_of(action.path, Code.INVALID_TRAIT_CONFIG, _ACTIONS, action.value)
    name = fields.required("name")
    return _Entry(fields, From(name.value.lower(), name.path), _ACTIONS[0] if action is None else action.value)


class _Edit:
    """The document while it changes."""

    def __init__(self, document: dict[str, Any], notes: Notes, strategy: str) -> None:
        self.document = document
        self.places: dict[str, str] = {"": "components", "metadata": "version"}
        self.updated: list[str] = []
        self.added: list[str] = []
        self.removed: list[str] = []
        self._notes = notes
        self._strategy = strategy
        self._updates: dict[str, Update] = {}

    @property
    def _components(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.document["spec"]["components"]
        return found

    def carry_out(self, entries: Sequence[_Entry], fields: Fields) -> None:
        """Update, remove, then add: what is added comes after everything else."""
        entries = list(self._once(entries))
        names = {component["name"] for component in self._components}
        for entry in entries:
            if entry.action == "update":
                self._update(entry)
            elif entry.action == "remove":
                self._remove(entry)
        for entry in entries:
            if entry.action == "add":
                self._check_new(entry)
        added = [entry for entry in entries if entry.action == "add"]
        if not self._notes.errors:
            self._remove_all()
            self._place_updates()
            self._add(added)
        if not added and names.issubset(self.removed):
            message = "nothing would be left; delete the application instead"
            self._notes.error(fields.place("components"), Code.MISSING_REQUIRED_FIELD, message)

    def write_about(self, version: From[str], description: From[str] | None) -> str:
        """Write what people read; returns the version before."""
        about: dict[str, str] = self.document["metadata"].get("annotations") or {}
        self.document["metadata"]["annotations"] = about
        previous = about.get(annotations.ANNOTATION_VERSION, "")
        about[annotations.ANNOTATION_VERSION] = version.value
        if description is not None:
            about[annotations.ANNOTATION_DESCRIPTION] = description.value
        return previous

    def _once(self, entries: Sequence[_Entry]) -> Iterator[_Entry]:
        first: dict[str, str] = {}
        for entry in entries:
            if not entry.name.value:
                continue
            if first.setdefault(entry.name.value, entry.name.path) == entry.name.path:
                yield entry
            else:
                message = f"{first[entry.name.value]} says what becomes of it already"
                self._notes.error(entry.name.path, Code.DUPLICATE_COMPONENT, message)

    def _known(self, entry: _Entry) -> dict[str, Any] | None:
        for component in self._components:
            if component["name"] == entry.name.value:
                return component
        names = ", ".join(component["name"] for component in self._components)
        message = f"there is no component {entry.name.value!r}"
        self._notes.error(entry.name.path, Code.COMPONENT_NOT_FOUND, message, f"There is: {names}.")
        return None

    def _update(self, entry: _Entry) -> None:
        component = self._known(entry)
        if component is None:
            return
        for key in ("type", "properties", "traits"):
            if (raw := entry.fields.raw(key)) is not None and raw.value:
                self._notes.no_effect(raw.path, "only of a component that is added")
        changed = Updating(component, self.document, self._notes).update(
            entry.fields, recreate=self._strategy == RECREATE
        )
        self._updates[entry.name.value] = changed
        self.updated.append(entry.name.value)

    def _remove(self, entry: _Entry) -> None:
        if self._known(entry) is None:
            return
        if policy := naming(self.document, entry.name.value):
            message = f"the policy {policy!r} names the component, and a version changes no policy"
            self._notes.error(entry.name.path, "Unsupported", message, "Send the whole document without both.")
        for key in ("image", "replicas", "env", "type", "properties", "traits"):
            if (raw := entry.fields.raw(key)) is not None and raw.value:
                self._notes.no_effect(raw.path, "the component is removed")
        self.removed.append(entry.name.value)

    def _remove_all(self) -> None:
        """What waited for a component that goes waits for what that one waited for."""
        gone = {c["name"]: c.get("dependsOn") or [] for c in self._components if c["name"] in self.removed}
        kept = [component for component in self._components if component["name"] not in gone]
        for component in kept:
            waits_for = component.get("dependsOn") or []
            while gone.keys() & set(waits_for):
                waits_for = [b for name in waits_for for b in (gone.get(name, [name]))]
                waits_for = list(dict.fromkeys(waits_for))
            if component.get("dependsOn"):
                component["dependsOn"] = waits_for
        self.document["spec"]["components"] = kept
        if self.document["spec"].get("policies"):
            policies = [_policy_without(policy, gone) for policy in self.document["spec"]["policies"]]
            self.document["spec"]["policies"] = [policy for policy in policies if policy is not None]

    def _place_updates(self) -> None:
        for index, component in enumerate(self._components):
            if (changed := self._updates.get(component["name"])) is not None:
                here = path_text("spec.components", index)
                self.places[here] = changed.path
                self.places |= {f"{here}.{inner}": place for inner, place in changed.places.items()}

    def _check_new(self, entry: _Entry) -> None:
        if any(component["name"] == entry.name.value for component in self._components):
            self._notes.error(entry.name.path, Code.DUPLICATE_COMPONENT, f"there is a component {entry.name.value!r}")
        elif policy := naming(self.document, entry.name.value):
            message = f"there is a component {entry.name.value!r} of the policy {policy!r}"
            self._notes.error(entry.name.path, Code.DUPLICATE_COMPONENT, message, "Give it another name.")

    def _add(self, entries: Sequence[_Entry]) -> None:
        if not entries:
            return
        waited_for = {name for component in self._components for name in component.get("dependsOn") or ()}
        last = [component["name"] for component in self._components if component["name"] not in waited_for]
        metadata = self.document["metadata"]
        sent = [_as_sent(entry, number) for number, entry in enumerate(entries)]
        pairs = [pair for one in sent for pair in one.pairs]
        alone = {"name": metadata["name"], "namespace": metadata.get("namespace"), "component": [o.raw for o in sent]}
        try:
            converted = convert(alone)
        except DocumentRejected as error:
            self._notes.errors += [_moved(finding, pairs) for finding in error.findings]
            self._notes.warnings += [_moved(finding, pairs) for finding in error.warnings]
            return
        self._notes.warnings += [_moved(finding, pairs) for finding in converted.warnings]
        spec = converted.document["spec"]
        places = {inner: _back(place, pairs) for inner, place in converted.paths.places.items()}
        self._append("components", spec["components"], places)
        self._append("policies", spec.get("policies") or [], places)
        for component in spec["components"]:
            if not component.get("dependsOn") and last:
                component["dependsOn"] = list(last)
            self.added.append(component["name"])

    def _append(self, key: str, new: Sequence[dict[str, Any]], places: Mapping[str, str]) -> None:
        if not new:
            return
        spec = self.document["spec"]
        found: list[dict[str, Any]] = spec.get(key) or []
        spec[key] = found
        moved = re.compile(rf"spec\.{key}\[(\d+)\]")
        for inner, place in places.items():
            if (at := moved.match(inner)) is not None:
                here = path_text(f"spec.{key}", int(at[1]) + len(found))
                self.places[here + inner[at.end() :]] = place
        found += new


@dataclass(frozen=True)
class _Sent:
    """An entry as a component of a document, and where its parts come from."""

    raw: dict[str, Any]
    pairs: tuple[tuple[str, str], ...]
    """Places in that document with those in the request, the longest first."""


def _as_sent(entry: _Entry, number: int) -> _Sent:
    here = path_text("component", number)
    given = {key: found for key in COMPONENT if (found := entry.fields.raw(key)) is not None}
    raw = {key: found.value for key, found in given.items()}
    pairs = [(f"{here}.{key}", found.path) for key, found in given.items()]
    env = entry.fields.raw("env")
    if env is not None and isinstance(env.value, dict):
        properties = raw.get("properties")
        inner = properties if isinstance(properties, dict) else {}
        own = inner.get("env")
        raw["properties"] = {**inner, "env": {**(own if isinstance(own, dict) else {}), **env.value}}
        pairs = [(path_text(f"{here}.properties.env", key), path_text(env.path, key)) for key in env.value] + pairs
    return _Sent(raw, (*pairs, (here, entry.fields.path)))


def _policy_without(policy: dict[str, Any], gone: Container[str]) -> dict[str, Any] | None:
    rules = (policy.get("properties") or {}).get("rules")
    if not rules:
        return policy
    left = [kept for rule in rules if (kept := _without(rule, gone)) is not None]
    return {**policy, "properties": {**policy["properties"], "rules": left}} if left else None


def _without(rule: Mapping[str, Any], gone: Container[str]) -> Mapping[str, Any] | None:
    """A rule that spoke of nothing else goes: without names it would mean more than before."""
    selector = rule.get("selector") or {}
    named = selector.get("componentNames")
    left = [name for name in named or () if name not in gone]
    if not named:
        return rule
    return {**rule, "selector": {**selector, "componentNames": left}} if left else None


def _back(path: str, pairs: Sequence[tuple[str, str]]) -> str:
    for inner, outer in pairs:
        if path == inner or (path.startswith(inner) and path[len(inner)] in ".["):
            return outer + path[len(inner) :]
    return "components" if path in ("", "component") else path


def _moved(finding: Finding, pairs: Sequence[tuple[str, str]]) -> Finding:
    return finding.model_copy(update={"path": _back(finding.path, pairs)})
