"""Makes the plan of one generation of an application: rendered once, ordered, and addressed to its clusters."""

from collections.abc import Iterable, Sequence
from typing import Any

from shared.contracts.canonical import digest
from shared.contracts.identity import AppRef, AppUid, ClusterName, Namespace, run_id
from shared.contracts.plan import Finding, Plan, PlannedObject, PlannedStep
from shared.jobtypes.base import Registry
from shared.planning import labels, secrets, timeouts
from shared.planning.arranging import Arrangement, DraftStep, arrange, check_duplicates
from shared.planning.dependencies import Outline, check_dependencies
from shared.planning.document import Application, Component
from shared.planning.findings import DocumentRejected, shortened
from shared.planning.limits import DEFAULT_LIMITS, Limits
from shared.planning.rendering import Owner, Part, render_component


def make_plan(
    app: Application,
    *,
    ref: AppRef,
    uid: AppUid,
    generation: int,
    clusters: Sequence[ClusterName],
    registry: Registry,
    warnings: Iterable[Finding] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> Plan:
    """Plan a checked application; `warnings` are those of the check, which the plan repeats.

    Raises:
        DocumentRejected: with everything that is wrong with it.
    """
    outlines = [Outline(index=i, name=c.name, depends_on=c.depends_on) for i, c in enumerate(app.spec.components)]
    owner = owner_of(app, ref, uid)
    parts, findings = render(tuple(enumerate(app.spec.components)), owner, registry)
    findings = [*check_dependencies(outlines), *findings]
    if findings:
        raise DocumentRejected(findings)
    arrangement = arrange(parts)
    _check_size(arrangement, clusters, limits)
    return Plan(
        app=ref,
        uid=uid,
        run=run_id(uid, generation),
        generation=generation,
        steps=tuple(step for cluster in clusters for step in _addressed(arrangement, app, ref, cluster)),
        overrides=arrangement.overrides,
        warnings=shortened([*warnings, *arrangement.warnings]),
    )


def owner_of(app: Application, ref: AppRef, uid: AppUid) -> Owner:
    """The application as its objects name it."""
    return Owner(
        app=ref,
        uid=uid,
        labels=labels.inherited(app.metadata.labels),
        annotations=labels.inherited(app.metadata.annotations),
    )


def render(
    components: Iterable[tuple[int, Component]], owner: Owner, registry: Registry
) -> tuple[list[Part], list[Finding]]:
    """Render the components, given with their index in the document, and find objects that are made twice."""
    parts: list[Part] = []
    findings: list[Finding] = []
    for index, component in components:
        part, wrong = render_component(index, component, owner, registry)
        findings += wrong
        if part is not None:
            parts.append(part)
    return parts, findings + check_duplicates(parts)


def _check_size(arrangement: Arrangement, clusters: Sequence[ClusterName], limits: Limits) -> None:
    count = len(arrangement.steps) * len(clusters)
    if count > limits.steps:
        message = f"the plan has {count} steps over all clusters, {limits.steps} are allowed"
        remedy = "Make several applications of it."
        raise DocumentRejected([Finding(path="spec.components", code="TooMany", message=message, remedy=remedy)])


def _addressed(arrangement: Arrangement, app: Application, ref: AppRef, cluster: ClusterName) -> list[PlannedStep]:
    """The steps of one placement; only Secrets differ between clusters."""
    position = {draft.step: i for i, draft in enumerate(arrangement.steps)}
    steps: list[PlannedStep] = []
    findings: list[Finding] = []
    for draft in arrangement.steps:
        try:
            objects = tuple(_for_cluster(obj, cluster) for obj in draft.objects)
        except KeyError:
            findings.append(_not_sealed(draft, cluster))
            continue
        steps.append(
            PlannedStep(
                cluster=cluster,
                namespace=Namespace(ref.namespace),
                step=draft.step,
                component=draft.part.component.name,
                job_type=draft.job_type,
                job_type_version=1 if draft.declared else draft.part.job_type.version,
                depends_on=tuple(sorted(draft.needs, key=position.__getitem__)),
                objects=objects,
                references=draft.references,
                runs_once=draft.part.job_type.runs_once and not draft.declared,
                overridden_by=draft.overridden_by,
                deadlines=timeouts.deadlines(app.metadata.annotations, draft.part.component.name),
            )
        )
    if findings:
        raise DocumentRejected(findings)
    return steps


def _for_cluster(obj: PlannedObject, cluster: ClusterName) -> PlannedObject:
    if not secrets.is_secret(obj.manifest):
        return obj
    manifest = secrets.for_cluster(obj.manifest, cluster)
    changed: dict[str, Any] = {"manifest": manifest, "digest": digest(manifest)}
    return obj.model_copy(update=changed)


def _not_sealed(draft: DraftStep, cluster: ClusterName) -> Finding:
    return Finding(
        path=draft.path,
        code="SealedValueInvalid",
        message=f"a secret value is not sealed for cluster {cluster!r}",
        remedy="Apply the document again, so that its values are sealed for the clusters that it goes to.",
    )
