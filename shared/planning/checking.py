"""Checks a whole document and tells everything that is wrong with it at once, each with its place."""

from collections.abc import Sequence
from typing import Any

from shared.contracts.identity import AppRef, AppUid, ClusterName
from shared.contracts.plan import Finding, Plan
from shared.jobtypes.base import Registry
from shared.planning.dependencies import Outline, check_dependencies
from shared.planning.document import (
    API_VERSION,
    KIND,
    Application,
    Component,
    Metadata,
    Policy,
    component_path,
    trait_path,
)
from shared.planning.findings import MAX_FINDINGS, DocumentRejected, shortened
from shared.planning.labels import check_inherited
from shared.planning.lookup import find_type, unknown_type
from shared.planning.parameters import validate
from shared.planning.plan import make_plan, render
from shared.planning.policies import check_policy
from shared.planning.rendering import Owner
from shared.planning.timeouts import check_annotations
from shared.planning.trees import listing, mapping
from shared.planning.unknown_keys import unknown_keys

_UNCHECKED = AppRef(tenant="unknown", namespace="default", name="unknown")
"""Stands for the owner while nobody knows it: what is rendered for the check is thrown away."""
_WITHOUT_EFFECT = ("externalRevision", "scopes")


def check_document(document: dict[str, Any], registry: Registry) -> tuple[Application, list[Finding]]:
    """The application and warnings about it.

    Raises:
        DocumentRejected: with all findings.
    """
    check = _Check(document, registry)
    app, errors = validate(Application, document, "")
    check.errors += errors
    check.header()
    check.metadata()
    check.components()
    check.rest_of_spec()
    check.unknown()
    if check.errors or app is None:
        raise DocumentRejected(check.errors)
    return app, list(shortened(check.warnings))


def plan_document(
    document: dict[str, Any],
    *,
    ref: AppRef,
    uid: AppUid,
    generation: int,
    clusters: Sequence[ClusterName],
    registry: Registry,
) -> Plan:
    """Check and plan in one, with the warnings of both.

    Raises:
        DocumentRejected: with all findings.
    """
    app, warnings = check_document(document, registry)
    return make_plan(
        app, ref=ref, uid=uid, generation=generation, clusters=clusters, registry=registry, warnings=warnings
    )


class _Check:
    """Collects findings; every part is looked at even where another one is broken."""

    def __init__(self, document: dict[str, Any], registry: Registry) -> None:
        self._document = document
        self._spec = mapping(document.get("spec"))
        self._registry = registry
        self.errors: list[Finding] = []
        self.warnings: list[Finding] = []

    def header(self) -> None:
        """The document must say that it is one of ours."""
        for key, wanted in (("apiVersion", API_VERSION), ("kind", KIND)):
            found = self._document.get(key)
            if isinstance(found, str) and found != wanted:
                message = f"is {found!r}, but only {wanted!r} is known here"
                self._error(key, "Unsupported", message, f"Write `{key}: {wanted}`.")

    def metadata(self) -> None:
        """Deadlines and the like."""
        metadata, _ = validate(Metadata, mapping(self._document.get("metadata")), "metadata")
        if metadata is None:
            return
        errors, warnings = check_annotations(metadata.annotations, _names(self._spec))
        self.errors += [*errors, *check_inherited(metadata.labels, metadata.annotations)]
        self.warnings += warnings

    def components(self) -> None:
        """Names and order of all, then each by itself, then what they render together."""
        raw = listing(self._spec.get("components"))
        self.errors += check_dependencies(_outlines(raw))
        sound: dict[str, tuple[int, Component]] = {}
        for index, entry in enumerate(raw):
            component, _ = validate(Component, entry, component_path(index))
            if component is None:
                continue
            before = len(self.errors)
            self._component(index, component, entry)
            if len(self.errors) == before:
                sound.setdefault(component.name, (index, component))
        owner = Owner(app=self._owner(), uid=AppUid("unknown"), labels={}, annotations={})
        _, findings = render(sound.values(), owner, self._registry)
        self.errors += findings

    def _owner(self) -> AppRef:
        metadata, _ = validate(Metadata, mapping(self._document.get("metadata")), "metadata")
        if metadata is None:
            return _UNCHECKED
        return AppRef(tenant=_UNCHECKED.tenant, namespace=metadata.namespace, name=metadata.name)

    def _component(self, index: int, component: Component, raw: dict[str, Any]) -> None:
        path = component_path(index)
        for key, given in (("inputs", component.inputs), ("outputs", component.outputs)):
            if given:
                message = f"{key} of components are not supported yet"
                self._error(f"{path}.{key}", "Unsupported", message, f"Remove `{key}`.")
        job_type = find_type(self._registry.job_types, component.type)
        known = self._registry.job_types
        if job_type is None:
            at_type = f"{path}.type"
            self.errors.append(unknown_type(known, component.type, at_type, code="UnknownType", what="component type"))
        else:
            self._parameters(job_type.parameters, component.properties, f"{path}.properties")
        self._traits(index, component)
        for key in _WITHOUT_EFFECT:
            if raw.get(key):
                self._warn(f"{path}.{key}", "NoEffect", f"{key!r} has no effect")

    def _traits(self, index: int, component: Component) -> None:
        for position, entry in enumerate(component.traits):
            here = trait_path(index, position)
            trait = find_type(self._registry.traits, entry.type)
            if trait is None:
                traits = self._registry.traits
                self.errors.append(unknown_type(traits, entry.type, f"{here}.type", code="UnknownTrait", what="trait"))
            else:
                self._parameters(trait.parameters, entry.properties, f"{here}.properties")

    def _parameters(self, model: Any, properties: dict[str, Any], path: str) -> None:
        _, errors = validate(model, properties, path)
        self.errors += errors
        if len(self.warnings) <= MAX_FINDINGS:
            self.warnings += unknown_keys(model, properties, path)

    def rest_of_spec(self) -> None:
        """Policies, and what is not carried out yet."""
        names: dict[str, int] = {}
        for index, entry in enumerate(listing(self._spec.get("policies"))):
            path = f"spec.policies[{index}]"
            policy, _ = validate(Policy, entry, path)
            if policy is None:
                continue
            self.errors += check_policy(policy, path)
            if policy.name and names.setdefault(policy.name, index) != index:
                message = f"spec.policies[{names[policy.name]}] is called {policy.name!r} already"
                self._error(f"{path}.name", "DuplicatePolicy", message, "Give it another name.")
        if self._spec.get("workflow"):
            self._error(
                "spec.workflow",
                "Unsupported",
                "workflow steps are not supported yet",
                "Remove `workflow` and order components by `dependsOn`.",
            )

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


def _names(spec: dict[str, Any]) -> list[str]:
    return [o.name for o in _outlines(listing(spec.get("components")))]


def _outlines(raw: Sequence[Any]) -> list[Outline]:
    """Of components that have a name, whatever else is wrong with them."""
    outlines: list[Outline] = []
    for index, entry in enumerate(raw):
        name = mapping(entry).get("name")
        if isinstance(name, str):
            depends_on = tuple(d for d in listing(mapping(entry).get("dependsOn")) if isinstance(d, str))
            outlines.append(Outline(index=index, name=name, depends_on=depends_on))
    return outlines
