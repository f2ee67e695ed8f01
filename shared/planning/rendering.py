"""From one component of the document to the objects of its steps, by way of the registry alone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shared.contracts.canonical import digest
from shared.contracts.cloning import clone
from shared.contracts.identity import AppRef, AppUid, Namespace, ObjectKey, StepId, Tenant, placed_step
from shared.contracts.plan import ApplyMode, Finding, Manifest, PlannedObject, Reference, Treatment
from shared.contracts.subjects import step_token
from shared.jobtypes.base import DeclaredObject, JobType, Registry, RenderContext, RenderError, Rendering
from shared.jobtypes.scaling import released
from shared.planning import amounts, labels, manifests
from shared.planning.composing import Given
from shared.planning.conflicts import Stage, writer
from shared.planning.document import Component
from shared.planning.findings import MAX_FINDINGS
from shared.planning.jobs import named
from shared.planning.lookup import entry_findings, find_type, unknown_type
from shared.planning.parameters import validate
from shared.planning.places import Places
from shared.planning.policies.base import Made
from shared.planning.references import CLAIM, merged, place_of, references
from shared.planning.trees import mapping, path_text

_AUXILIARY = "AuxiliaryWorkload"
"""KubeVela's word for what a component makes beside its workload."""
_Origin = tuple[str, str, str]
"""Kind, namespace and name of an object, as it was rendered."""


def untreated(_made: Made) -> Treatment:
    """Without policies."""
    return Treatment()


@dataclass(frozen=True, kw_only=True)
class Owner:
    """The application whose components are rendered."""

    app: AppRef
    uid: AppUid
    labels: Mapping[str, str]
    """Inherited by top-level objects, as `annotations`."""
    annotations: Mapping[str, str]
    into: str = ""
    """The namespace into which every object goes; empty: each where it says."""
    copies: Mapping[str, tuple[Manifest, ...]] = field(default_factory=dict)
    """What was read for components that seek objects, by their names."""
    treat: Callable[[Made], Treatment] = untreated

    @property
    def namespace(self) -> Namespace:
        """Of everything that names none."""
        return Namespace(self.into or self.app.namespace)


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

    given: Given
    job_type: JobType[Any]
    objects: tuple[PlannedObject, ...]
    declared: tuple[DeclaredPart, ...]
    references: tuple[Reference, ...]
    warnings: tuple[Finding, ...] = ()

    @property
    def component(self) -> Component:
        """The component."""
        return self.given.component

    @property
    def path(self) -> str:
        """Of the component in the document."""
        return self.given.path


class _Refused(Exception):
    """Carries findings out of a render."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__()
        self.findings = findings


def render_component(given: Given, owner: Owner, registry: Registry) -> tuple[Part | None, list[Finding]]:
    """The component's part of the plan, or what is wrong with it."""
    component, path = given.component, given.path
    job_type = find_type(registry.job_types, component.type)
    if job_type is None:
        known = registry.job_types
        finding = unknown_type(known, component.type, f"{path}.type", code="UnknownType", what="component type")
        return None, [given.located(finding)]
    context = RenderContext(
        tenant=Tenant(owner.app.tenant),
        namespace=owner.namespace,
        app_name=owner.app.name,
        app_uid=owner.uid,
        component=component.name,
        path=path,
        copies=owner.copies.get(component.name),
    )
    unsupported, _ = entry_findings(job_type, component.type, f"{path}.type")
    if unsupported:
        return None, [given.located(finding) for finding in unsupported]
    try:
        rendered = _rendered(given, context, job_type, registry)
        return _Finisher(given, job_type, context, owner, rendered).part(), []
    except _Refused as refused:
        return None, [given.located(finding) for finding in refused.findings]


@dataclass(frozen=True)
class _Rendered:
    """A rendering, and which trait made which object."""

    rendering: Rendering
    makers: dict[_Origin, frozenset[str]] = field(default_factory=dict)

    def then(self, rendering: Rendering, maker: frozenset[str]) -> "_Rendered":
        """The rendering after another entry has had its say: what is new is of its making."""
        made = [*rendering.before, *rendering.others, *(declared.manifest for declared in rendering.declared)]
        return _Rendered(rendering, dict.fromkeys(map(_origin, made), maker) | self.makers)


def _origin(manifest: Manifest) -> _Origin:
    metadata = mapping(mapping(manifest).get("metadata"))
    return (str(mapping(manifest).get("kind")), str(metadata.get("namespace", "")), str(metadata.get("name")))


def _rendered(given: Given, context: RenderContext, job_type: JobType[Any], registry: Registry) -> _Rendered:
    component = given.component
    parameters, wrong = validate(job_type.parameters, component.properties, f"{context.path}.properties")
    if parameters is None:
        raise _Refused(wrong)
    try:
        first = job_type.render(context, parameters)
    except RenderError as error:
        raise _Refused([_render_finding(error, f"{context.path}.properties")]) from error
    rendered = _Rendered(first).then(first, frozenset({_AUXILIARY}))
    stages = [Stage(context.path, first)]
    for entry, path in zip(component.traits, given.trait_paths, strict=True):
        trait = find_type(registry.traits, entry.type)
        if trait is None:
            known = registry.traits
            raise _Refused([unknown_type(known, entry.type, f"{path}.type", code="UnknownTrait", what="trait")])
        unsupported, _ = entry_findings(trait, entry.type, f"{path}.type")
        if unsupported:
            raise _Refused(unsupported)
        parameters, wrong = validate(trait.parameters, entry.properties, f"{path}.properties")
        if parameters is None:
            raise _Refused(wrong)
        try:
            applied = trait.apply(replace(context, path=path), parameters, rendered.rendering)
        except RenderError as error:
            raise _Refused([_render_finding(error, f"{path}.properties", stages)]) from error
        stages.append(Stage(path, applied))
        rendered = rendered.then(applied, frozenset({trait.name, *trait.aliases, entry.type}))
    return rendered


def _render_finding(error: RenderError, properties: str, stages: Sequence[Stage] = ()) -> Finding:
    between = "" if not error.path or error.path.startswith("[") else "."
    other = writer(stages, error.against) if error.against else ""
    return Finding(
        path=f"{properties}{between}{error.path}",
        code=error.code,
        message=f"{error.message} ({other})" if other else error.message,
        remedy=error.remedy,
    )


class _Finisher:
    """Labels, names and checks what one component rendered."""

    def __init__(
        self, given: Given, job_type: JobType[Any], context: RenderContext, owner: Owner, rendered: _Rendered
    ) -> None:
        self._given = given
        self._component = given.component
        self._job_type = job_type
        self._context = context
        self._owner = owner
        self._rendered = rendered
        self._findings: list[Finding] = []
        self._places = Places(_parts(given, context.path), context.path)

    def part(self) -> Part:
        """Finish all objects; raises _Refused with all findings."""
        rendering = released(self._rendered.rendering)
        workload = () if rendering.workload is None else (rendering.workload,)
        objects = [self._object(m, self._rendered.makers[_origin(m)], runs_once=False) for m in rendering.before]
        objects += [self._object(m, frozenset(), runs_once=self._job_type.runs_once) for m in workload]
        objects += [self._object(m, self._rendered.makers[_origin(m)], runs_once=False) for m in rendering.others]
        declared = [self._declared(d) for d in rendering.declared]
        if self._findings:
            raise _Refused(self._findings)
        return Part(
            given=self._given,
            job_type=self._job_type,
            objects=tuple(o for o in objects if o is not None),
            declared=tuple(d for d in declared if d is not None),
            references=self._references(rendering, [o.manifest for o in objects if o is not None]),
            warnings=tuple(self._given.located(warning) for warning in rendering.warnings),
        )

    def _object(self, rendered: Manifest, makers: frozenset[str], *, runs_once: bool) -> PlannedObject | None:
        path = self._context.path
        manifest = self._prepared(rendered, path)
        if manifest is None:
            return None
        if not self._job_type.verbatim:
            self._label_pods(manifest)
        treatment = self._treatment(manifest, makers)
        partial = treatment.take_over or treatment.read_only
        self._findings += manifests.template_problems(manifest, path, partial=partial)
        if not treatment.read_only:
            self._check_amounts(manifest)
        # A Job's name depends on its content: a label of the application must not make it run again.
        self._mark(manifest, StepId(self._component.name), inherit=not runs_once)
        base = self._component.name if runs_once else ""
        volume = manifest["kind"] == CLAIM
        try:
            rule = self._job_type.completion(manifest)
        except RenderError as error:
            self._findings.append(_render_finding(error, f"{path}.properties"))
            return None
        planned = _planned(
            named(manifest, base, 1) if runs_once else manifest,
            mode=ApplyMode.CREATE if volume else ApplyMode.APPLY,
            volume=volume,
            rule=None if volume else rule,
            treatment=treatment,
            job_name_base=base,
        )
        self._check_annotations(planned)
        return planned

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
        treatment = self._treatment(manifest, self._rendered.makers[_origin(declared.manifest)])
        obj = _planned(manifest, mode=mode, volume=volume, treatment=treatment)
        self._check_annotations(obj)
        return DeclaredPart(step=step, kind_token=declared.kind_token, path=declared.path, obj=obj)

    def _treatment(self, manifest: Manifest, makers: frozenset[str]) -> Treatment:
        job_type = self._job_type
        made = Made(
            components=frozenset(self._given.names),
            component_types=frozenset({job_type.name, *job_type.aliases, self._component.type}),
            trait_types=makers,
            kind=manifest["kind"],
            name=manifest["metadata"]["name"],
        )
        return self._owner.treat(made)

    def _prepared(self, rendered: Manifest, path: str) -> Manifest | None:
        """A copy of its own, so that nothing of the document is changed by what follows."""
        manifest: Manifest = clone(rendered)
        if self._owner.into:
            manifests.move(manifest, self._owner.namespace)
        findings = manifests.prepare(manifest, self._context.namespace, path)
        self._findings += findings
        return None if findings else manifest

    def _label_pods(self, manifest: Manifest) -> None:
        for key in labels.label_pods(manifest, self._context):
            message = f"pods need the label {key!r} for their selector; it cannot have another value"
            path = self._context.path
            self._findings.append(Finding(path=path, code="LabelConflict", message=message, remedy="Leave it out."))

    def _check_amounts(self, manifest: Manifest) -> None:
        for wrong in amounts.wrong_amounts(manifest):
            # Of so many nobody reads them all.
            many = len(self._findings) > MAX_FINDINGS
            path = self._context.path if many else amounts.place_of(wrong, self._places)
            finding = Finding(path=path, code=wrong.code, message=wrong.message, remedy=wrong.remedy)
            self._findings.append(finding)

    def _check_annotations(self, obj: PlannedObject) -> None:
        found = None if obj.treatment.read_only else labels.too_large(obj)
        if found is None:
            return
        key, value = max(found.items(), key=lambda one: len(one[1]))
        if self._owner.annotations.get(key) == value:
            path = path_text("metadata.annotations", key)
        else:
            path = self._places.of(value, lambda place: place.elements[-1:] == (key,))
        self._findings.append(labels.too_many_bytes(path, f"the annotations of {obj.key} or its pods"))

    def _mark(self, manifest: Manifest, step: StepId, *, inherit: bool) -> None:
        labels.label_object(manifest, self._context, self._owner.labels if inherit else {})
        given = self._owner.annotations if inherit else {}
        placed = placed_step(step, self._owner.into, self._owner.app.namespace)
        labels.annotate_object(manifest, self._owner.app, self._owner.uid, placed, given)

    def _references(self, rendering: Rendering, rendered: list[Manifest]) -> tuple[Reference, ...]:
        found = [r for m in rendered for r in references(m, m["metadata"].get("namespace", self._context.namespace))]
        located = [r if r.path else r.model_copy(update={"path": place_of(r, self._places)}) for r in found]
        return tuple(merged([*rendering.references, *located]))


def _parts(given: Given, path: str) -> Iterator[tuple[str, Any]]:
    yield f"{path}.properties", given.component.properties
    for trait_path, trait in zip(given.trait_paths, given.component.traits, strict=True):
        yield f"{trait_path}.properties", trait.properties


def _planned(manifest: Manifest, **fields: Any) -> PlannedObject:
    return PlannedObject(key=ObjectKey.of(manifest), manifest=manifest, digest=digest(manifest), **fields)
