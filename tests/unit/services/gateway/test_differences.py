"""What clusters are asked about a plan, and how their answers are put together."""

from typing import Any

import pytest

from services.gateway.domain.differences import (
    TOLD_BYTES,
    Answers,
    ClusterPart,
    History,
    batches,
    parts,
    prepared,
    reaches_back,
    to_compare,
    view,
)
from shared.contracts.differences import Change, ObjectDifference, SliceChecked, UnwantedDifference
from shared.contracts.facts import StepProblem
from shared.contracts.identity import ClusterName, ObjectKey
from shared.contracts.phases import Reason, RunPhase, StepPhase
from shared.contracts.plan import Collection, Disposal, Plan, Retention
from shared.contracts.views import ObjectView, RunView, StepView
from shared.planning import with_attempt
from tests.compatibility.filled import filled
from tests.support.planning import DEV, Document, component, document, holds, planned, steps


def run_of(plan: Plan, ended: RunPhase = RunPhase.SUCCEEDED, /, **changes: Any) -> RunView:
    """The run of a plan, all of its objects recorded; `changes` are those of its steps."""
    made = [
        StepView(
            cluster=step.cluster,
            namespace=step.namespace,
            step=step.step,
            component=step.component,
            job_type=step.job_type,
            phase=StepPhase.SUCCEEDED,
            objects=tuple(ObjectView(key=obj.key, object_uid=f"uid-of-{obj.key.name}") for obj in step.objects),
        ).model_copy(update=changes)
        for step in plan.steps
    ]
    return filled(RunView).model_copy(update={"phase": ended, "steps": tuple(made)})


def part_of(plan: Plan, *runs: RunView, before: Plan | None = None) -> ClusterPart:
    (part,) = parts(plan, History(runs), lambda: before)
    return part


def config(name: str) -> ObjectKey:
    return ObjectKey(api_version="v1", kind="ConfigMap", namespace="demo", name=name)


def carrier(name: str, configs: dict[str, Any]) -> Document:
    return component(name, "app", holds(configs=configs))


def two_configs() -> Plan:
    return planned(document(component("web"), carrier("h", {"a": {"k": "v"}, "b": {"k": "v"}})))


def one_config() -> Plan:
    return planned(document(component("web"), carrier("h", {"a": {"k": "v"}})))


def test_a_new_application_is_asked_about_object_by_object() -> None:
    plan = two_configs()
    part = part_of(plan)
    assert [one.where for one in part.objects] == [(s.step, o.key) for s in plan.steps for o in s.objects]
    assert (part.cluster, dict(part.unwanted), part.done) == (DEV, {}, ())
    assert [step.step for step in prepared(part)] == [step.step for step in plan.steps]


def test_the_last_generation_is_planned_again_only_where_something_goes() -> None:
    plan = two_configs()

    def never() -> Plan | None:
        raise AssertionError("nothing is unwanted")

    assert not parts(plan, History([run_of(plan)]), never)[0].unwanted


@pytest.mark.parametrize(
    ("retention", "collection", "told"),
    [
        (Retention.DEFAULT, Collection(), Change.DELETED),
        (Retention.NEVER, Collection(), Change.RELEASED),
        (Retention.ON_APP_DELETE, Collection(), Change.KEPT),
        (Retention.DEFAULT, Collection(keep_legacy=True), Change.KEPT),
    ],
)
def test_what_goes_goes_as_policies_of_the_last_generation_say(
    retention: Retention, collection: Collection, told: Change
) -> None:
    before, after = two_configs(), one_config().model_copy(update={"collection": collection})
    kept = [
        step.model_copy(
            update={
                "objects": tuple(
                    obj.model_copy(
                        update={
                            "treatment": obj.treatment.model_copy(update={"disposal": Disposal(retention=retention)})
                        }
                    )
                    for obj in step.objects
                )
            }
        )
        for step in before.steps
    ]
    part = part_of(after, run_of(before), before=before.model_copy(update={"steps": tuple(kept)}))
    assert list(part.unwanted) == [config("b")]
    found = UnwantedDifference(
        key=config("b"), change=Change.RELEASED if retention is Retention.NEVER else Change.DELETED
    )
    answers = Answers(checked=SliceChecked(cluster=DEV, unwanted=(found,)))
    [cluster] = view(after, [(part, answers)]).clusters
    assert [(one.key, one.change) for one in cluster.unwanted] == [(config("b"), told)]


def test_what_a_failed_run_left_is_unwanted_too_and_what_is_gone_is_not_told() -> None:
    plan = one_config()
    failed = run_of(two_configs(), RunPhase.FAILED)
    succeeded = run_of(planned(document(carrier("h", {"older": {"k": "v"}}))))
    assert not reaches_back([failed])
    assert reaches_back([failed, succeeded])
    part = part_of(plan, failed, succeeded)
    assert set(part.unwanted) == {config("b"), config("older")}
    [cluster] = view(plan, [(part, Answers(checked=SliceChecked(cluster=DEV)))]).clusters
    assert cluster.unwanted == ()


def test_a_cluster_that_gets_nothing_any_more_is_asked_about_what_it_has() -> None:
    here = planned(document(component("web")))
    both = planned(document(component("web")), "dev", "old")
    found = parts(here, History([run_of(both)]), lambda: both)
    assert [(part.cluster, len(part.objects), len(part.unwanted)) for part in found] == [("dev", 1, 0), ("old", 0, 1)]


def job(plan: Plan) -> Any:
    return steps(plan)["init"].objects[0]


@pytest.mark.parametrize(
    ("phase", "attempt", "asked"),
    [
        (StepPhase.SUCCEEDED, 2, None),
        (StepPhase.RUNNING, 2, 2),
        (StepPhase.FAILED, 2, 3),
        (StepPhase.TIMED_OUT, 1, 2),
    ],
)
def test_a_task_is_asked_about_by_the_name_of_its_next_attempt(
    phase: StepPhase, attempt: int, asked: int | None
) -> None:
    plan = planned(document(component("init", "once")))
    last = with_attempt(job(plan), attempt)
    run = run_of(plan, RunPhase.FAILED, phase=phase, attempt=attempt, objects=(ObjectView(key=last.key),))
    part = part_of(plan, run)
    assert [one.obj.key for one in part.objects] == ([with_attempt(job(plan), asked).key] if asked else [])
    live = view(plan, [(part, Answers())]).steps[0].objects[0].live
    assert live is not None
    assert live.reason is (Reason.NONE if asked else Reason.ALREADY_COMPLETED)


def test_a_task_of_another_template_begins_with_the_first_attempt() -> None:
    plan, other = (planned(document(component("init", "once", properties={"image": i}))) for i in ("a:1", "b:1"))
    part = part_of(plan, run_of(other, RunPhase.FAILED, phase=StepPhase.FAILED, attempt=4))
    assert part.objects[0].obj.key == job(plan).key


def test_requests_hold_a_bounded_number_of_objects_and_bytes() -> None:
    small = part_of(planned(document(*(carrier(f"h{i}", {f"c{i}": {"k": "v"}}) for i in range(100)))))
    assert [len(batch) for batch in batches(small)][:2] == [40, 40]
    assert sum(len(batch) for batch in batches(small)) == len(small.objects)
    large = part_of(planned(document(*(carrier(f"h{i}", {f"c{i}": {"k": "v" * 400_000}}) for i in range(4)))))
    assert max(len(str(to_compare(batch, 1))) for batch in batches(large)) < 2 * 1024 * 1024


def test_objects_of_a_step_are_asked_about_together_where_they_fit_into_one_request() -> None:
    def objects(name: str, count: int) -> dict[str, Any]:
        made = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"{name}-{i}"}} for i in range(count)]
        return component(name, "objects", properties={"objects": made})

    part = part_of(planned(document(objects("a", 30), objects("b", 20), objects("c", 70), objects("d", 5))))
    found = [[one.step.step for one in batch] for batch in batches(part)]
    assert found == [["a"] * 30, ["b"] * 20, ["c"] * 40, ["c"] * 30 + ["d"] * 5]


def test_problems_are_told_once_and_missing_references_first() -> None:
    plan = one_config()
    part = part_of(plan)
    theirs = StepProblem(step=plan.steps[0].step, reason=Reason.OWNED_BY_OTHER, message="theirs")
    missing = StepProblem(step=plan.steps[0].step, reason=Reason.REFERENCE_NOT_FOUND, message="absent")
    answers = Answers(checked=SliceChecked(cluster=DEV, problems=(theirs, missing)))
    for one in part.objects:
        answers.objects[one.where] = ObjectDifference(
            step=plan.steps[0].step,
            key=one.obj.key,
            change=Change.REFUSED,
            reason=Reason.OWNED_BY_OTHER,
            message="theirs",
        )
    [cluster] = view(plan, [(part, answers)]).clusters
    assert cluster.problems == (missing, theirs)
    assert cluster.compared


def told_of(part: ClusterPart, **told: Any) -> list[ObjectDifference]:
    """What a cluster says of every object."""
    return [
        ObjectDifference(step=one.step.step, key=one.obj.key, **{"change": Change.CREATED, **told})
        for one in part.objects
    ]


def test_an_answer_about_something_else_is_not_taken_up() -> None:
    part = part_of(two_configs())
    told = told_of(part)
    for other in (told[:-1], told[::-1], [*told, told[0]]):
        answers = Answers()
        assert not answers.take(part.objects, other)
        assert not answers.objects


def test_no_more_is_kept_of_what_a_cluster_tells_than_a_plan_can_tell() -> None:
    part = part_of(two_configs())
    answers = Answers()
    long = "x" * (TOLD_BYTES // len(part.objects) + 1)
    assert answers.take(part.objects, told_of(part, change=Change.CHANGED, text=long))
    kept = [answers.objects[one.where] for one in part.objects]
    assert [(one.text == long, one.shortened) for one in kept] == [(True, False)] * (len(kept) - 1) + [(False, True)]


@pytest.mark.parametrize(
    ("checked", "answered", "words"),
    [(False, False, "what is there"), (True, False, "what is there"), (False, True, "references and kinds")],
)
def test_what_is_missing_of_a_clusters_answers_is_said(checked: bool, answered: bool, words: str) -> None:  # noqa: FBT001  # parameters of a test
    plan = one_config()
    part = part_of(plan)
    answers = Answers(checked=SliceChecked(cluster=DEV) if checked else None, troubles=["silent", "silent"])
    if answered:
        assert answers.take(part.objects, told_of(part))
    [cluster] = view(plan, [(part, answers)]).clusters
    assert cluster.message == f"cluster {ClusterName('dev')}: {words} could not be looked at: silent"
    assert not cluster.compared
