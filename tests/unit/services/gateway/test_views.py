"""How views are put together, and how old signs of life are."""

from datetime import timedelta
from typing import Any

import pytest

from services.gateway.domain import beats, merging, pages
from services.gateway.domain.pages import ContinueInvalid
from shared.contracts.desired import PagePosition
from shared.contracts.facts import AgentBeat, ObservationOrder, PodPhase, PodSeen, PodsObserved
from shared.contracts.identity import StepId
from shared.contracts.phases import Health, Reason, RunPhase, StepPhase
from shared.contracts.registry import ClusterRecord
from shared.contracts.runs import Action, RunAccepted, RunPhaseChanged, StepPhaseChanged
from shared.contracts.views import ObjectView
from tests.support.records import EAST, NOW, UID, a_record, a_run, a_step, an_object, stored

APP = a_record().app


def seen(object_uid: str = "u1", **fields: Any) -> ObjectView:
    return an_object(health=Health.DEGRADED, observed_at=NOW, object_uid=object_uid, **fields)


def test_what_was_observed_replaces_what_was_planned() -> None:
    run = a_run(a_step(objects=(an_object(object_uid="u1"),)))
    merged = merging.with_observations(run, {(EAST, an_object().key): seen()}, ())
    assert merged.steps[0].objects[0].health is Health.DEGRADED


def test_an_observation_of_another_object_of_that_name_does_not_count() -> None:
    run = a_run(a_step(objects=(an_object(object_uid="u2"),)))
    merged = merging.with_observations(run, {(EAST, an_object().key): seen("u1")}, ())
    assert merged.steps[0].objects[0].observed_at is None


def test_an_observation_in_another_cluster_does_not_count() -> None:
    run = a_run(a_step(cluster="west", objects=(an_object(),)))
    merged = merging.with_observations(run, {(EAST, an_object().key): seen()}, ())
    assert merged.steps[0].objects[0].observed_at is None


def test_pods_come_to_their_step() -> None:
    pod = PodSeen(name="web-1", phase=PodPhase.RUNNING)
    order = ObservationOrder(incarnation="i", transitions=1, counter=1)
    observed = PodsObserved(
        app=APP, uid=UID, cluster=EAST, step=StepId("web"), order=order, at=NOW, pods=(pod,), total=1
    )
    merged = merging.with_observations(a_run(a_step("web"), a_step("db")), {}, [observed])
    assert [step.pods for step in merged.steps] == [(pod,), ()]


def test_a_summary_follows_the_events() -> None:
    run = merging.awaited_run(stored(a_record())).summary()
    assert (run.phase, run.n, run.action) == (RunPhase.ACCEPTED, 0, Action.DEPLOY)
    header: dict[str, Any] = {"app": APP, "uid": UID, "run": run.run, "generation": 1}
    accepted = RunAccepted(**header, n=4, at=NOW, action=Action.DEPLOY, requested_by="ann", steps=())
    step = StepPhaseChanged(**header, n=5, at=NOW, cluster=EAST, step=StepId("web"), phase=StepPhase.APPLYING)
    ended = RunPhaseChanged(
        **header, n=6, at=NOW + timedelta(seconds=3), phase=RunPhase.FAILED, reason=Reason.STEP_NOT_SUCCEEDED
    )
    for event in (accepted, step, ended):
        run = merging.after(run, event)
    assert (run.n, run.phase, run.reason, run.ended_at) == (6, RunPhase.FAILED, Reason.STEP_NOT_SUCCEEDED, ended.at)


def test_a_deletion_that_nobody_took_up_yet_shows_as_one() -> None:
    assert merging.awaited_run(stored(a_record(deleted=True))).action is Action.DELETE


def a_beat(part: str = "observe") -> AgentBeat:
    return AgentBeat.model_validate(
        {
            "cluster": EAST,
            "part": part,
            "incarnation": "i",
            "kubernetes_version": "v1.36.0",
            "version": "0.1.0",
            "started_at": NOW,
            # The agent's own clock, which is an hour behind, is never believed.
            "at": NOW - timedelta(hours=1),
        }
    )


def test_a_beat_is_as_old_as_its_time_in_the_stream() -> None:
    fresh = beats.heard(a_beat(), stored_at=NOW, arrived_at=NOW, arrived_s=100)
    kept = beats.heard(a_beat(), stored_at=NOW - timedelta(seconds=40), arrived_at=NOW, arrived_s=100)
    assert beats.age_s({(EAST, "observe"): fresh}, EAST, "observe", 103) == 3
    assert beats.age_s({(EAST, "observe"): kept}, EAST, "observe", 103) == 43
    assert beats.age_s({}, EAST, "observe", 103) is None


def test_a_cluster_is_reachable_while_both_parts_give_signs_of_life() -> None:
    record = ClusterRecord(name="east", sealing_key="", created_at=NOW)
    observe = beats.heard(a_beat(), stored_at=NOW, arrived_at=NOW, arrived_s=100)
    executor = beats.heard(a_beat("executor"), stored_at=NOW, arrived_at=NOW, arrived_s=90)
    both = {(EAST, "observe"): observe, (EAST, "executor"): executor}
    view = beats.cluster_view(record, both, 101)
    assert (view.reachable, view.kubernetes_version, view.executor_beat_age_s) == (True, "v1.36.0", 11)
    assert not beats.cluster_view(record, both, 125).reachable
    assert not beats.cluster_view(record, {(EAST, "observe"): observe}, 101).reachable


def test_continue_tokens_come_back() -> None:
    position = PagePosition("acme-dev", "shöp", "5f0c")
    assert pages.read(pages.write(position)) == position


@pytest.mark.parametrize("token", ["", "x", "%%%", "WzFd", "bnVsbA", "WyJhIiwiYiJd", "ä"])
def test_foreign_continue_tokens_are_refused(token: str) -> None:
    with pytest.raises(ContinueInvalid):
        pages.read(token)


def test_restatement_counts_once_what_it_speaks_of_had_time_to_be_projected() -> None:
    restatements = beats.Restatements()
    first, second = (ObservationOrder(incarnation="k", transitions=1, counter=c) for c in (5, 9))
    heard = [(first, 0.0), (first, 10.0), (first, 16.0), (second, 20.0), (second, 30.0), (second, 36.0)]
    settled = []
    for order, now_s in heard:
        beat = AgentBeat(
            cluster=EAST,
            part="observe",
            incarnation="k",
            kubernetes_version="v1.36.3",
            version="0.1.0",
            started_at=NOW,
            at=NOW,
            restated=order,
        )
        restatements.note(beat, now_s)
        settled.append(restatements.settled.get(EAST))
    assert settled == [None, None, first, first, first, second]
