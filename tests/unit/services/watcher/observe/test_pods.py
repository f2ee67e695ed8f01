from typing import Any

import pytest

from services.watcher.observe.domain.pods import pod_record
from shared.contracts.facts import PodPhase
from shared.contracts.phases import Reason
from tests.support.observed import condition, container, deployment, live, pod, running

OWNER = live(deployment(), uid="owner")
UNSCHEDULABLE = "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available."


def status(*containers: dict[str, Any], phase: str = "Pending", init: Any = ()) -> dict[str, Any]:
    return {"phase": phase, "containerStatuses": list(containers), "initContainerStatuses": list(init)}


def waiting(reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    return container(**more, waiting={"reason": reason, "message": message})


def ended(code: int, reason: str = "Error", **more: Any) -> dict[str, Any]:
    return container(**more, terminated={"exitCode": code, "reason": reason})


TABLE = [
    (
        "pulls",
        status(waiting("ImagePullBackOff", "Back-off pulling image")),
        "ImagePullBackOff",
        'container "app": Back-off pulling image',
    ),
    ("pull error", status(waiting("ErrImagePull", "not found")), "ErrImagePull", 'container "app": not found'),
    ("never pulled", status(waiting("ErrImageNeverPull")), "ErrImagePull", 'container "app": ErrImageNeverPull'),
    ("image name", status(waiting("InvalidImageName", "bad")), "InvalidImageName", 'container "app": bad'),
    (
        "config",
        status(waiting("CreateContainerConfigError", 'secret "s" not found')),
        "CreateContainerConfigError",
        'container "app": secret "s" not found',
    ),
    ("create", status(waiting("CreateContainerError", "x")), "CreateContainerError", 'container "app": x'),
    ("run", status(waiting("RunContainerError", "no such file")), "RunContainerError", 'container "app": no such file'),
    (
        "crash loop",
        status(
            waiting("CrashLoopBackOff", "back-off 10s", restarts=2, last={"exitCode": 3, "reason": "Error"}),
            phase="Running",
        ),
        "CrashLoopBackOff",
        'container "app" exited with code 3; it is restarted with back-off (CrashLoopBackOff)',
    ),
    (
        "crash loop of a good end",
        status(
            waiting("CrashLoopBackOff", "back-off 10s", restarts=2, last={"exitCode": 0, "reason": "Completed"}),
            phase="Running",
        ),
        "CrashLoopBackOff",
        'container "app" exited with code 0; it is restarted with back-off (CrashLoopBackOff)',
    ),
    (
        "crash loop for memory",
        status(
            waiting("CrashLoopBackOff", "", restarts=2, last={"exitCode": 137, "reason": "OOMKilled"}), phase="Running"
        ),
        "OOMKilled",
        'container "app" was OOMKilled (exit code 137); it is restarted with back-off (CrashLoopBackOff)',
    ),
    (
        "memory",
        status(ended(137, "OOMKilled"), phase="Failed"),
        "OOMKilled",
        'container "app" was OOMKilled (exit code 137)',
    ),
    ("exit code", status(ended(3), phase="Failed"), "ContainerFailed", 'container "app" exited with code 3'),
    (
        "cannot run",
        status(ended(127, "ContainerCannotRun"), phase="Failed"),
        "ContainerFailed",
        'container "app" exited with code 127 (ContainerCannotRun)',
    ),
    (
        "restarted",
        status(container(restarts=1, last={"exitCode": 1}, running={}), phase="Running"),
        "ContainerFailed",
        'container "app" exited with code 1 and was started again',
    ),
    (
        "init exit",
        status(waiting("PodInitializing"), init=[ended(2, name="migrate")]),
        "ContainerFailed",
        'init container "migrate" exited with code 2',
    ),
    (
        "init pull",
        status(waiting("PodInitializing"), init=[waiting("ImagePullBackOff", "no", name="migrate")]),
        "ImagePullBackOff",
        'init container "migrate": no',
    ),
    (
        "unheard of",
        status(waiting("BrandNewTrouble", "why")),
        "Progressing",
        'container "app" is waiting: BrandNewTrouble: why',
    ),
    (
        "evicted",
        {"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory."},
        "Evicted",
        "Evicted: The node was low on memory.",
    ),
    (
        "out of time",
        {"phase": "Failed", "reason": "DeadlineExceeded", "message": "Pod was active too long"},
        "DeadlineExceeded",
        "DeadlineExceeded: Pod was active too long",
    ),
    ("refused by node", {"phase": "Failed", "reason": "OutOfcpu", "message": "no room"}, "Failed", "OutOfcpu: no room"),
    ("not ready", running(ready=False), "NotReady", 'running, but not ready: container "app"'),
]


@pytest.mark.parametrize(("case", "of", "reason", "message"), TABLE, ids=[row[0] for row in TABLE])
def test_a_pod_tells_its_trouble_in_the_words_of_kubernetes(
    case: str, of: dict[str, Any], reason: str, message: str
) -> None:
    record = pod_record(pod(OWNER, **of))
    assert record.cause is not None, case
    assert (record.cause.reason, record.cause.message) == (Reason(reason), message)


def test_the_words_of_the_scheduler_are_told_verbatim() -> None:
    record = pod_record(
        pod(OWNER, node="", conditions=[condition("PodScheduled", "False", "Unschedulable", UNSCHEDULABLE)])
    )
    assert record.cause == (Reason.UNSCHEDULABLE, UNSCHEDULABLE)
    assert not record.started


@pytest.mark.parametrize(
    "words",
    [
        "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found",
        '0/2 nodes are available: persistentvolumeclaim "data" not found.',
        "0/1 nodes are available: 1 node(s) had volume node affinity conflict.",
        "0/1 nodes are available: 1 node(s) didn't find available persistent volumes to bind.",
    ],
)
def test_what_cannot_be_scheduled_for_its_volume_is_told_apart(words: str) -> None:
    record = pod_record(pod(OWNER, node="", conditions=[condition("PodScheduled", "False", "Unschedulable", words)]))
    assert record.cause == (Reason.VOLUME_PENDING, words)


@pytest.mark.parametrize(
    "of",
    [
        running(),
        {"phase": "Succeeded", "containerStatuses": [ended(0, "Completed")]},
        {"phase": "Pending", "containerStatuses": [waiting("ContainerCreating")]},
        {"phase": "Pending"},
    ],
    ids=["running", "succeeded", "creating", "new"],
)
def test_a_pod_without_trouble_tells_none(of: dict[str, Any]) -> None:
    assert pod_record(pod(OWNER, **of)).cause is None


def test_a_sidecar_that_ended_with_a_code_is_no_trouble_of_a_pod_that_succeeded() -> None:
    of: dict[str, Any] = {"phase": "Succeeded", "initContainerStatuses": [ended(143, name="proxy")]}
    assert pod_record(pod(OWNER, **of)).cause is None


@pytest.mark.parametrize(
    ("of", "started"),
    [
        (running(), True),
        (status(waiting("CrashLoopBackOff", restarts=1, last={"exitCode": 1}), phase="Running"), True),
        ({"phase": "Succeeded"}, True),
        (status(ended(1), phase="Failed"), True),
        ({"phase": "Failed", "reason": "OutOfcpu"}, False),
        (status(waiting("ImagePullBackOff")), False),
    ],
)
def test_a_pod_has_started_once_its_containers_have(of: dict[str, Any], started: bool) -> None:  # noqa: FBT001  # a row of a table
    assert pod_record(pod(OWNER, **of)).started is started


def test_a_long_message_is_cut_between_characters() -> None:
    record = pod_record(pod(OWNER, **status(waiting("ErrImagePull", "ü" * 2000))))
    assert record.cause is not None
    assert len(record.cause.message.encode()) <= 512
    assert record.cause.message.endswith("ü…")


def test_the_record_of_a_pod_knows_its_place() -> None:
    record = pod_record(pod(OWNER, "web-1", **running()))
    assert (record.owner, record.phase, record.ready, record.node) == ("owner", PodPhase.RUNNING, True, "node-1")
