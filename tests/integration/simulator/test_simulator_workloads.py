"""Controllers: what becomes of workloads, seen over HTTP."""

import re
from typing import Any

import pytest

from tests.integration.simulator.client import (
    CLAIMS,
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    NODES,
    PODS,
    REPLICA_SETS,
    STATEFUL_SETS,
    Client,
    claim,
    condition,
    is_true,
    job,
    pod_template,
    workload,
)

Object = dict[str, Any]


def rolled_out(replicas: int) -> Any:
    def reached(found: Object) -> bool:
        status = found.get("status", {})
        counts = ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
        observed = status.get("observedGeneration") == found["metadata"]["generation"]
        return observed and all(status.get(count) == replicas for count in counts)

    return reached


async def test_deployment_becomes_available_by_way_of_a_replica_set(client: Client) -> None:
    body = workload("Deployment", "w", replicas=2)
    await client.create(DEPLOYMENTS, {**body, "metadata": {"name": "w", "annotations": {"team": "a"}}})

    found = await client.until(DEPLOYMENTS, "w", rolled_out(2))
    [replica_set] = (await client.get(REPLICA_SETS))["items"]
    pods = (await client.get(PODS))["items"]

    assert condition(found, "Available")["reason"] == "MinimumReplicasAvailable"
    assert condition(found, "Progressing")["reason"] == "NewReplicaSetAvailable"
    assert "unavailableReplicas" not in found["status"]
    assert found["metadata"]["annotations"] == {"team": "a", "deployment.kubernetes.io/revision": "1"}
    assert found["metadata"]["generation"] == 1
    assert replica_set["metadata"]["annotations"]["team"] == "a"
    hash_ = replica_set["metadata"]["labels"]["pod-template-hash"]
    assert replica_set["metadata"]["name"] == f"w-{hash_}"
    assert [pod["metadata"]["labels"]["pod-template-hash"] for pod in pods] == [hash_, hash_]
    assert {pod["metadata"]["ownerReferences"][0]["kind"] for pod in pods} == {"ReplicaSet"}


async def test_new_template_rolls_out_and_keeps_the_old_replica_set(client: Client) -> None:
    await client.create(DEPLOYMENTS, workload("Deployment", "w", replicas=3))
    await client.until(DEPLOYMENTS, "w", rolled_out(3))
    template = {"spec": {"containers": [{"name": "main", "image": "new"}]}}

    await client.patch(f"{DEPLOYMENTS}/w", {"spec": {"template": template}})
    found = await client.until(DEPLOYMENTS, "w", rolled_out(3))

    sizes = sorted(one["spec"]["replicas"] for one in (await client.get(REPLICA_SETS))["items"])
    assert sizes == [0, 3]
    assert found["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"


async def test_recreating_deployment_stops_the_old_pods_first(client: Client) -> None:
    await client.create(DEPLOYMENTS, workload("Deployment", "w", strategy={"type": "Recreate"}))
    await client.until(DEPLOYMENTS, "w", rolled_out(1))
    version = (await client.get(PODS))["metadata"]["resourceVersion"]
    template = {"spec": {"containers": [{"name": "main", "image": "new"}]}}

    await client.patch(f"{DEPLOYMENTS}/w", {"spec": {"template": template}})
    async with client.watch(PODS, resourceVersion=version) as events:
        seen = [event["type"] async for event in _until_added(events)]

    assert seen[-2:] == ["DELETED", "ADDED"]
    await client.until(DEPLOYMENTS, "w", rolled_out(1))


async def _until_added(events: Any) -> Any:
    async for event in events:
        yield event
        if event["type"] == "ADDED":
            return


async def test_deployment_that_is_scaled_down_has_fewer_pods(client: Client) -> None:
    await client.create(DEPLOYMENTS, workload("Deployment", "w", replicas=3))
    await client.until(DEPLOYMENTS, "w", rolled_out(3))

    await client.patch(f"{DEPLOYMENTS}/w", {"spec": {"replicas": 1}})
    await client.until(DEPLOYMENTS, "w", rolled_out(1))

    assert sum("deletionTimestamp" not in pod["metadata"] for pod in (await client.get(PODS))["items"]) == 1


async def test_deployment_whose_pods_never_get_ready_passes_its_deadline(client: Client) -> None:
    await client.create(DEPLOYMENTS, workload("Deployment", "w", simulate="never-ready", progressDeadlineSeconds=1))

    found = await client.until(DEPLOYMENTS, "w", lambda one: condition(one, "Progressing").get("status") == "False")

    assert condition(found, "Progressing")["reason"] == "ProgressDeadlineExceeded"
    assert condition(found, "Available")["status"] == "False"
    assert found["status"]["unavailableReplicas"] == 1
    assert "readyReplicas" not in found["status"]


async def test_deleted_pod_is_replaced(client: Client) -> None:
    await client.create(DEPLOYMENTS, workload("Deployment", "w"))
    await client.until(DEPLOYMENTS, "w", rolled_out(1))
    [before] = (await client.get(PODS))["items"]

    await client.delete(f"{PODS}/{before['metadata']['name']}")
    await client.until_gone(PODS, before["metadata"]["name"])
    await client.until(DEPLOYMENTS, "w", rolled_out(1))

    [after] = (await client.get(PODS))["items"]
    assert after["metadata"]["uid"] != before["metadata"]["uid"]


async def test_missing_service_account_is_a_replica_failure(client: Client) -> None:
    template = pod_template("w", serviceAccountName="nobody")
    await client.create(DEPLOYMENTS, workload("Deployment", "w", template=template))

    found = await client.until(DEPLOYMENTS, "w", is_true("ReplicaFailure"))

    assert condition(found, "ReplicaFailure")["reason"] == "FailedCreate"
    # Without the name of the pod that was tried, the message stays the same, and so nothing changes at every try.
    assert re.fullmatch(
        r'pods "w-[a-z0-9]+-" is forbidden: .*: serviceaccount "nobody" not found',
        condition(found, "ReplicaFailure")["message"],
    )


async def test_paused_deployment_makes_no_pods(client: Client) -> None:
    await client.create(DEPLOYMENTS, workload("Deployment", "w", paused=True))

    found = await client.until(DEPLOYMENTS, "w", lambda one: bool(condition(one, "Progressing")))
    assert condition(found, "Progressing")["reason"] == "DeploymentPaused"
    assert (await client.get(PODS))["items"] == []

    await client.patch(f"{DEPLOYMENTS}/w", {"spec": {"paused": False}})
    await client.until(DEPLOYMENTS, "w", rolled_out(1))


def stateful_set(**spec: Any) -> Object:
    template = claim("data")
    return workload("StatefulSet", "db", serviceName="db", volumeClaimTemplates=[template], **spec)


async def test_stateful_set_makes_numbered_pods_with_volumes_of_their_own(client: Client) -> None:
    await client.create(STATEFUL_SETS, stateful_set(replicas=2))

    found = await client.until(STATEFUL_SETS, "db", lambda one: one["status"].get("readyReplicas") == 2)
    pods = (await client.get(PODS))["items"]
    claims = (await client.get(CLAIMS))["items"]

    assert [pod["metadata"]["name"] for pod in pods] == ["db-0", "db-1"]
    assert pods[0]["metadata"]["creationTimestamp"] <= pods[1]["metadata"]["creationTimestamp"]
    assert [one["metadata"]["name"] for one in claims] == ["data-db-0", "data-db-1"]
    assert {one["status"]["phase"] for one in claims} == {"Bound"}
    status = found["status"]
    assert status["currentRevision"] == status["updateRevision"]
    assert (status["replicas"], status["updatedReplicas"], status["availableReplicas"]) == (2, 2, 2)


async def test_stateful_set_waits_for_a_pod_before_the_next(client: Client) -> None:
    await client.create(STATEFUL_SETS, stateful_set(replicas=2, template=pod_template("db", "never-ready")))

    await client.until(PODS, "db-0", lambda pod: pod["status"]["phase"] == "Running")

    assert [pod["metadata"]["name"] for pod in (await client.get(PODS))["items"]] == ["db-0"]


async def test_stateful_set_replaces_pods_from_the_last(client: Client) -> None:
    await client.create(STATEFUL_SETS, stateful_set(replicas=2))
    await client.until(STATEFUL_SETS, "db", lambda one: one["status"].get("readyReplicas") == 2)
    version = (await client.get(PODS))["metadata"]["resourceVersion"]
    template = {"spec": {"containers": [{"name": "main", "image": "new"}]}}

    await client.patch(f"{STATEFUL_SETS}/db", {"spec": {"template": template}})

    def updated(one: Object) -> bool:
        status = one["status"]
        return all(status.get(count) == 2 for count in ("updatedReplicas", "readyReplicas", "currentReplicas"))

    await client.until(STATEFUL_SETS, "db", updated)
    async with client.watch(PODS, resourceVersion=version) as events:
        gone = [await _next_deleted(events) for _ in range(2)]
    assert gone == ["db-1", "db-0"]


async def _next_deleted(events: Any) -> str:
    async for event in events:
        if event["type"] == "DELETED":
            return str(event["object"]["metadata"]["name"])
    raise AssertionError("the watch ended")


async def test_claims_of_a_stateful_set_outlive_it(client: Client) -> None:
    await client.create(STATEFUL_SETS, stateful_set())
    await client.until(STATEFUL_SETS, "db", lambda one: one["status"].get("readyReplicas") == 1)

    await client.delete(f"{STATEFUL_SETS}/db")
    await client.until_gone(PODS, "db-0")

    assert [one["metadata"]["name"] for one in (await client.get(CLAIMS))["items"]] == ["data-db-0"]


async def test_daemon_set_runs_on_every_node_also_on_later_ones(client: Client) -> None:
    await client.create(DAEMON_SETS, workload("DaemonSet", "agent"))
    await client.until(DAEMON_SETS, "agent", lambda one: one["status"].get("numberReady") == 2)
    capacity = {"cpu": "1", "memory": "1Gi", "pods": "10"}

    await client.create(
        NODES, {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n3"}, "status": {"capacity": capacity}}
    )
    found = await client.until(DAEMON_SETS, "agent", lambda one: one["status"].get("numberReady") == 3)

    assert found["status"]["desiredNumberScheduled"] == 3
    assert {pod["spec"]["nodeName"] for pod in (await client.get(PODS))["items"]} == {"n1", "n2", "n3"}


async def test_daemon_set_replaces_its_pods_when_its_template_changes(client: Client) -> None:
    await client.create(DAEMON_SETS, workload("DaemonSet", "agent"))
    await client.until(DAEMON_SETS, "agent", lambda one: one["status"].get("numberReady") == 2)
    template = {"spec": {"containers": [{"name": "main", "image": "new"}]}}

    await client.patch(f"{DAEMON_SETS}/agent", {"spec": {"template": template}})
    await client.until(
        DAEMON_SETS,
        "agent",
        lambda one: one["status"].get("updatedNumberScheduled") == 2 == one["status"].get("numberReady"),
    )

    assert {pod["spec"]["containers"][0]["image"] for pod in (await client.get(PODS))["items"]} == {"new"}


async def test_job_completes(client: Client) -> None:
    await client.create(JOBS, job(completions=3, parallelism=2))

    found = await client.until(JOBS, "j", is_true("Complete"))

    assert condition(found, "SuccessCriteriaMet")["reason"] == "CompletionsReached"
    assert found["status"]["succeeded"] == 3
    assert "active" not in found["status"]
    assert found["status"]["startTime"] <= found["status"]["completionTime"]
    assert {pod["status"]["phase"] for pod in (await client.get(PODS))["items"]} == {"Succeeded"}


@pytest.mark.parametrize("restart", ["Never", "OnFailure"])
async def test_job_fails_when_its_pods_fail_too_often(client: Client, restart: str) -> None:
    await client.create(JOBS, job(simulate="exit-3", restart=restart, backoffLimit=1))

    found = await client.until(JOBS, "j", is_true("Failed"))

    assert condition(found, "Failed")["reason"] == "BackoffLimitExceeded"
    assert condition(found, "FailureTarget")["status"] == "True"
    assert found["status"]["failed"] == (2 if restart == "Never" else 1)
    assert "completionTime" not in found["status"]


async def test_job_waits_before_it_replaces_a_failed_pod(client: Client) -> None:
    await client.create(JOBS, job(simulate="exit-3"))

    def waiting(found: Object) -> bool:
        status = found.get("status", {})
        return status.get("failed") == 1 and "active" not in status

    await client.until(JOBS, "j", waiting)
    await client.until(JOBS, "j", lambda found: found["status"].get("active") == 1)


async def test_job_fails_after_its_deadline_and_its_pod_is_stopped(client: Client) -> None:
    await client.create(JOBS, job(simulate="hang", activeDeadlineSeconds=1))

    found = await client.until(JOBS, "j", is_true("Failed"))

    assert condition(found, "Failed")["reason"] == "DeadlineExceeded"
    assert (await client.get(PODS))["items"] == []


async def test_suspended_job_starts_nothing_until_it_is_resumed(client: Client) -> None:
    await client.create(JOBS, job(suspend=True))
    await client.until(JOBS, "j", is_true("Suspended"))
    assert (await client.get(PODS))["items"] == []

    await client.patch(f"{JOBS}/j", {"spec": {"suspend": False}})

    found = await client.until(JOBS, "j", is_true("Complete"))
    assert condition(found, "Suspended")["status"] == "False"


async def test_finished_job_is_removed_after_its_time_to_live(client: Client) -> None:
    await client.create(JOBS, job())
    await client.until(JOBS, "j", is_true("Complete"))

    await client.patch(f"{JOBS}/j", {"spec": {"ttlSecondsAfterFinished": 0}})

    await client.until_gone(JOBS, "j")
