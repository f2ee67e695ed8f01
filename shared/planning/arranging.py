"""Puts rendered components into steps, and the steps into an order.

A declared object is a step of its own and waits for no component. A component waits for its `dependsOn`, for what it
declares, and for everything in the plan that its pods refer to.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.contracts.identity import StepId
from shared.contracts.plan import ApplyMode, Finding, Override, PlannedObject, Reference
from shared.planning import graph
from shared.planning.carriers import Declarations, Identity, identity, settle
from shared.planning.rendering import DeclaredPart, Part

_JOB_TYPES = {"pvc": "volume", "configmap": "config", "secret": "secret"}
"""Middle of a declared step's id → what the step is called for people."""


@dataclass(kw_only=True)
class DraftStep:
    """A step before it is addressed to clusters."""

    step: StepId
    part: Part
    path: str
    job_type: str
    objects: tuple[PlannedObject, ...]
    references: tuple[Reference, ...] = ()
    needs: set[StepId] = field(default_factory=set)
    overridden_by: StepId | None = None
    declared: bool = False


@dataclass(frozen=True, kw_only=True)
class Arrangement:
    """All steps of a placement, each after those it waits for."""

    steps: tuple[DraftStep, ...]
    overrides: tuple[Override, ...]
    warnings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Wish:
    """A step would like to wait for a component that makes what it needs; given up where that closes a circle."""

    user: StepId
    provider: StepId
    path: str
    what: str


def check_duplicates(parts: Sequence[Part]) -> list[Finding]:
    """Two places that make the same object, unless all that they want is that it exists."""
    first: dict[Identity, tuple[str, str, PlannedObject]] = {}
    findings: list[Finding] = []
    for part in parts:
        for obj in part.objects:
            before = first.setdefault(identity(obj), (part.component.name, part.path, obj))
            if before[2] is not obj and not obj.mode is before[2].mode is ApplyMode.CREATE:
                findings.append(_duplicate(obj, part.path, before))
    for part in parts:
        for declared in part.declared:
            before_ = first.get(identity(declared.obj))
            if before_ is None:
                continue
            same_component = before_[1] == part.path and before_[2].mode is ApplyMode.APPLY
            if declared.obj.mode is ApplyMode.APPLY or same_component:
                findings.append(_duplicate(declared.obj, declared.path, before_))
    return findings


def _duplicate(obj: PlannedObject, path: str, before: tuple[str, str, PlannedObject]) -> Finding:
    component, place, _ = before
    return Finding(
        path=path,
        code="DuplicateObject",
        message=f"{obj.key} is already made by component {component!r} ({place})",
        remedy="Give one of the two another name.",
    )


def arrange(parts: Sequence[Part]) -> Arrangement:
    """Order rendered components whose `dependsOn` are sound and that make no object twice."""
    names = {part.component.name for part in parts}
    needs = {p.component.name: [n for n in p.component.depends_on if n in names] for p in parts}
    declarations = settle(parts, needs)
    made = {identity(o): (p.component.name, o) for p in parts for o in p.objects}
    drafts: dict[StepId, DraftStep] = {}
    wishes: list[_Wish] = []
    for part in parts:
        for declared in declarations.kept[part.component.name]:
            drafts[declared.step] = _declared_step(part, declared, declarations)
            wishes += _wishes_of_declared(declared, declarations, made)
        draft, wished = _component_step(part, needs[part.component.name], declarations, made)
        drafts[draft.step] = draft
        wishes += wished
    warnings = _grant(wishes, drafts)
    order = graph.topological(tuple(drafts), {step: draft.needs for step, draft in drafts.items()})
    return Arrangement(
        steps=tuple(drafts[step] for step in order),
        overrides=tuple(declarations.overrides),
        warnings=(*(warning for part in parts for warning in part.warnings), *warnings),
    )


def _declared_step(part: Part, declared: DeclaredPart, declarations: Declarations) -> DraftStep:
    draft = DraftStep(
        step=declared.step,
        part=part,
        path=declared.path,
        job_type=_JOB_TYPES[declared.kind_token],
        objects=(declared.obj,),
        overridden_by=declarations.overridden_by.get(declared.step),
        declared=True,
    )
    provider = declarations.providers[identity(declared.obj)]
    if declared.obj.mode is ApplyMode.CREATE and not declared.obj.volume and provider != declared.step:
        # Created empty first, it would be somebody else's to the step that carries the data.
        draft.needs.add(provider)
    return draft


def _wishes_of_declared(
    declared: DeclaredPart, declarations: Declarations, made: dict[Identity, tuple[str, PlannedObject]]
) -> list[_Wish]:
    obj = identity(declared.obj)
    if obj not in made or made[obj][1].mode is ApplyMode.CREATE or declarations.providers[obj] != declared.step:
        return []
    return [_Wish(declared.step, StepId(made[obj][0]), declared.path, str(declared.obj.key))]


def _component_step(
    part: Part,
    depends_on: Sequence[str],
    declarations: Declarations,
    made: dict[Identity, tuple[str, PlannedObject]],
) -> tuple[DraftStep, list[_Wish]]:
    step = StepId(part.component.name)
    needs = {StepId(name) for name in depends_on}
    for declared in declarations.kept[part.component.name]:
        needs.add(declared.step)
        needs.add(declarations.overridden_by.get(declared.step, declared.step))
    missing: list[Reference] = []
    wishes: list[_Wish] = []
    for reference in part.references:
        wanted = ("", reference.kind, reference.namespace, reference.name)
        if wanted in declarations.providers:
            needs.add(declarations.providers[wanted])
        elif wanted not in made:
            missing.append(reference)
        elif made[wanted][0] != part.component.name:
            what = f"{reference.kind} {reference.namespace}/{reference.name}"
            wishes.append(_Wish(step, StepId(made[wanted][0]), reference.path or part.path, what))
    draft = DraftStep(
        step=step,
        part=part,
        path=part.path,
        job_type=part.job_type.name,
        objects=part.objects,
        references=tuple(missing),
        needs=needs,
    )
    return draft, wishes


def _grant(wishes: Sequence[_Wish], drafts: dict[StepId, DraftStep]) -> list[Finding]:
    """Wait for the component that makes what is referred to, except where the document wants it the other way round."""
    wanted = {step: set(draft.needs) for step, draft in drafts.items()}
    for wish in wishes:
        wanted[wish.user].add(wish.provider)
    numbers = graph.components(tuple(drafts), {s: sorted(n) for s, n in wanted.items()}) if wishes else {}
    warnings: list[Finding] = []
    for wish in wishes:
        if numbers[wish.user] != numbers[wish.provider]:
            drafts[wish.user].needs.add(wish.provider)
        else:
            warnings.append(
                Finding(
                    path=wish.path,
                    code="NotWaitedFor",
                    message=f"{wish.what} is made by component {wish.provider!r}, which itself waits for {wish.user!r}",
                    remedy="Its pods start only once it is there; take the dependency out if that never happens.",
                )
            )
    return warnings
