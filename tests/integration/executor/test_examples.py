"""Every example is prepared and applied as planning renders it: what the API server would refuse shows here."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.executor.app import kinds_by_type
from services.executor.domain.grants import DEFAULT_GRANTED_KINDS, Grants
from services.gateway.adapters.sealing import SodiumSealer
from shared.contracts.commands import ObjectToApply, PreparedObject, PreparedStep
from shared.contracts.facts import RunPrepared, StepApplied
from shared.contracts.identity import AppRef
from shared.contracts.plan import Placement, Plan, PlannedStep
from shared.contracts.registry import ClusterRecord
from shared.jobtypes.builtin import BUILTIN
from shared.planning import DEFAULT_LIMITS, check_document, make_plan, parse_document, secret_locations
from shared.sealing import public_key_of
from tests.integration.executor.conftest import CLUSTER, TENANT, Executor, commands_over

EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*/*.yaml"))
GRANTS = Grants(kinds_by_type(BUILTIN), frozenset(DEFAULT_GRANTED_KINDS))


def planned(executor: Executor, example: Path) -> Plan:
    """The plan of a document, moved into the test's namespace."""
    document = parse_document(example.read_bytes(), limits=DEFAULT_LIMITS)
    document["metadata"]["namespace"] = executor.namespace
    application, _ = check_document(document, BUILTIN)
    ref = AppRef(tenant=TENANT, namespace=executor.namespace, name="shop")
    cluster = ClusterRecord(name=CLUSTER, sealing_key=public_key_of(executor.sealing_key), created_at=datetime.now(UTC))
    sealing = SodiumSealer(b"x" * 32).seal(
        document,
        secret_locations(application, BUILTIN),
        app=ref,
        uid=executor.uid,
        clusters=[cluster],
        previous=None,
    )
    application, _ = check_document(sealing.document, BUILTIN)
    placements = [Placement(cluster=CLUSTER)]
    return make_plan(application, ref=ref, uid=executor.uid, generation=1, placements=placements, registry=BUILTIN)


def to_prepare(executor: Executor, step: PlannedStep) -> PreparedStep:
    objects = tuple(PreparedObject(key=o.key, mode=o.mode) for o in step.objects)
    return executor.step(
        *objects,
        references=step.references,
        step=step.step,
        component=step.component,
        job_type=step.job_type,
    )


def to_apply(step: PlannedStep) -> list[ObjectToApply]:
    return [
        ObjectToApply(
            key=o.key, manifest=o.manifest, digest=o.digest, generation=1, mode=o.mode, rule=o.rule, volume=o.volume
        )
        for o in step.objects
    ]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
async def test_example_is_prepared_and_applied(executor: Executor, example: Path) -> None:
    plan = planned(executor, example)
    executor.commands = commands_over(executor.kube, executor.answers, GRANTS, executor.sealing_key)
    steps = [step for step in plan.steps if step.overridden_by is None]

    prepared = await executor.answer(
        executor.prepare().model_copy(update={"steps": tuple(to_prepare(executor, step) for step in steps)})
    )
    applied = [
        await executor.answer(
            executor.apply(*to_apply(step), step=step.step, component=step.component, job_type=step.job_type)
        )
        for step in steps
    ]

    assert isinstance(prepared, RunPrepared), prepared
    assert prepared.warnings == ()
    assert [fact for fact in applied if not isinstance(fact, StepApplied)] == []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
async def test_example_applied_again_changes_no_object(executor: Executor, example: Path) -> None:
    plan = planned(executor, example)
    executor.commands = commands_over(executor.kube, executor.answers, GRANTS, executor.sealing_key)
    step = next(s for s in plan.steps if s.overridden_by is None and any(o.rule for o in s.objects))
    command = executor.apply(*to_apply(step), step=step.step, component=step.component, job_type=step.job_type)

    first = await executor.answer(command)
    again = await executor.answer(command)

    assert isinstance(first, StepApplied)
    assert isinstance(again, StepApplied)
    generations = [(o.object_uid, o.metadata_generation) for o in first.objects]
    assert [(o.object_uid, o.metadata_generation) for o in again.objects] == generations
