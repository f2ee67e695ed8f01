"""A plan as people read it."""

from shared.contracts.plan import Plan, PlannedObject, PlannedStep
from shared.contracts.views import PlanObjectView, PlanStepView, PlanView
from shared.planning.secrets import masked


def plan_view(plan: Plan) -> PlanView:
    """The plan with every secret value hidden; steps stay in topological order within each cluster."""
    return PlanView(
        tenant=plan.app.tenant,
        namespace=plan.app.namespace,
        name=plan.app.name,
        generation=plan.generation,
        steps=tuple(map(_step, plan.steps)),
        overrides=plan.overrides,
        warnings=plan.warnings,
    )


def _step(step: PlannedStep) -> PlanStepView:
    return PlanStepView(
        cluster=step.cluster,
        namespace=step.namespace,
        step=step.step,
        component=step.component,
        job_type=step.job_type,
        waits_for=step.depends_on,
        objects=tuple(map(_object, step.objects)),
        references=step.references,
        runs_once=step.runs_once,
        overridden_by=step.overridden_by,
        deadlines=step.deadlines,
    )


def _object(obj: PlannedObject) -> PlanObjectView:
    return PlanObjectView(
        key=obj.key, mode=obj.mode, volume=obj.volume, treatment=obj.treatment, manifest=masked(obj.manifest)
    )
