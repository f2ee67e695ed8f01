"""The table of precedence: an object, its pods and the warnings about them in; the reason and the words out."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.watcher.observe.domain.causes import PRECEDENCE, Cause, first
from services.watcher.observe.domain.intake import read
from services.watcher.observe.domain.owned import Verdict, read_owned
from services.watcher.observe.domain.picture import Picture
from services.watcher.observe.domain.statement import Statement, state
from shared.contracts import annotations
from shared.contracts.phases import Reason
from tests.support.observed import (
    annotated,
    condition,
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


def observed(*objects: Object) -> Statement:
    """What is said of the first object when all of them are there."""
    picture = Picture()
    for obj in objects:
        picture.put(read(obj))
    statement = state(picture, objects[0]["metadata"]["uid"])
    assert statement is not None
    return statement


def web(wanted: int = 1, **status: Any) -> Object:
    return live(annotated(deployment(wanted=wanted, **status)), uid="web")


def task(**status: Any) -> Object:
    return live(annotated(job(**status), step="task"), uid="task")


def claim(phase: str) -> Object:
    manifest = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "status": {"phase": phase},
    }
    return live(annotated(manifest), uid="data")


def failed(code: int, reason: str = "Error") -> Object:
    return {"phase": "Failed", "containerStatuses": [container(terminated={"exitCode": code, "reason": reason})]}


def waiting(reason: str, message: str = "") -> Object:
    return {"phase": "Pending", "containerStatuses": [container(waiting={"reason": reason, "message": message})]}


def unscheduled(message: str = "no room") -> Object:
    return {"node": "", "conditions": [condition("PodScheduled", "False", "Unschedulable", message)]}


QUOTA = condition("ReplicaFailure", "True", "FailedCreate", 'pods "web-" is forbidden: exceeded quota: small')
LATE = condition("Progressing", "False", "ProgressDeadlineExceeded", 'ReplicaSet "web-1" has timed out progressing.')
GAVE_UP = condition("Failed", "True", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
TOO_LONG = condition("Failed", "True", "DeadlineExceeded", "Job was active longer than specified deadline")
BACKED_OFF = waiting("ImagePullBackOff", "Back-off pulling image")

TABLE: list[tuple[str, list[Object], str, str]] = [
    ("nothing yet", [web(2)], "Progressing", "0 of 2 ready"),
    ("success tells nothing", [web(**healthy()), pod(web(), **BACKED_OFF)], "", ""),
    (
        "scheduler before image",
        [web(), pod(web(), "a", **BACKED_OFF), pod(web(), "b", **unscheduled())],
        "Unschedulable",
        "no room",
    ),
    (
        "image before crash",
        [web(), pod(web(), "a", **failed(1)), pod(web(), "b", **BACKED_OFF)],
        "ImagePullBackOff",
        'container "app": Back-off pulling image',
    ),
    (
        "memory before exit code",
        [web(), pod(web(), "a", **failed(1)), pod(web(), "b", **failed(137, "OOMKilled"))],
        "OOMKilled",
        'container "app" was OOMKilled (exit code 137)',
    ),
    (
        "pods before controller",
        [web(conditions=[QUOTA]), pod(web(), **BACKED_OFF)],
        "ImagePullBackOff",
        'container "app": Back-off pulling image',
    ),
    ("quota", [web(conditions=[QUOTA])], "ReplicaFailure", 'pods "web-" is forbidden: exceeded quota: small'),
    (
        "quota before unready",
        [web(2, conditions=[QUOTA]), pod(web(), **running(ready=False))],
        "ReplicaFailure",
        'pods "web-" is forbidden: exceeded quota: small',
    ),
    ("late", [web(conditions=[LATE])], "ProgressDeadlineExceeded", 'ReplicaSet "web-1" has timed out progressing.'),
    (
        "late for its image",
        [web(conditions=[LATE]), pod(web(), **BACKED_OFF)],
        "ImagePullBackOff",
        'container "app": Back-off pulling image; ReplicaSet "web-1" has timed out progressing.',
    ),
    ("unready", [web(), pod(web(), **running(ready=False))], "NotReady", 'running, but not ready: container "app"'),
    (
        "unready with probe",
        [web(), pod(web(), **running(ready=False)), warning(pod(web()), "Unhealthy", "Readiness probe failed: 503")],
        "NotReady",
        'running, but not ready: container "app": Readiness probe failed: 503',
    ),
    (
        "mount",
        [web(), pod(web()), warning(pod(web()), "FailedMount", "MountVolume.SetUp failed")],
        "VolumePending",
        "MountVolume.SetUp failed",
    ),
    (
        "condition before event",
        [web(), pod(web(), **BACKED_OFF), warning(pod(web()), "FailedMount", "x")],
        "ImagePullBackOff",
        'container "app": Back-off pulling image',
    ),
    (
        "event that is over",
        [web(), pod(web(), **running()), warning(pod(web()), "FailedMount", "x")],
        "Progressing",
        "0 of 1 ready",
    ),
    (
        "scheduled by now",
        [web(), pod(web()), warning(pod(web()), "FailedScheduling", "x")],
        "Progressing",
        "0 of 1 ready",
    ),
    (
        "no pods by event",
        [task(), warning(task(), "FailedCreate", "exceeded quota")],
        "ReplicaFailure",
        "FailedCreate: exceeded quota",
    ),
    (
        "no pods, but by now",
        [task(), pod(task()), warning(task(), "FailedCreate", "exceeded quota")],
        "Progressing",
        "0 of 1 ready",
    ),
    (
        "job retries",
        [task(failed=1), pod(task(), **failed(3))],
        "ContainerFailed",
        'container "app" exited with code 3',
    ),
    (
        "job gave up",
        [task(conditions=[GAVE_UP]), pod(task(), **failed(3))],
        "BackoffLimitExceeded",
        'Job has reached the specified backoff limit: container "app" exited with code 3',
    ),
    (
        "job gave up for memory",
        [task(conditions=[GAVE_UP]), pod(task(), **failed(137, "OOMKilled"))],
        "OOMKilled",
        'container "app" was OOMKilled (exit code 137); Job has reached the specified backoff limit',
    ),
    (
        "job gave up, pods gone",
        [task(conditions=[GAVE_UP])],
        "BackoffLimitExceeded",
        "Job has reached the specified backoff limit",
    ),
    (
        "job out of time",
        [task(conditions=[TOO_LONG]), pod(task(), **BACKED_OFF)],
        "DeadlineExceeded",
        'Job was active longer than specified deadline: container "app": Back-off pulling image',
    ),
    ("claim", [claim("Pending")], "Progressing", "the claim is not bound to a volume yet"),
    (
        "claim with event",
        [claim("Pending"), warning(claim("Pending"), "ProvisioningFailed", 'storageclass "x" not found')],
        "VolumePending",
        'ProvisioningFailed: storageclass "x" not found',
    ),
    ("claim lost", [claim("Lost")], "Failed", "the claim has lost its volume"),
]


@pytest.mark.parametrize(("case", "objects", "reason", "message"), TABLE, ids=[row[0] for row in TABLE])
def test_the_most_telling_reason_is_told(case: str, objects: list[Object], reason: str, message: str) -> None:
    assert observed(*objects).cause == Cause(Reason(reason), message), case


@given(st.permutations([Cause(reason, "") for reason in PRECEDENCE]))
def test_of_any_causes_the_first_of_the_table_is_told(causes: list[Cause]) -> None:
    assert first(causes) == Cause(PRECEDENCE[0], "")
    for one, other in combinations(PRECEDENCE, 2):
        assert first([Cause(other, ""), Cause(one, "")]) == Cause(one, "")


def test_every_reason_of_a_workload_stands_in_the_table_once() -> None:
    reasons = list(Reason)
    of_workloads = set(reasons[reasons.index(Reason.UNSCHEDULABLE) :]) - {Reason.VANISHED}
    assert set(PRECEDENCE) == of_workloads
    assert len(PRECEDENCE) == len(of_workloads)


def test_pods_are_reached_through_their_replica_sets() -> None:
    owner = web()
    old, new = replica_set(owner, uid="rs-1", revision=1), replica_set(owner, uid="rs-2", revision=2)
    said = observed(owner, old, new, pod(old, "old", **BACKED_OFF), pod(new, "new", **unscheduled()))
    assert said.cause.reason is Reason.UNSCHEDULABLE


def test_pods_of_an_older_revision_do_not_speak_for_a_rollout() -> None:
    owner = web()
    old, new = replica_set(owner, uid="rs-1", revision=1), replica_set(owner, uid="rs-2", revision=2)
    said = observed(owner, old, new, pod(old, "old", **unscheduled()), pod(new, "new", **BACKED_OFF))
    assert said.cause.reason is Reason.IMAGE_PULL_BACK_OFF


def test_pods_on_their_way_out_do_not_speak() -> None:
    leaving = pod(web(), **failed(143))
    leaving["metadata"]["deletionTimestamp"] = "2026-01-02T03:04:05Z"
    assert observed(web(), leaving).cause.reason is Reason.PROGRESSING


def test_how_a_pod_ended_is_remembered_when_the_job_deletes_it() -> None:
    picture = Picture()
    picture.put(read(task()))
    crashing = pod(task(), **failed(137, "OOMKilled"))
    picture.put(read(crashing))
    picture.drop(crashing["metadata"]["uid"])
    picture.put(read(task(conditions=[GAVE_UP])))
    said = state(picture, "task")
    assert said is not None
    assert said.cause.reason is Reason.OOM_KILLED


@pytest.mark.parametrize(
    ("objects", "started"),
    [
        ([web()], False),
        ([web(), pod(web())], False),
        ([web(), pod(web(), **running(ready=False))], True),
        ([task(failed=1)], True),
        ([task()], False),
        ([claim("Pending")], True),
    ],
    ids=["no pod", "pending pod", "running pod", "job whose pod ended", "new job", "no workload"],
)
def test_an_object_has_started_once_a_pod_of_it_has(objects: list[Object], *, started: bool) -> None:
    assert observed(*objects).started is started


PARTS = st.lists(
    st.sampled_from([unscheduled(), BACKED_OFF, failed(1), failed(137, "OOMKilled"), running(), running(ready=False)]),
    max_size=5,
)
STATUSES = st.sampled_from([{}, healthy(), {"conditions": [QUOTA]}, {"conditions": [LATE]}])


@given(PARTS, STATUSES)
def test_the_verdict_depends_on_the_object_alone_and_the_statement_on_nothing_else(
    pods: list[Object], status: Object
) -> None:
    owner = web(**status)
    objects = [owner, *(pod(owner, f"p{number}", **of) for number, of in enumerate(pods))]
    said = observed(*objects)
    assert said.owned == read_owned(owner)
    assert observed(owner, *reversed(objects[1:])).said() == said.said()
    assert len(said.cause.message.encode()) <= 1024


@pytest.mark.parametrize("rule", ["no JSON", "{}", '{"success": {"op": "newer"}}'])
def test_rule_that_cannot_be_read_is_told_whatever_the_pods_do(rule: str) -> None:
    obj = web(**healthy())
    obj["metadata"]["annotations"][annotations.ANNOTATION_RULE] = rule
    said = observed(obj)
    assert (said.owned.verdict, said.cause.reason) == (Verdict.PROGRESSING, Reason.UNSUPPORTED)
    assert said.cause.message.startswith("the observer cannot read the completion rule of the Deployment: update it (")


def test_rule_that_cannot_be_read_comes_before_what_pods_lack() -> None:
    obj = web()
    obj["metadata"]["annotations"][annotations.ANNOTATION_RULE] = "{}"
    owner = replica_set(obj, uid="rs")
    waiting = pod(owner, containerStatuses=[container(waiting={"reason": "ErrImagePull"})])
    said = observed(obj, owner, waiting)
    assert said.cause.reason is Reason.UNSUPPORTED
