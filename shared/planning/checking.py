"""Checks a whole document and tells everything that is wrong with it at once, each with its place."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.contracts.desired import CopiedObjects
from shared.contracts.identity import AppRef, AppUid
from shared.contracts.plan import Finding, Placement, Plan
from shared.jobtypes.base import JobType, Registry, Trait
from shared.planning.composing import Given, given
from shared.planning.dependencies import Outline, check_dependencies
from shared.planning.document import (
    API_VERSION,
    KIND,
    Application,
    Component,
    Metadata,
    Policy,
    component_path,
)
from shared.planning.findings import MAX_FINDINGS, DocumentRejected, shortened
from shared.planning.labels import check_inherited
from shared.planning.limits import DEFAULT_LIMITS, Limits
from shared.planning.lookup import entry_findings, find_type, unknown_type
from shared.planning.metadata import without_effect
from shared.planning.parameters import validate
from shared.planning.plan import make_plan, outlines, render, warned
from shared.planning.policies import CheckedPolicy, check_policy, composed, policy_warnings, treatments
from shared.planning.rendering import Owner
from shared.planning.seeking import seeks_objects
from shared.planning.timeouts import check_annotations
from shared.planning.trees import listing, mapping
from shared.planning.unknown_keys import unknown_keys
from shared.planning.workflow import check_workflow, orders_steps

_UNCHECKED = AppRef(tenant="unknown", namespace="default", name="unknown")
"""Stands for the owner while nobody knows it: what is rendered for the check is thrown away."""
_WITHOUT_EFFECT = ("externalRevision", "scopes")


def check_document(
    document: dict[str, Any], registry: Registry, *, plan_follows: bool = False
) -> tuple[Application, list[Finding]]:
    """The application and warnings about it.

    What only rendering finds is left to the plan where `plan_follows`: unless something is wrong already, for all of
    it is told at once, or objects are to be read before.

    Raises:
        DocumentRejected: with all findings.
    """
    check = _Check(document, registry)
    app, errors = validate(Application, document, "")
    check.errors += errors
    check.header()
    check.metadata()
    check.components()
    check.policies()
    check.workflow()
    if check.errors or not plan_follows or check.seeks:
        check.rendering()
    check.unknown()
    if check.errors or app is None:
        raise DocumentRejected(check.errors, warnings=check.warnings)
    return app, list(shortened(check.warnings))


def plan_document(
    document: dict[str, Any],
    *,
    ref: AppRef,
    uid: AppUid,
    generation: int,
    placements: Sequence[Placement],
    registry: Registry,
    copies: Sequence[CopiedObjects] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> Plan:
    """Check and plan in one, with the warnings of both.

    Raises:
        DocumentRejected: with all findings.
    """
    app, warnings = check_document(document, registry, plan_follows=True)
    try:
        plan = make_plan(
            app,
            ref=ref,
            uid=uid,
            generation=generation,
            placements=placements,
            registry=registry,
            copies=copies,
            limits=limits,
        )
    except DocumentRejected as error:
        raise DocumentRejected(error.findings, warnings=[*warnings, *error.warnings]) from error
    return warned(plan, warnings)


class _Check:
    """Collects findings; every part is looked at even where another one is broken."""

    def __init__(self, document: dict[str, Any], registry: Registry) -> None:
        self._document = document
        self._spec = mapping(document.get("spec"))
        self._registry = registry
        self._policies = _policies(self._spec)
        self._entries = _entries(self._spec)
        well_formed = [one.checked.policy for one in self._policies if one.checked.policy is not None]
        # Which policies work on which components the steps of a workflow would say; together they may contradict.
        carried_out = [] if orders_steps(self._spec.get("workflow")) else well_formed
        self._composition = composed(self._entries, carried_out, registry)
        self._treat = treatments(well_formed)
        self._sound: dict[str, Given] = {}
        self._rendered_at = (0, 0)
        self._of_policies = tuple(policy_warnings(well_formed))
        self.errors: list[Finding] = []
        self.warnings: list[Finding] = []
        self.seeks = False
        """Whether something is made of objects that are to be read first."""

    def header(self) -> None:
        """The document must say that it is one of ours."""
        for key, wanted in (("apiVersion", API_VERSION), ("kind", KIND)):
            found = self._document.get(key)
            if isinstance(found, str) and found != wanted:
                message = f"is {found!r}, but only {wanted!r} is known here"
                self._error(key, "Unsupported", message, f"Write `{key}: {wanted}`.")

    def metadata(self) -> None:
        """Deadlines, and what objects inherit or nobody reads."""
        metadata, _ = validate(Metadata, mapping(self._document.get("metadata")), "metadata")
        if metadata is None:
            return
        carried_out = (one.component.name for one in self._composition.components)
        errors, warnings = check_annotations(
            metadata.annotations, {*_names(listing(self._spec.get("components"))), *carried_out}
        )
        self.errors += [*errors, *check_inherited(metadata.labels, metadata.annotations)]
        self.warnings += [*warnings, *without_effect(metadata.labels, metadata.annotations)]

    def components(self) -> None:
        """Names and order of all, then each by itself as policies leave it."""
        raw = listing(self._spec.get("components"))
        self.errors += check_dependencies(_in_order(raw, self._entries, self._composition.components), _names(raw))
        by_path = {component_path(index): mapping(entry) for index, entry in enumerate(raw)}
        for one in self._entries:
            self._ineffective(one.component, by_path[one.path], one.path)
        self.errors += self._composition.errors
        for one in self._composition.components:
            if not self._is_sound(one):
                continue
            if seeks_objects(one.component, self._registry):
                # What is made of objects that were not read yet is rendered with the plan alone.
                self.seeks = True
            else:
                self._sound.setdefault(one.component.name, one)
        self._rendered_at = (len(self.errors), len(self.warnings))

    def rendering(self) -> None:
        """What the components that are sound render together; told after them."""
        errors_at, warnings_at = self._rendered_at
        owner = Owner(app=self._owner(), uid=AppUid("unknown"), labels={}, annotations={}, treat=self._treat)
        parts, findings = render(self._sound.values(), owner, self._registry)
        self.errors[errors_at:errors_at] = findings
        self.warnings[warnings_at:warnings_at] = [warning for part in parts for warning in part.warnings]

    def _owner(self) -> AppRef:
        metadata, _ = validate(Metadata, mapping(self._document.get("metadata")), "metadata")
        if metadata is None:
            return _UNCHECKED
        return AppRef(tenant=_UNCHECKED.tenant, namespace=metadata.namespace, name=metadata.name)

    def _ineffective(self, component: Component, raw: dict[str, Any], path: str) -> None:
        for key, value in (("inputs", component.inputs), ("outputs", component.outputs)):
            if value:
                message = f"{key} of components are not supported yet"
                self._error(f"{path}.{key}", "Unsupported", message, f"Remove `{key}`.")
        for key in _WITHOUT_EFFECT:
            if raw.get(key):
                self._warn(f"{path}.{key}", "NoEffect", f"{key!r} has no effect")

    def _is_sound(self, one: Given) -> bool:
        """Check a component by itself."""
        errors, warnings = _Entries(self._registry, full=len(self.warnings) > MAX_FINDINGS).of(one)
        self.errors += map(one.located, errors)
        self.warnings += map(one.located, warnings)
        return not errors

    def policies(self) -> None:
        """Each by itself, and what they say together."""
        self.warnings += self._of_policies
        names: dict[str, str] = {}
        for one in self._policies:
            self.errors += one.checked.errors
            self.warnings += one.checked.warnings
            if one.name and names.setdefault(one.name, one.path) != one.path:
                message = f"{names[one.name]} is called {one.name!r} already"
                self._error(f"{one.path}.name", "DuplicatePolicy", message, "Give it another name.")

    def workflow(self) -> None:
        """What is not carried out yet, and what is wrong with it besides."""
        errors, warnings = check_workflow(self._spec.get("workflow"))
        self.errors += errors
        self.warnings += warnings

    def unknown(self) -> None:
        """Keys of the document itself."""
        outer = {**self._document, "spec": {**self._spec, "components": []}}
        found = [*unknown_keys(Application, outer, "")]
        for index, entry in enumerate(listing(self._spec.get("components"))):
            known_too = (
                {k: v for k, v in entry.items() if k not in _WITHOUT_EFFECT} if isinstance(entry, dict) else entry
            )
            found += unknown_keys(Component, known_too, component_path(index))
            if len(found) > MAX_FINDINGS:
                break
        self.warnings = [*found, *self.warnings]

    def _error(self, path: str, code: str, message: str, remedy: str) -> None:
        self.errors.append(Finding(path=path, code=code, message=message, remedy=remedy))

    def _warn(self, path: str, code: str, message: str) -> None:
        self.warnings.append(Finding(path=path, code=code, message=message))


class _Entries:
    """Checks the types and parameters of a component and its traits."""

    def __init__(self, registry: Registry, *, full: bool) -> None:
        """`full`: there are so many warnings already that unknown keys are not looked for."""
        self._registry = registry
        self._full = full
        self._errors: list[Finding] = []
        self._warnings: list[Finding] = []

    def of(self, one: Given) -> tuple[list[Finding], list[Finding]]:
        """Errors and warnings."""
        component, path = one.component, one.path
        known = self._registry.job_types
        job_type = find_type(known, component.type)
        if job_type is None:
            at_type = f"{path}.type"
            self._errors.append(unknown_type(known, component.type, at_type, code="UnknownType", what="component type"))
        else:
            self._entry(job_type, component.type, f"{path}.type")
            self._parameters(job_type.parameters, component.properties, f"{path}.properties")
        for entry, here in zip(component.traits, one.trait_paths, strict=True):
            trait = find_type(self._registry.traits, entry.type)
            if trait is None:
                traits = self._registry.traits
                self._errors.append(unknown_type(traits, entry.type, f"{here}.type", code="UnknownTrait", what="trait"))
            else:
                self._entry(trait, entry.type, f"{here}.type")
                self._parameters(trait.parameters, entry.properties, f"{here}.properties")
        return self._errors, self._warnings

    def _entry(self, entry: JobType[Any] | Trait[Any], name: str, path: str) -> None:
        errors, warnings = entry_findings(entry, name, path)
        self._errors += errors
        self._warnings += warnings

    def _parameters(self, model: Any, properties: dict[str, Any], path: str) -> None:
        _, errors = validate(model, properties, path)
        self._errors += errors
        if not self._full and len(self._warnings) <= MAX_FINDINGS:
            self._warnings += unknown_keys(model, properties, path)


@dataclass(frozen=True)
class _Policy:
    path: str
    name: str
    checked: CheckedPolicy


def _policies(spec: dict[str, Any]) -> list[_Policy]:
    """Of those that have a type."""
    found: list[_Policy] = []
    for index, entry in enumerate(listing(spec.get("policies"))):
        path = f"spec.policies[{index}]"
        policy, _ = validate(Policy, entry, path)
        if policy is not None:
            found.append(_Policy(path, policy.name, check_policy(policy, index)))
    return found


def _entries(spec: dict[str, Any]) -> list[Given]:
    """Components that are well-formed, apart from their parameters."""
    found: list[Given] = []
    for index, entry in enumerate(listing(spec.get("components"))):
        component, _ = validate(Component, entry, component_path(index))
        if component is not None:
            found.append(given(index, component))
    return found


def _in_order(raw: Sequence[Any], entries: Sequence[Given], composed_: Sequence[Given]) -> list[Outline]:
    """Outlines of what is carried out, and of components that are broken otherwise, in document order."""
    order = {component_path(index): index for index in range(len(raw))}
    whole = {one.path for one in entries}
    found = [*outlines(composed_), *(outline for outline in _outlines(raw) if outline.path not in whole)]
    return sorted(found, key=lambda outline: order.get(outline.path, len(order)))


def _names(raw: Sequence[Any]) -> list[str]:
    return [outline.name for outline in _outlines(raw)]


def _outlines(raw: Sequence[Any]) -> list[Outline]:
    """Of components that have a name, whatever else is wrong with them."""
    found: list[Outline] = []
    for index, entry in enumerate(raw):
        name = mapping(entry).get("name")
        if isinstance(name, str):
            depends_on = tuple(d for d in listing(mapping(entry).get("dependsOn")) if isinstance(d, str))
            found.append(Outline(path=component_path(index), name=name, depends_on=depends_on))
    return found
