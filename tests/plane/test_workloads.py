from dev.plane.admin_api import AdminApi
from dev.plane.control_plane import ControlPlane
from tests.plane import manifests
from tests.support.waiting import eventually


def core(namespace: str, plural: str, name: str = "") -> str:
    return f"/api/v1/namespaces/{namespace}/{plural}" + (f"/{name}" if name else "")


def apps(namespace: str, plural: str, name: str = "") -> str:
    return f"/apis/apps/v1/namespaces/{namespace}/{plural}" + (f"/{name}" if name else "")


def batch(namespace: str, plural: str, name: str = "") -> str:
    return f"/apis/batch/v1/namespaces/{namespace}/{plural}" + (f"/{name}" if name else "")


async def test_deployment_becomes_available(api: AdminApi, namespace: str) -> None:
    await api.create(apps(namespace, "deployments"), manifests.deployment("web", replicas=2))

    await eventually(
        lambda: api.get(apps(namespace, "deployments", "web")),
        lambda seen: seen["status"]["availableReplicas"] == 2,
    )


async def test_stateful_set_gets_a_volume_for_each_replica(api: AdminApi, namespace: str) -> None:
    await api.create(apps(namespace, "statefulsets"), manifests.stateful_set("db", replicas=2))

    await eventually(
        lambda: api.get(apps(namespace, "statefulsets", "db")),
        lambda seen: seen["status"]["readyReplicas"] == 2,
    )
    claims = await api.get(core(namespace, "persistentvolumeclaims"))
    assert {claim["metadata"]["name"]: claim["status"]["phase"] for claim in claims["items"]} == {
        "data-db-0": "Bound",
        "data-db-1": "Bound",
    }


async def test_job_completes(api: AdminApi, namespace: str) -> None:
    await api.create(batch(namespace, "jobs"), manifests.job("migrate"))

    job = await eventually(
        lambda: api.get(batch(namespace, "jobs", "migrate")),
        lambda seen: seen["status"]["succeeded"] == 1 and seen["status"]["completionTime"],
    )
    assert [c["type"] for c in job["status"]["conditions"] if c["status"] == "True"] == [
        "SuccessCriteriaMet",
        "Complete",
    ]


async def test_deleted_job_leaves_no_pods(api: AdminApi, namespace: str) -> None:
    await api.create(batch(namespace, "jobs"), manifests.job("migrate", simulate="hang"))
    await eventually(lambda: api.get(batch(namespace, "jobs", "migrate")), lambda seen: seen["status"]["ready"] == 1)

    await api.delete(batch(namespace, "jobs", "migrate"))

    await eventually(lambda: api.get(core(namespace, "pods")), lambda seen: not seen["items"])


async def test_claim_of_an_immediate_class_is_bound_without_a_pod(api: AdminApi, namespace: str) -> None:
    await api.create(core(namespace, "persistentvolumeclaims"), manifests.volume_claim("data", "immediate"))

    await eventually(
        lambda: api.get(core(namespace, "persistentvolumeclaims", "data")),
        lambda seen: seen["status"]["phase"] == "Bound",
    )


async def test_claim_of_the_default_class_waits_for_its_first_pod(api: AdminApi, namespace: str) -> None:
    await api.create(core(namespace, "persistentvolumeclaims"), manifests.volume_claim("data"))
    await eventually(
        lambda: api.get(core(namespace, "events"), {"fieldSelector": "involvedObject.name=data"}),
        lambda seen: seen["items"][0]["reason"] == "WaitForFirstConsumer",
    )

    volumes = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
    await api.create(core(namespace, "pods"), manifests.pod("user", volumes=volumes))

    await eventually(
        lambda: api.get(core(namespace, "pods", "user")),
        lambda seen: seen["status"]["phase"] == "Running",
    )
    claim = await api.get(core(namespace, "persistentvolumeclaims", "data"))
    assert claim["status"]["phase"] == "Bound"


async def test_volume_goes_with_its_claim(api: AdminApi, namespace: str) -> None:
    claims = core(namespace, "persistentvolumeclaims")
    await api.create(claims, manifests.volume_claim("data", "immediate"))
    claim = await eventually(lambda: api.get(f"{claims}/data"), lambda seen: seen["spec"]["volumeName"])

    await api.delete(f"{claims}/data")

    await eventually(
        lambda: api.get("/api/v1/persistentvolumes"),
        lambda seen: claim["spec"]["volumeName"] not in {volume["metadata"]["name"] for volume in seen["items"]},
    )


async def test_init_containers_are_completed_and_sidecars_run(api: AdminApi, namespace: str) -> None:
    init_containers = [
        {"name": "prepare", "image": "prepare:1"},
        {"name": "proxy", "image": "proxy:1", "restartPolicy": "Always"},
    ]
    await api.create(core(namespace, "pods"), manifests.pod("web", initContainers=init_containers))

    pod = await eventually(
        lambda: api.get(core(namespace, "pods", "web")),
        lambda seen: seen["status"]["phase"] == "Running",
    )
    prepare, proxy = pod["status"]["initContainerStatuses"]
    assert prepare["state"]["terminated"]["reason"] == "Completed"
    assert "running" in proxy["state"]


async def test_pod_that_fits_nowhere_carries_the_schedulers_message(api: AdminApi, namespace: str) -> None:
    too_much = {"requests": {"cpu": "1000000", "nvidia.com/gpu": "9"}, "limits": {"nvidia.com/gpu": "9"}}
    containers = [{"name": "app", "image": "web:1", "resources": too_much}]
    await api.create(core(namespace, "pods"), manifests.pod("huge", containers=containers))

    pod = await eventually(lambda: api.get(core(namespace, "pods", "huge")), lambda seen: seen["status"]["conditions"])
    (condition,) = pod["status"]["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("PodScheduled", "False", "Unschedulable")
    assert "0/2 nodes are available" in condition["message"]
    assert "2 Insufficient cpu" in condition["message"]
    assert "2 Insufficient nvidia.com/gpu" in condition["message"]


async def test_logs_of_a_container_can_be_read(api: AdminApi, namespace: str) -> None:
    await api.create(core(namespace, "pods"), manifests.pod("web"))
    await eventually(
        lambda: api.get(core(namespace, "pods", "web")),
        lambda seen: seen["status"]["phase"] == "Running",
    )

    assert await api.text("GET", core(namespace, "pods", "web") + "/log") == "starting\nready\n"


async def test_api_server_reports_the_pinned_version(plane: ControlPlane) -> None:
    assert (await plane.api.get("/version"))["gitVersion"] == "v1.36.3"
