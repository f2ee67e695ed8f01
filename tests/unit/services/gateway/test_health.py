"""Health when it is read: one total order, stale first."""

from functools import reduce
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.gateway.domain import health
from services.gateway.domain.health import HEALTHY, Verdict, worse, worst
from shared.contracts.facts import BEAT_STALE_AFTER_S
from shared.contracts.phases import AppPhase, Health, Reason, RunPhase, StepPhase
from shared.contracts.views import ClusterHealth, ObjectView
from tests.support.records import EAST, NOW, a_job, a_run, a_step, an_object

VERDICTS = st.builds(
    Verdict, st.sampled_from(Health), st.sampled_from([Reason.NONE, Reason.OOM_KILLED]), st.sampled_from(["", "a", "b"])
)
FRESH_S = 1.0
STALE_S = BEAT_STALE_AFTER_S + 1


@given(VERDICTS, VERDICTS, VERDICTS)
def test_worse_is_associative(a: Verdict, b: Verdict, c: Verdict) -> None:
    assert worse(worse(a, b), c) == worse(a, worse(b, c))


@given(VERDICTS, VERDICTS)
def test_worse_is_commutative_and_healthy_is_neutral(a: Verdict, b: Verdict) -> None:
    assert worse(a, b) == worse(b, a)
    assert worse(a, HEALTHY).health == a.health


@given(st.lists(VERDICTS), st.integers(), st.integers(min_value=1, max_value=4))
def test_neither_order_nor_grouping_matters(verdicts: list[Verdict], seed: int, size: int) -> None:
    shuffled = verdicts[:]
    Random(seed).shuffle(shuffled)
    groups = [shuffled[i : i + size] for i in range(0, len(shuffled), size)]
    assert worst(verdicts) == worst(worst(group) for group in groups) == reduce(worse, shuffled, HEALTHY)


def test_order_is_the_documented_one() -> None:
    order = [Health.MISSING, Health.DEGRADED, Health.UNKNOWN, Health.PROGRESSING, Health.HEALTHY]
    for place, each in enumerate(order):
        for better in order[place:]:
            assert worse(Verdict(each), Verdict(better)).health is each


def observed(state: Health, reason: Reason = Reason.NONE) -> ClusterHealth:
    run = a_run(a_step(objects=(an_object(health=state, reason=reason, observed_at=NOW, object_uid="u1"),)))
    return health.of_cluster(EAST, run, AppPhase.ACTIVE, FRESH_S)


@pytest.mark.parametrize("state", list(Health))
def test_what_was_observed_of_an_object_counts(state: Health) -> None:
    assert observed(state).health is state


def test_reason_of_the_worst_object_is_told() -> None:
    run = a_run(
        a_step("a", objects=(an_object("a", health=Health.HEALTHY, observed_at=NOW),)),
        a_step(
            "b",
            objects=(
                an_object("b", health=Health.DEGRADED, reason=Reason.OOM_KILLED, message="exit 137", observed_at=NOW),
            ),
        ),
    )
    found = health.of_cluster(EAST, run, AppPhase.ACTIVE, FRESH_S)
    assert (found.health, found.reason) == (Health.DEGRADED, Reason.OOM_KILLED)
    assert found.message == "Deployment acme-dev/b: exit 137"


@pytest.mark.parametrize("state", list(Health))
@pytest.mark.parametrize("age_s", [STALE_S, None])
def test_a_silent_observer_makes_everything_unknown(state: Health, age_s: float | None) -> None:
    run = a_run(a_step(objects=(an_object(health=state, observed_at=NOW),)))
    found = health.of_cluster(EAST, run, AppPhase.ACTIVE, age_s)
    assert (found.health, found.reason, found.beat_age_s) == (Health.UNKNOWN, Reason.CLUSTER_UNREACHABLE, age_s)


@pytest.mark.parametrize(
    ("phase", "object_uid", "expected"),
    [
        (StepPhase.SUCCEEDED, "u1", Health.HEALTHY),
        (StepPhase.RUNNING, "", Health.PROGRESSING),
        (StepPhase.WAITING, "", Health.PROGRESSING),
        (StepPhase.FAILED, "u1", Health.UNKNOWN),
        (StepPhase.REJECTED, "", Health.MISSING),
        (StepPhase.SKIPPED, "", Health.MISSING),
    ],
)
def test_an_object_that_nobody_observed_is_as_well_as_its_step(
    phase: StepPhase, object_uid: str, expected: Health
) -> None:
    run = a_run(a_step(phase=phase, objects=(an_object(object_uid=object_uid),)))
    assert health.of_cluster(EAST, run, AppPhase.ACTIVE, FRESH_S).health is expected


GONE: dict[str, Any] = {"health": Health.MISSING, "reason": Reason.VANISHED, "observed_at": NOW, "object_uid": "u1"}


@pytest.mark.parametrize("objects", [(), (a_job(),), (a_job(**GONE),)])
@pytest.mark.parametrize(
    ("phase", "expected"), [(StepPhase.CANCELLED, Health.HEALTHY), (StepPhase.TIMED_OUT, Health.DEGRADED)]
)
def test_a_job_that_was_given_up_is_not_missed(
    phase: StepPhase, expected: Health, objects: tuple[ObjectView, ...]
) -> None:
    run = a_run(a_step(phase=phase, reason=Reason.RUN_DEADLINE, objects=objects))
    assert health.of_cluster(EAST, run, AppPhase.ACTIVE, FRESH_S).health is expected


@pytest.mark.parametrize(
    ("phase", "obj", "expected"),
    [
        (StepPhase.CANCELLED, a_job(health=Health.PROGRESSING, observed_at=NOW), Health.PROGRESSING),
        (StepPhase.CANCELLED, an_object(), Health.MISSING),
        (StepPhase.CANCELLED, an_object(**GONE), Health.MISSING),
        (StepPhase.FAILED, a_job(**GONE), Health.MISSING),
        (StepPhase.SKIPPED, a_job(), Health.MISSING),
    ],
)
def test_what_is_there_or_should_be_counts_as_ever(phase: StepPhase, obj: ObjectView, expected: Health) -> None:
    run = a_run(a_step(phase=phase, objects=(obj,)))
    assert health.of_cluster(EAST, run, AppPhase.ACTIVE, FRESH_S).health is expected


def test_an_overridden_step_does_no_harm() -> None:
    run = a_run(a_step(phase=StepPhase.SKIPPED, reason=Reason.OVERRIDDEN, objects=(an_object(),)))
    assert health.of_cluster(EAST, run, AppPhase.ACTIVE, FRESH_S).health is Health.HEALTHY


def test_drift_is_told_although_every_object_is_well() -> None:
    well = an_object(health=Health.HEALTHY, observed_at=NOW)
    drifted = a_step(reason=Reason.DRIFTED, message="Deployment web was changed by others", objects=(well,))
    found = health.of_cluster(EAST, a_run(drifted), AppPhase.ACTIVE, FRESH_S)
    assert (found.health, found.reason) == (Health.DEGRADED, Reason.DRIFTED)
    assert found.message == "Deployment web was changed by others"
    gone = an_object(health=Health.MISSING, reason=Reason.VANISHED, observed_at=NOW)
    deleted = a_step(reason=Reason.DRIFTED, objects=(gone,))
    assert health.of_cluster(EAST, a_run(deleted), AppPhase.ACTIVE, FRESH_S).health is Health.MISSING


def test_steps_of_other_clusters_do_not_count() -> None:
    run = a_run(
        a_step(cluster="west", objects=(an_object(health=Health.DEGRADED, observed_at=NOW),)),
        a_step(objects=(an_object(health=Health.HEALTHY, observed_at=NOW),)),
    )
    assert health.of_cluster(EAST, run, AppPhase.ACTIVE, FRESH_S).health is Health.HEALTHY


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        (RunPhase.PREPARING, Health.PROGRESSING),
        (RunPhase.SUCCEEDED, Health.HEALTHY),
        (RunPhase.REJECTED, Health.MISSING),
    ],
)
def test_a_run_without_steps_speaks_for_itself(phase: RunPhase, expected: Health) -> None:
    assert health.of_cluster(EAST, a_run(phase=phase), AppPhase.ACTIVE, FRESH_S).health is expected


def test_before_the_first_run_it_is_progressing() -> None:
    assert health.of_cluster(EAST, None, AppPhase.ACTIVE, FRESH_S).health is Health.PROGRESSING


def test_deletion_is_progress_and_its_end_is_missing() -> None:
    run = a_run(a_step(objects=(an_object(health=Health.MISSING, observed_at=NOW),)))
    assert health.of_cluster(EAST, run, AppPhase.DELETING, FRESH_S).health is Health.PROGRESSING
    assert health.of_cluster(EAST, run, AppPhase.DELETED, None).health is Health.MISSING


def test_an_application_is_as_well_as_its_worst_cluster() -> None:
    clusters = [observed(Health.HEALTHY), observed(Health.DEGRADED)]
    assert health.of_application(clusters) is Health.DEGRADED
