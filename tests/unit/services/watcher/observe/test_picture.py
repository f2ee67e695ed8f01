import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from services.watcher.observe.domain.intake import read
from services.watcher.observe.domain.picture import Picture, StepKey
from services.watcher.observe.domain.statement import PODS_LIMIT, state, step_pods, to_pods_observed
from shared.contracts.facts import ObservationOrder
from shared.contracts.identity import AppUid, ClusterName, StepId
from tests.support.messages import NOW
from tests.support.observed import (
    APP,
    APP_UID,
    annotated,
    container,
    deployment,
    healthy,
    job,
    live,
    pod,
    replica_set,
    running,
    warning,
)

Object = dict[str, Any]

WEB = live(annotated(deployment(), step="web"), uid="web")
SET = replica_set(WEB, uid="rs")
TASK = live(annotated(job(), step="task"), uid="task")
CRASHED: Object = {"phase": "Failed", "containerStatuses": [container(terminated={"exitCode": 2, "reason": "Error"})]}
PULLING: Object = {
    "phase": "Pending",
    "containerStatuses": [container(waiting={"reason": "ErrImagePull", "message": "no"})],
}
FINAL = [
    WEB,
    SET,
    TASK,
    pod(SET, "web-1", **running(ready=False)),
    pod(SET, "web-2", **PULLING),
    pod(TASK, "task-1", **CRASHED),
    warning(pod(SET, "web-1"), "Unhealthy", "Readiness probe failed"),
]
STEP = StepKey(APP, APP_UID, StepId("web"))


def pictured(objects: list[Object]) -> Picture:
    picture = Picture()
    for obj in objects:
        picture.put(read(obj))
    return picture


def said(picture: Picture) -> list[object]:
    return [statement and statement.said() for statement in (state(picture, uid) for uid in ("web", "task"))]


@given(st.permutations(FINAL))
def test_the_order_in_which_kinds_are_seen_does_not_matter(objects: list[Object]) -> None:
    assert said(pictured(objects)) == said(pictured(FINAL))


@given(st.randoms(use_true_random=False), st.lists(st.sampled_from(range(len(FINAL))), max_size=30))
@settings(max_examples=50)
def test_whatever_came_and_went_only_what_is_there_counts(rng: random.Random, churn: list[int]) -> None:
    picture = Picture()
    for index in churn:
        uid = FINAL[index]["metadata"]["uid"]
        if rng.random() < 0.5:
            picture.drop(uid)
        else:
            picture.put(read(FINAL[index]))
    for obj in FINAL:
        picture.put(read(obj))
    assert said(picture) == said(pictured(FINAL))


def test_a_change_of_a_pod_touches_the_object_and_the_step_it_belongs_to() -> None:
    picture = pictured([WEB, SET])
    touched = picture.put(read(pod(SET, "web-1")))
    assert touched.objects == {"web"}
    assert touched.steps == {STEP}
    assert picture.put(read(pod(SET, "web-1"))).objects == frozenset()


def test_the_last_link_touches_what_it_joins() -> None:
    picture = pictured([WEB, pod(SET, "web-1", **running())])
    assert picture.put(read(SET)).objects == {"web"}
    assert [p.name for p in picture.pods_of("web")] == ["web-1"]


def test_what_is_gone_is_stated_once_and_then_forgotten() -> None:
    picture = pictured(FINAL)
    assert picture.drop("web", read(live(annotated(deployment(), generation=9), uid="web"))).objects == {"web"}
    statement = state(picture, "web")
    assert statement is not None
    assert (statement.gone, statement.owned.generation) == (True, 9)
    picture.stated_gone("web")
    assert state(picture, "web") is None


def test_an_object_that_is_no_longer_ours_is_not_told_as_gone() -> None:
    picture = pictured([WEB])
    bare = {**WEB, "metadata": {**WEB["metadata"], "annotations": {}}}
    picture.put(read(bare))
    assert state(picture, "web") is None


def test_nothing_is_left_of_what_came_and_went() -> None:
    picture = pictured(FINAL)
    for obj in FINAL:
        picture.drop(obj["metadata"]["uid"])
    for uid in ("web", "task"):
        picture.stated_gone(uid)
    assert all(not held for held in vars(picture).values())


def test_an_application_is_found_by_its_uid() -> None:
    picture = pictured(FINAL)
    assert picture.of_app(APP_UID) == {"web", "task"}
    assert picture.of_app(AppUid("other")) == frozenset()


def test_a_storm_of_warnings_keeps_its_bounds_and_the_newest() -> None:
    picture = pictured([WEB])
    for number in range(6000):
        about = {"metadata": {"uid": f"x{number}"}}
        picture.put(read(warning(about, "Failed", "x")))
    assert picture.note_on("x0") is None
    assert picture.note_on("x5999") is not None


def test_an_older_warning_does_not_replace_a_newer_one() -> None:
    picture = pictured([WEB])
    picture.put(read(warning(WEB, "New", "x", at="2026-01-02T00:00:01Z")))
    picture.put(read(warning(WEB, "Old", "x", at="2026-01-02T00:00:00Z")))
    note = picture.note_on("web")
    assert note is not None
    assert note.reason == "New"


def test_of_many_pods_the_troubled_are_shown_first_and_all_are_counted() -> None:
    well = [pod(SET, f"a{number:03}", **running()) for number in range(80)]
    picture = pictured([WEB, SET, *well, pod(SET, "z", **PULLING)])
    pods = step_pods(picture, STEP)
    assert pods.total == 81
    order = ObservationOrder(incarnation="i", transitions=1, counter=1)
    message = to_pods_observed(pods, STEP, cluster=ClusterName("east"), order=order, at=NOW)
    assert len(message.pods) == PODS_LIMIT
    assert [shown.name for shown in message.pods[:2]] == ["z", "a000"]
    assert message.pods[0].reason == "ErrImagePull"


def test_a_success_after_trouble_has_no_reason() -> None:
    picture = pictured(FINAL)
    picture.put(read(live(annotated(deployment(**healthy()), step="web"), uid="web")))
    statement = state(picture, "web")
    assert statement is not None
    assert statement.cause == ("", "")
