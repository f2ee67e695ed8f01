"""Scheduler, kubelet and volumes: what becomes of pods, seen over HTTP."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.simulator.client import (
    CLAIMS,
    CONFIG_MAPS,
    NODES,
    PODS,
    SECRETS,
    Client,
    claim,
    condition,
    config_map,
    in_phase,
    is_true,
    pod,
    waiting_for,
)

Object = dict[str, Any]
ENV = "env"


def container(**fields: Any) -> list[Object]:
    return [{"name": "main", "image": "registry.example/app:1", **fields}]


def unscheduled(found: Object) -> bool:
    return condition(found, "PodScheduled").get("status") == "False"


def of_claim(name: str) -> Object:
    volume = {"name": "data", "persistentVolumeClaim": {"claimName": name}}
    return {"volumes": [volume], "containers": container(volumeMounts=[{"name": "data", "mountPath": "/data"}])}


async def test_pod_runs_and_gets_ready(client: Client) -> None:
    await client.create(PODS, pod(initContainers=[{"name": "init", "image": "i"}]))

    found = await client.until(PODS, "p", is_true("Ready"))

    status = found["status"]
    assert status["phase"] == "Running"
    assert {"podIP", "hostIP", "startTime", "qosClass"} <= status.keys()
    [main], [init] = status["containerStatuses"], status["initContainerStatuses"]
    assert (main["ready"], main["started"], main["restartCount"]) == (True, True, 0)
    assert "running" in main["state"]
    assert init["state"]["terminated"]["exitCode"] == 0
    for type_ in ("PodScheduled", "Initialized", "ContainersReady", "Ready"):
        assert condition(found, type_)["status"] == "True"


async def test_pod_with_a_readiness_probe_runs_before_it_is_ready(client: Client) -> None:
    version = (await client.get(PODS))["metadata"]["resourceVersion"]
    await client.create(PODS, pod(containers=container(readinessProbe={"httpGet": {"port": 80}})))
    await client.until(PODS, "p", is_true("Ready"))

    async with client.watch(PODS, resourceVersion=version) as events:
        async for event in events:
            if in_phase("Running")(event["object"]):
                break

    assert condition(event["object"], "Ready")["reason"] == "ContainersNotReady"


@pytest.mark.parametrize(
    ("simulate", "reached"),
    [
        ("image-pull-backoff", waiting_for("ImagePullBackOff")),
        ("crash-loop", waiting_for("CrashLoopBackOff")),
        ("oom-killed", waiting_for("CrashLoopBackOff")),
        ("exit-7", waiting_for("CrashLoopBackOff")),
        ("never-ready", in_phase("Running")),
        ("hang", is_true("Ready")),
    ],
)
async def test_pod_misbehaves_as_its_annotation_says(
    client: Client, simulate: str, reached: Callable[[Object], bool]
) -> None:
    await client.create(PODS, pod(simulate=simulate))

    found = await client.until(PODS, "p", reached)

    [status] = found["status"]["containerStatuses"]
    ended = status["lastState"].get("terminated", {})
    expected = {"crash-loop": (1, "Error"), "oom-killed": (137, "OOMKilled"), "exit-7": (7, "Error")}.get(simulate)
    assert (ended.get("exitCode"), ended.get("reason")) == (expected or (None, None))
    assert status["restartCount"] == (1 if expected else 0)
    assert is_true("Ready")(found) is (simulate == "hang")
    assert found["status"]["phase"] == ("Pending" if simulate == "image-pull-backoff" else "Running")


async def test_unknown_misbehaviour_leaves_the_pod_pending_and_says_why(client: Client) -> None:
    await client.create(PODS, pod(simulate="crash-lop"))

    event = await client.until_event("UnknownBehaviour", "p")

    assert "does not support the value 'crash-lop'" in event["message"]


async def test_pod_that_is_never_restarted_fails(client: Client) -> None:
    await client.create(PODS, pod(simulate="oom-killed", restartPolicy="Never"))

    found = await client.until(PODS, "p", in_phase("Failed"))

    assert found["status"]["containerStatuses"][0]["state"]["terminated"]["reason"] == "OOMKilled"


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ({"envFrom": [{"secretRef": {"name": "s"}}]}, 'secret "s" not found'),
        ({"envFrom": [{"configMapRef": {"name": "c"}}]}, 'configmap "c" not found'),
        (
            {ENV: [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]},
            'secret "s" not found',
        ),
    ],
)
async def test_missing_reference_is_named_and_waited_for(client: Client, reference: Object, message: str) -> None:
    await client.create(PODS, pod(containers=container(**reference)))

    found = await client.until(PODS, "p", waiting_for("CreateContainerConfigError"))
    assert found["status"]["containerStatuses"][0]["state"]["waiting"]["message"] == message
    assert (await client.until_event("Failed", "p"))["message"] == f"Error: {message}"

    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"k": "v"}}
    await client.create(SECRETS, secret)
    await client.create(CONFIG_MAPS, config_map("c", k="v"))
    await client.until(PODS, "p", is_true("Ready"))


async def test_missing_key_is_named(client: Client) -> None:
    await client.create(CONFIG_MAPS, config_map("c", other="v"))
    variable = {"name": "A", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}}
    await client.create(PODS, pod(containers=container(env=[variable])))

    found = await client.until(PODS, "p", waiting_for("CreateContainerConfigError"))

    message = found["status"]["containerStatuses"][0]["state"]["waiting"]["message"]
    assert message == "couldn't find key k in ConfigMap default/c"


async def test_optional_reference_is_not_waited_for(client: Client) -> None:
    source = [{"secretRef": {"name": "s", "optional": True}}]
    await client.create(PODS, pod(containers=container(envFrom=source)))

    await client.until(PODS, "p", is_true("Ready"))


async def test_missing_volume_source_fails_to_mount(client: Client) -> None:
    await client.create(PODS, pod(volumes=[{"name": "v", "configMap": {"name": "c"}}]))

    event = await client.until_event("FailedMount", "p")
    assert event["message"] == 'MountVolume.SetUp failed for volume "v" : configmap "c" not found'

    await client.create(CONFIG_MAPS, config_map("c"))
    await client.until(PODS, "p", is_true("Ready"))


async def test_pod_that_fits_nowhere_says_what_is_short_and_is_placed_when_there_is_room(client: Client) -> None:
    wanted = {"limits": {"example.org/fpga": "1"}}
    await client.create(PODS, pod(containers=container(resources=wanted)))

    found = await client.until(PODS, "p", unscheduled)
    assert condition(found, "PodScheduled")["reason"] == "Unschedulable"
    assert condition(found, "PodScheduled")["message"].startswith(
        "0/2 nodes are available: 2 Insufficient example.org/fpga. no new claims to deallocate, preemption: "
    )
    event = await client.until_event("FailedScheduling", "p")
    assert (event["lastTimestamp"], "count" in event) == (None, False)

    more = {"status": {"allocatable": {"example.org/fpga": "1"}}}
    await client.patch(f"{NODES}/n2/status", more)
    found = await client.until(PODS, "p", is_true("Ready"))
    assert found["spec"]["nodeName"] == "n2"


async def test_pod_that_ends_makes_room_for_the_next(client: Client) -> None:
    for name in ("n1", "n2"):
        await client.patch(f"{NODES}/{name}/status", {"status": {"allocatable": {"example.org/fpga": "1"}}})
    wanted = container(resources={"limits": {"example.org/fpga": "1"}})
    for name in ("a", "b"):
        await client.create(PODS, pod(name, containers=wanted))
        await client.until(PODS, name, is_true("Ready"))
    await client.create(PODS, pod("c", containers=wanted))
    waiting = await client.until(PODS, "c", unscheduled)

    await client.delete(f"{PODS}/a")

    await client.until(PODS, "c", is_true("Ready"))
    assert "2 No preemption victims found" in condition(waiting, "PodScheduled")["message"]


async def test_node_selector_that_matches_no_node(client: Client) -> None:
    await client.create(PODS, pod(nodeSelector={"disk": "ssd"}))

    found = await client.until(PODS, "p", unscheduled)

    message = condition(found, "PodScheduled")["message"]
    assert "2 node(s) didn't match Pod's node affinity/selector" in message


async def test_missing_claim_is_named_and_waited_for(client: Client) -> None:
    await client.create(PODS, pod(**of_claim("data")))
    found = await client.until(PODS, "p", unscheduled)
    assert 'persistentvolumeclaim "data" not found' in condition(found, "PodScheduled")["message"]

    await client.create(CLAIMS, claim("data"))

    await client.until(PODS, "p", is_true("Ready"))
    bound = await client.get(f"{CLAIMS}/data")
    assert bound["status"]["phase"] == "Bound"
    assert bound["spec"]["storageClassName"] == "standard"


async def test_claim_of_the_default_class_waits_for_its_first_consumer(client: Client) -> None:
    await client.create(CLAIMS, claim("data"))

    await client.until_event("WaitForFirstConsumer", "data")

    assert (await client.get(f"{CLAIMS}/data"))["status"] == {"phase": "Pending"}


async def test_claim_of_an_immediate_class_is_bound_at_once(client: Client) -> None:
    await client.create(CLAIMS, claim("data", "immediate"))

    bound = await client.until(CLAIMS, "data", in_phase("Bound"))

    assert bound["status"]["capacity"] == {"storage": "1Gi"}
    volume = await client.get(f"/api/v1/persistentvolumes/{bound['spec']['volumeName']}")
    assert volume["spec"]["claimRef"]["name"] == "data"


async def test_claim_of_an_unknown_class_stays_pending_and_says_why(client: Client) -> None:
    await client.create(CLAIMS, claim("data", "fast"))
    await client.create(PODS, pod(**of_claim("data")))

    event = await client.until_event("ProvisioningFailed", "data")
    found = await client.until(PODS, "p", unscheduled)

    assert event["message"] == 'storageclass.storage.k8s.io "fast" not found'
    assert "pod has unbound immediate PersistentVolumeClaims" in condition(found, "PodScheduled")["message"]


async def test_claim_in_use_is_removed_after_its_pod(client: Client) -> None:
    await client.create(CLAIMS, claim("data"))
    await client.create(PODS, pod(**of_claim("data")))
    await client.until(PODS, "p", is_true("Ready"))

    deleted = await client.delete(f"{CLAIMS}/data")
    assert deleted.body["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    # Claims are looked at in turn: once the later one is bound, the earlier one has been looked at.
    await client.create(CLAIMS, claim("later", "immediate"))
    await client.until(CLAIMS, "later", in_phase("Bound"))
    assert (await client.get(f"{CLAIMS}/data"))["metadata"]["deletionTimestamp"]
    await client.delete(f"{PODS}/p")

    await client.until_gone(CLAIMS, "data")
    await client.until_gone("/api/v1/persistentvolumes", deleted.body["spec"]["volumeName"])


async def test_pod_of_a_deleted_node_goes_with_it(client: Client) -> None:
    await client.create(PODS, pod())
    found = await client.until(PODS, "p", is_true("Ready"))

    await client.delete(f"{NODES}/{found['spec']['nodeName']}")

    await client.until_gone(PODS, "p")
