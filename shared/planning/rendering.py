"""From one component of the document to the objects of its steps, by way of the registry alone."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from shared.contracts.canonical import digest
from shared.contracts.identity import AppRef, AppUid, Namespace, ObjectKey, StepId, Tenant
from shared.contracts.plan import ApplyMode, Finding, Manifest, PlannedObject, Reference
from shared.contracts.subjects import step_token
from shared.jobtypes.base import DeclaredObject, JobType, Registry, RenderContext, RenderError, Rendering
from shared.planning import labels, manifests
from shared.planning.document import Component, component_path, trait_path
from shared.planning.jobs import named
from shared.planning.lookup import find_type, unknown_type
from shared.planning.parameters import validate
from shared.planning.references import CLAIM, Places, merged, references
from shared.planning.trees import clone


@dataclass(frozen=True, kw_only=True)
class Owner:
    """The application whose components are rendered."""

    app: AppRef
    uid: AppUid
    labels: Mapping[str, str]
    """Inherited by top-level objects, as `annotations`."""
    annotations: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class DeclaredPart:
    """A volume, config or secret that a component declares."""

    step: StepId
    kind_token: str
    path: str
    obj: PlannedObject


@dataclass(frozen=True, kw_only=True)
class Part:
    """A component, rendered."""

    index: int
    component: Component
    job_type: JobType[Any]
    objects: tuple[PlannedObject, ...]
    declared: tuple[DeclaredPart, ...]
    references: tuple[Reference, ...]

    @property
    def path(self) -> str:
        """Of the component in the document."""
        return component_path(self.index)


class _Refused(Exception):
    """Carries findings out of a render."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__()
        self.findings = findings


def render_component(
    index: int, component: Component, owner: Owner, registry: Registry
) -> tuple[Part | None, list[Finding]]:
    """The component's part of the plan, or what is wrong with it."""
    path = component_path(index)
    job_type = find_type(registry.job_types, component.type)
    if job_type is None:
        known = registry.job_types
        return None, [unknown_type(known, component.type, f"{path}.type", code="UnknownType", what="component type")]
    context = RenderContext(
        tenant=Tenant(owner.app.tenant),
        namespace=Namespace(owner.app.namespace),
        app_name=owner.app.name,
        app_uid=owner.uid,
        component=component.name,
        path=path,
    )
    try:
        rendering = _rendered(component, index, context, job_type, registry)
        return _Finisher(index, component, job_type, context, owner).part(rendering), []
    except _Refused as refused:
        return None, refused.findings


def _rendered(
    component: Component, index: int, context: RenderContext, job_type: JobType[Any], registry: Registry
) -> Rendering:
    parameters, wrong = validate(job_type.parameters, component.properties, f"{context.path}.properties")
    if parameters is None:
        raise _Refused(wrong)
    try:
        rendering = job_type.render(context, parameters)
    except RenderError as error:
        raise _Refused([_render_finding(error, f"{context.path}.properties")]) from error
    for position, entry in enumerate(component.traits):
        path = trait_path(index, position)
        trait = find_type(registry.traits, entry.type)
        if trait is None:
            known = registry.traits
            raise _Refused([unknown_type(known, entry.type, f"{path}.type", code="UnknownTrait", what="trait")])
        parameters, wrong = validate(trait.parameters, entry.properties, f"{path}.properties")
        if parameters is None:
            raise _Refused(wrong)
        try:
            rendering = trait.apply(replace(context, path=path), parameters, rendering)
        except RenderError as error:
            raise _Refused([_render_finding(error, f"{path}.properties")]) from error
    return rendering


def _render_finding(error: RenderError, properties: str) -> Finding:
    between = "" if not error.path or error.path.startswith("[") else "."
    return Finding(
        path=f"{properties}{between}{error.path}", code=error.code, message=error.message, remedy=error.remedy
    )


class _Finisher:
    """Labels, names and checks what one component rendered."""

    def __init__(
        self, index: int, component: Component, job_type: JobType[Any], context: RenderContext, owner: Owner
    ) -> None:
        self._index = index
        self._component = component
        self._job_type = job_type
        self._context = context
        self._owner = owner
        self._findings: list[Finding] = []

    def part(self, rendering: Rendering) -> Part:
        """Finish all objects; raises _Refused with all findings."""
        workload = () if rendering.workload is None else (rendering.workload,)
        objects = [self._object(m, runs_once=self._job_type.runs_once) for m in workload]
        objects += [self._object(m, runs_once=False) for m in rendering.others]
        declared = [self._declared(d) for d in rendering.declared]
        if self._findings:
            raise _Refused(self._findings)
        return Part(
            index=self._index,
            component=self._component,
            job_type=self._job_type,
            objects=tuple(o for o in objects if o is not None),
            declared=tuple(d for d in declared if d is not None),
            references=self._references(rendering, [o.manifest for o in objects if o is not None]),
        )

    def _object(self, rendered: Manifest, *, runs_once: bool) -> PlannedObject | None:
        path = self._context.path
        manifest = self._prepared(rendered, path)
        if manifest is None:
            return None
        if not self._job_type.verbatim:
            self._label_pods(manifest)
        self._findings += manifests.selector_problems(manifest, path)
        # A Job's name depends on its content: a label of the application must not make it run again.
        self._mark(manifest, StepId(self._component.name), inherit=not runs_once)
        base = self._component.name if runs_once else ""
        volume = manifest["kind"] == CLAIM
        try:
            rule = self._job_type.completion(manifest)
        except RenderError as error:
            self._findings.append(_render_finding(error, f"{path}.properties"))
            return None
        return _planned(
            named(manifest, base, 1) if runs_once else manifest,
            mode=ApplyMode.CREATE if volume else ApplyMode.APPLY,
            volume=volume,
            rule=None if volume else rule,
            job_name_base=base,
        )

    def _declared(self, declared: DeclaredObject) -> DeclaredPart | None:
        manifest = self._prepared(declared.manifest, declared.path)
        if manifest is None:
            return None
        name = manifest["metadata"]["name"]
        step = StepId(f"{self._component.name}={declared.kind_token}={name}")
        try:
            step_token(step)
        except ValueError:
            message = f"{name!r} is no name for a {manifest['kind']}"
            self._findings.append(Finding(path=declared.path, code="InvalidName", message=message))
            return None
        self._mark(manifest, step, inherit=True)
        volume = declared.volume or manifest["kind"] == CLAIM
        mode = ApplyMode.CREATE if volume else declared.mode
        obj = _planned(manifest, mode=mode, volume=volume)
        return DeclaredPart(step=step, kind_token=declared.kind_token, path=declared.path, obj=obj)

    def _prepared(self, rendered: Manifest, path: str) -> Manifest | None:
        """A copy of its own, so that nothing of the document is changed by what follows."""
        manifest: Manifest = clone(rendered)
        findings = manifests.prepare(manifest, self._context.namespace, path)
        self._findings += findings
        return None if findings else manifest

    def _label_pods(self, manifest: Manifest) -> None:
        for key in labels.label_pods(manifest, self._context):
            message = f"pods need the label {key!r} for their selector; it cannot have another value"
            path = self._context.path
            self._findings.append(Finding(path=path, code="LabelConflict", message=message, remedy="Leave it out."))

    def _mark(self, manifest: Manifest, step: StepId, *, inherit: bool) -> None:
        labels.label_object(manifest, self._context, self._owner.labels if inherit else {})
        given = self._owner.annotations if inherit else {}
        labels.annotate_object(manifest, self._owner.app, self._owner.uid, step, given)

    def _references(self, rendering: Rendering, rendered: list[Manifest]) -> tuple[Reference, ...]:
        found = [r for m in rendered for r in references(m, m["metadata"].get("namespace", self._context.namespace))]
        component = self._component
        parts = [(f"{self._context.path}.properties", component.properties)]
        parts += [
            (f"{trait_path(self._index, i)}.properties", trait.properties) for i, trait in enumerate(component.traits)
        ]
        places = Places(parts, self._context.path)
        located = [r if r.path else r.model_copy(update={"path": places.of(r)}) for r in found]
        return tuple(merged([*rendering.references, *located]))


def _planned(manifest: Manifest, **fields: Any) -> PlannedObject:
    return PlannedObject(key=ObjectKey.of(manifest), manifest=manifest, digest=digest(manifest), **fields)
