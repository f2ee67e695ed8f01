from typing import Any

import pytest

from dev.plane.admin_api import AdminApi
from tests.plane import manifests
from tests.support.waiting import eventually


async def settled_pod(api: AdminApi, namespace: str, manifest: dict[str, Any], settled: str) -> dict[str, Any]:
    """Create a pod and return its only container's status once its state is, or has the reason, `settled`."""
    path = f"/api/v1/namespaces/{namespace}/pods"
    await api.create(path, manifest)
    pod: dict[str, Any] = await eventually(
        lambda: api.get(f"{path}/{manifest['metadata']['name']}"),
        lambda seen: settled in describe_state(seen),
    )
    return pod


def describe_state(pod: dict[str, Any]) -> set[str]:
    ((kind, details),) = pod["status"]["containerStatuses"][0]["state"].items()
    return {kind, details.get("reason", "")}


def condition(pod: dict[str, Any], kind: str) -> dict[str, Any]:
    (found,) = (each for each in pod["status"]["conditions"] if each["type"] == kind)
    return found  # type: ignore[no-any-return]


async def test_image_that_cannot_be_pulled(api: AdminApi, namespace: str) -> None:
    pod = await settled_pod(api, namespace, manifests.pod("web", "image-pull-backoff"), "ImagePullBackOff")

    (container,) = pod["status"]["containerStatuses"]
    assert pod["status"]["phase"] == "Pending"
    assert container["state"]["waiting"]["message"].startswith('Back-off pulling image "web:1": ErrImagePull: ')
    assert container["state"]["waiting"]["message"].endswith(" web:1: not found")
    assert condition(pod, "Ready")["reason"] == "ContainersNotReady"
    assert condition(pod, "Ready")["message"] == "containers with unready status: [app]"


@pytest.mark.parametrize(
    ("simulate", "exit_code", "reason"),
    [("crash-loop", 1, "Error"), ("oom-killed", 137, "OOMKilled"), ("exit-3", 3, "Error")],
)
async def test_container_that_ends_is_restarted_again_and_again(
    api: AdminApi,
    namespace: str,
    simulate: str,
    exit_code: int,
    reason: str,
) -> None:
    await settled_pod(api, namespace, manifests.pod("web", simulate), "CrashLoopBackOff")

    pod = await eventually(
        lambda: api.get(f"/api/v1/namespaces/{namespace}/pods/web"),
        lambda seen: (
            seen["status"]["containerStatuses"][0]["restartCount"] >= 2 and "CrashLoopBackOff" in describe_state(seen)
        ),
    )
    (container,) = pod["status"]["containerStatuses"]
    assert pod["status"]["phase"] == "Running"
    assert container["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    assert container["state"]["waiting"]["message"].startswith("back-off restarting failed container=app pod=web_")
    assert container["lastState"]["terminated"]["exitCode"] == exit_code
    assert container["lastState"]["terminated"]["reason"] == reason
    assert condition(pod, "Ready")["status"] == "False"


@pytest.mark.parametrize(
    ("simulate", "exit_code", "reason"),
    [("crash-loop", 1, "Error"), ("oom-killed", 137, "OOMKilled"), ("exit-42", 42, "Error")],
)
async def test_job_fails_with_its_pod(
    api: AdminApi,
    namespace: str,
    simulate: str,
    exit_code: int,
    reason: str,
) -> None:
    jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    await api.create(jobs, manifests.job("migrate", simulate=simulate))

    job = await eventually(
        lambda: api.get(f"{jobs}/migrate"),
        lambda seen: "Failed" in {each["type"] for each in seen["status"]["conditions"]},
    )
    assert condition(job, "Failed")["reason"] == "BackoffLimitExceeded"
    (pod,) = (await api.get(f"/api/v1/namespaces/{namespace}/pods"))["items"]
    assert pod["status"]["phase"] == "Failed"
    terminated = pod["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (terminated["exitCode"], terminated["reason"]) == (exit_code, reason)


async def test_job_that_restarts_in_place_uses_up_its_backoff_limit(api: AdminApi, namespace: str) -> None:
    jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    manifest = manifests.job("migrate", simulate="exit-1", restart_policy="OnFailure", backoff_limit=1)
    await api.create(jobs, manifest)

    job = await eventually(
        lambda: api.get(f"{jobs}/migrate"),
        lambda seen: "Failed" in {each["type"] for each in seen["status"]["conditions"]},
    )
    assert condition(job, "Failed")["reason"] == "BackoffLimitExceeded"


async def test_readiness_probe_that_fails(api: AdminApi, namespace: str) -> None:
    pod = await settled_pod(api, namespace, manifests.pod("web", "never-ready"), "running")

    assert pod["status"]["phase"] == "Running"
    assert pod["status"]["containerStatuses"][0]["ready"] is False
    assert condition(pod, "Ready")["status"] == "False"
    event = await eventually(
        lambda: api.get(f"/api/v1/namespaces/{namespace}/events", {"fieldSelector": "reason=Unhealthy"}),
        lambda seen: seen["items"],
    )
    assert event["items"][0]["message"].startswith("Readiness probe failed")


async def test_deployment_of_unready_pods_is_not_available(api: AdminApi, namespace: str) -> None:
    deployments = f"/apis/apps/v1/namespaces/{namespace}/deployments"
    await api.create(deployments, manifests.deployment("web", simulate="never-ready"))

    seen = await eventually(
        lambda: api.get(f"{deployments}/web"),
        lambda seen: seen["status"]["unavailableReplicas"] == 1 and seen["status"]["updatedReplicas"] == 1,
    )
    assert condition(seen, "Available")["status"] == "False"


async def test_hanging_job_outlives_one_that_behaves(api: AdminApi, namespace: str) -> None:
    jobs = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    await api.create(jobs, manifests.job("hangs", simulate="hang"))
    await eventually(lambda: api.get(f"{jobs}/hangs"), lambda seen: seen["status"]["ready"] == 1)

    # Started later and done: had the first one's pod been played like this one, it would be done as well.
    await api.create(jobs, manifests.job("behaves"))
    await eventually(lambda: api.get(f"{jobs}/behaves"), lambda seen: seen["status"]["succeeded"] == 1)

    assert (await api.get(f"{jobs}/hangs"))["status"]["active"] == 1


async def test_unknown_simulation_leaves_the_pod_pending(api: AdminApi, namespace: str) -> None:
    pods = f"/api/v1/namespaces/{namespace}/pods"
    await api.create(pods, manifests.pod("typing-error", "crashloop"))
    await eventually(lambda: api.get(f"{pods}/typing-error"), lambda seen: seen["spec"]["nodeName"])
    await settled_pod(api, namespace, manifests.pod("later"), "running")

    assert (await api.get(f"{pods}/typing-error"))["status"]["phase"] == "Pending"
