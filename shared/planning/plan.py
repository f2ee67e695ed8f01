"""Makes the plan of one generation of an application: rendered once, ordered, and addressed to its clusters."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from shared.contracts.canonical import digest
from shared.contracts.desired import CopiedObjects
from shared.contracts.identity import AppRef, AppUid, ClusterName, ObjectKey, StepId, placed_step, run_id
from shared.contracts.plan import Finding, Override, Placement, Plan, PlannedObject, PlannedStep
from shared.jobtypes.base import Registry
from shared.jobtypes.objects import is_secret
from shared.planning import labels, secrets, timeouts
from shared.planning.arranging import Arrangement, DraftStep, arrange, check_duplicates
from shared.planning.composing import Given, given
from shared.planning.dependencies import Outline, check_dependencies
from shared.planning.document import Application
from shared.planning.findings import DocumentRejected, shortened
from shared.planning.limits import DEFAULT_LIMITS, Limits
from shared.planning.policies import DeclaredPolicy, collection, composed, declared, treatments
from shared.planning.rendering import Owner, Part, render_component


def make_plan(
    app: Application,
    *,
    ref: AppRef,
    uid: AppUid,
    generation: int,
    placements: Sequence[Placement],
    registry: Registry,
    copies: Sequence[CopiedObjects] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> Plan:
    """Plan a checked application.

    `copies` are what `objects_sought` asked for.

    Raises:
        DocumentRejected: with everything that is wrong with it.
    """
    policies = declared(app)
    composition = composed((given(i, c) for i, c in enumerate(app.spec.components)), policies, registry)
    findings = [*composition.errors, *check_dependencies(outlines(composition.components))]
    if findings:
        raise DocumentRejected(findings)
    owner = replace(owner_of(app, ref, uid, policies), copies={c.component: c.objects for c in copies})
    arrangements: dict[str, Arrangement] = {}
    for into in dict.fromkeys(placement.namespace for placement in placements):
        parts, findings = render(composition.components, replace(owner, into=into), registry)
        if findings:
            raise DocumentRejected(findings)
        arrangements[into] = arrange(parts)
    _check_size(sum(len(arrangements[placement.namespace].steps) for placement in placements), limits)
    addressed = [(p, _Addressing(arrangements[p.namespace], app, ref, p)) for p in placements]
    steps = [step for _, one in addressed for step in one.steps()]
    _check_distinct(steps)
    return Plan(
        app=ref,
        uid=uid,
        run=run_id(uid, generation),
        generation=generation,
        steps=tuple(steps),
        overrides=tuple(dict.fromkeys(override for _, one in addressed for override in one.overrides())),
        warnings=shortened([w for one in arrangements.values() for w in one.warnings]),
        collection=collection(policies),
    )


def warned(plan: Plan, warnings: Iterable[Finding]) -> Plan:
    """The plan with warnings that came before its own, such as those of the check."""
    return plan.model_copy(update={"warnings": shortened([*warnings, *plan.warnings])})


def owner_of(app: Application, ref: AppRef, uid: AppUid, policies: Sequence[DeclaredPolicy]) -> Owner:
    """The application as its objects name it."""
    return Owner(
        app=ref,
        uid=uid,
        labels=labels.inherited(app.metadata.labels),
        annotations=labels.inherited(app.metadata.annotations),
        treat=treatments(policies),
    )


def outlines(components: Iterable[Given]) -> list[Outline]:
    """What the order of the components depends on."""
    return [Outline(path=c.path, name=c.component.name, depends_on=c.component.depends_on) for c in components]


def render(components: Iterable[Given], owner: Owner, registry: Registry) -> tuple[list[Part], list[Finding]]:
    """Render the components, and find objects that are made twice."""
    parts: list[Part] = []
    findings: list[Finding] = []
    for one in components:
        part, wrong = render_component(one, owner, registry)
        findings += wrong
        if part is not None:
            parts.append(part)
    return parts, findings + check_duplicates(parts)


def _check_size(count: int, limits: Limits) -> None:
    if count > limits.steps:
        message = f"the plan has {count} steps over all clusters, {limits.steps} are allowed"
        remedy = "Make several applications of it."
        raise DocumentRejected([Finding(path="spec.components", code="TooMany", message=message, remedy=remedy)])


def _check_distinct(steps: Iterable[PlannedStep]) -> None:
    """Two placements in one cluster cannot both make an object that belongs to the whole cluster."""
    first: dict[tuple[ClusterName, ObjectKey], PlannedStep] = {}
    findings: list[Finding] = []
    for step in steps:
        for obj in step.objects:
            before = first.setdefault((step.cluster, obj.key), step)
            if not obj.key.namespace and before.namespace != step.namespace:
                message = f"{obj.key} would be made for namespaces {before.namespace} and {step.namespace} alike"
                remedy = "It belongs to the whole cluster: take it out, or place the application there once."
                found = Finding(path="spec.policies", code="DuplicateObject", message=message, remedy=remedy)
                findings.append(found)
    if findings:
        raise DocumentRejected(findings)


class _Addressing:
    """Addresses an arrangement to one placement; only Secrets differ between clusters."""

    def __init__(self, arrangement: Arrangement, app: Application, ref: AppRef, placement: Placement) -> None:
        self._arrangement = arrangement
        self._app = app
        self._home = ref.namespace
        self._placement = placement

    def overrides(self) -> tuple[Override, ...]:
        """Of the placement's steps."""
        return tuple(
            o.model_copy(update={"loser": self._id(o.loser), "winner": self._id(o.winner)})
            for o in self._arrangement.overrides
        )

    def steps(self) -> list[PlannedStep]:
        """The steps of the placement; raises DocumentRejected."""
        position = {draft.step: i for i, draft in enumerate(self._arrangement.steps)}
        steps: list[PlannedStep] = []
        findings: list[Finding] = []
        for draft in self._arrangement.steps:
            try:
                objects = tuple(self._addressed(obj) for obj in draft.objects)
            except KeyError:
                findings.append(_not_sealed(draft, self._placement.cluster))
                continue
            steps.append(self._step(draft, objects, sorted(draft.needs, key=position.__getitem__)))
        if findings:
            raise DocumentRejected(findings)
        return steps

    def _id(self, step: StepId) -> StepId:
        return placed_step(step, self._placement.namespace, self._home)

    def _step(self, draft: DraftStep, objects: tuple[PlannedObject, ...], needs: Iterable[StepId]) -> PlannedStep:
        part = draft.part
        return PlannedStep(
            cluster=self._placement.cluster,
            namespace=self._placement.namespace_or(self._home),
            step=self._id(draft.step),
            component=part.component.name,
            job_type=draft.job_type,
            job_type_version=1 if draft.declared else part.job_type.version,
            depends_on=tuple(map(self._id, needs)),
            objects=objects,
            references=draft.references,
            runs_once=part.job_type.runs_once and not draft.declared,
            overridden_by=None if draft.overridden_by is None else self._id(draft.overridden_by),
            deadlines=timeouts.deadlines(self._app.metadata.annotations, part.given.names),
        )

    def _addressed(self, obj: PlannedObject) -> PlannedObject:
        if not is_secret(obj.manifest):
            return obj
        manifest = secrets.for_cluster(obj.manifest, self._placement.cluster, self._placement.namespace)
        changed: dict[str, Any] = {"manifest": manifest, "digest": digest(manifest)}
        return obj.model_copy(update=changed)


def _not_sealed(draft: DraftStep, cluster: ClusterName) -> Finding:
    return Finding(
        path=draft.path,
        code="SealedValueInvalid",
        message=f"a secret value is not sealed for cluster {cluster!r}",
        remedy="Apply the document again, so that its values are sealed for the clusters that it goes to.",
    )
