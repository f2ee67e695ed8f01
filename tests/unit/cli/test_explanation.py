from datetime import timedelta

from cli.render.explanation import Kind, causes
from cli.render.why import why
from shared.contracts.facts import PodPhase
from shared.contracts.phases import Health, Reason, RunPhase, StepPhase
from shared.contracts.views import RunView, StepView
from tests.unit.cli import views
from tests.unit.cli.views import NOW


def told(*steps: StepView, run: RunView | None = None) -> str:
    found = why(run, steps, NOW)
    return "" if found is None else views.shown(found)


def test_all_well_needs_no_explanation() -> None:
    steps = (views.step("db", objects=(views.obj(),)), views.step("web", after=["db"]))
    assert why(views.run(*steps, phase=RunPhase.SUCCEEDED), steps, NOW) is None


def test_cause_is_the_step_that_failed_not_those_that_were_skipped_for_it() -> None:
    found = causes(
        [
            views.step("front", StepPhase.SKIPPED, after=["web"], reason=Reason.DEPENDENCY_NOT_SUCCEEDED),
            views.step("web", StepPhase.SKIPPED, after=["init"], reason=Reason.DEPENDENCY_NOT_SUCCEEDED),
            views.step("init", StepPhase.FAILED, reason=Reason.CONTAINER_FAILED, message="exited with code 3"),
            views.step("other", StepPhase.SUCCEEDED, after=["init"]),
        ],
        NOW,
    )
    assert [(cause.step.step, cause.blocked) for cause in found] == [("init", ("web", "front"))]


def test_waiting_steps_are_counted_with_what_they_wait_for() -> None:
    steps = (
        views.step("db", StepPhase.PENDING, reason=Reason.UNSCHEDULABLE, message="0/3 nodes are available"),
        views.step("web", StepPhase.WAITING, after=["db"]),
    )
    text = told(*steps)
    assert text.splitlines() == [
        "… db: Pending(Unschedulable)",
        "    0/3 nodes are available",
        "    holds up: web",
    ]


def test_worst_comes_first() -> None:
    steps = [
        views.step("a", StepPhase.RUNNING),
        views.step("b", StepPhase.SUCCEEDED, objects=(views.obj(Health.DEGRADED),)),
        views.step("c", StepPhase.ERROR),
    ]
    assert [cause.step.step for cause in causes(steps, NOW)] == ["c", "b", "a"]
    assert [cause.kind for cause in causes(steps, NOW)] == [Kind.BAD, Kind.UNHEALTHY, Kind.HELD]


def test_everything_known_about_a_held_step_is_told() -> None:
    text = told(
        views.step(
            "train",
            StepPhase.QUEUED,
            reason=Reason.QUOTA_EXCEEDED,
            message="it does not fit now",
            needed={"nvidia.com/gpu": "8"},
            available={"nvidia.com/gpu": "2"},
            deadline=NOW + timedelta(minutes=4),
            attempt=2,
            progress=views.progress(1, 3),
        )
    )
    for line in (
        "train: Queued(QuotaExceeded)",
        "it does not fit now",
        "needs nvidia.com/gpu 8, available 2",
        "1 of 3 ready",
        "gives up in 4m",
        "attempt 2",
    ):
        assert line in text


def test_pods_with_the_same_trouble_share_a_line() -> None:
    crashed = [
        views.pod(f"web-{n}", reason=Reason.CRASH_LOOP_BACK_OFF, message="exit code 1", restarts=4) for n in range(5)
    ]
    text = told(views.step("web", StepPhase.RUNNING, pods=(*crashed, views.pod("well"))))
    assert "pods web-0, web-1, web-2 and 2 more: CrashLoopBackOff (4 restarts): exit code 1" in text
    assert "well" not in text


def test_what_the_step_says_is_not_said_again() -> None:
    message = 'Back-off pulling image "nope"'
    text = told(
        views.step(
            "web",
            StepPhase.TIMED_OUT,
            reason=Reason.START_DEADLINE,
            message=f"took longer than 8 s to become ready; last: ImagePullBackOff {message}",
            pods=(views.pod("web-1", PodPhase.PENDING, reason=Reason.IMAGE_PULL_BACK_OFF, message=message),),
            objects=(views.obj(Health.DEGRADED, reason=Reason.IMAGE_PULL_BACK_OFF, message=message),),
        )
    )
    assert text.count(message) == 1
    assert "pod web-1: ImagePullBackOff" in text


def test_delivered_but_unhealthy_is_told_with_the_object() -> None:
    text = told(
        views.step("web", objects=(views.obj(Health.DEGRADED, reason=Reason.CRASH_LOOP_BACK_OFF, message="exit 1"),))
    )
    assert "✗ web: was delivered, and is not well now" in text
    assert "Deployment demo/web: Degraded(CrashLoopBackOff): exit 1" in text


def test_clusters_are_named_where_there_are_several() -> None:
    here = views.step("web", StepPhase.FAILED)
    there = views.step("web", StepPhase.FAILED, cluster="west")
    assert "web on east: Failed" in told(here, there)
    assert "on east" not in told(here)


def test_rejection_says_that_nothing_was_created_and_repeats_no_step() -> None:
    steps = (views.step("web", StepPhase.REJECTED, reason=Reason.OWNED_BY_OTHER, message="web exists; rename it"),)
    message = "web on east: web exists; rename it; web on east: Secret a does not exist"
    text = told(*steps, run=views.run(*steps, phase=RunPhase.REJECTED, reason=Reason.OWNED_BY_OTHER, message=message))
    assert text.splitlines()[0] == (
        "✗ the run: Rejected(OwnedByOther): web on east: Secret a does not exist; nothing was created"
    )
    assert text.count("web exists; rename it") == 1


def test_failed_run_is_told_by_its_steps_alone() -> None:
    steps = (views.step("web", StepPhase.FAILED, message="m"),)
    run = views.run(*steps, phase=RunPhase.FAILED, reason=Reason.STEP_NOT_SUCCEEDED, message="web on east: Failed() m")
    assert told(*steps, run=run).splitlines() == ["✗ web: Failed", "    m"]


def test_run_that_failed_apart_from_its_steps_is_told() -> None:
    run = views.run(phase=RunPhase.ERROR, reason=Reason.CLUSTER_UNREACHABLE, message="could not delete")
    assert told(run=run) == "✗ the run: Error(ClusterUnreachable): could not delete"


def test_run_that_was_not_taken_up_yet_says_so() -> None:
    assert "the planner has not begun it yet" in told(run=views.run(phase=RunPhase.ACCEPTED))


def test_many_causes_are_cut_short_and_counted() -> None:
    steps = [views.step(f"s{n:02}", StepPhase.FAILED) for n in range(25)]
    text = told(*steps)
    assert "s09" in text
    assert "s10" not in text
    assert "and 15 more steps" in text


def test_skipped_because_overridden_blocks_nobody() -> None:
    steps = [
        views.step("a", StepPhase.SKIPPED, reason=Reason.OVERRIDDEN),
        views.step("b", StepPhase.RUNNING, after=["a"]),
    ]
    assert [cause.step.step for cause in causes(steps, NOW)] == ["b"]
