"""The verbs of the API, its errors and its discovery, over HTTP."""

import asyncio

import aiohttp
import pytest

from dev.simulator.server import Simulator
from tests.integration.simulator.client import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    JOBS,
    NAMESPACES,
    PODS,
    SECRETS,
    SERVICES,
    Client,
    config_map,
    is_true,
    job,
    pod,
    workload,
)


async def test_version_owns_up_to_the_simulator(client: Client) -> None:
    version = await client.get("/version")

    assert version["gitVersion"] == "v1.36.3-kubemin-simulator"
    assert (version["major"], version["minor"]) == ("1", "36")


async def test_request_without_the_token_is_unauthorized(cluster: Simulator) -> None:
    async with (
        aiohttp.ClientSession(cluster.url, headers={"Authorization": "Bearer guess"}) as session,
        session.get("/api/v1/pods") as response,
    ):
        assert response.status == 401
        assert (await response.json())["reason"] == "Unauthorized"


async def test_discovery_lists_what_is_served(client: Client) -> None:
    core = await client.get("/api/v1")
    groups = await client.get("/apis")
    apps = await client.get("/apis/apps/v1")

    assert "pods" in [resource["name"] for resource in core["resources"]]
    assert "batch" in [group["name"] for group in groups["groups"]]
    deployments = next(one for one in apps["resources"] if one["name"] == "deployments")
    assert (deployments["kind"], deployments["namespaced"]) == ("Deployment", True)
    status = next(one for one in apps["resources"] if one["name"] == "deployments/status")
    assert {"create", "watch"} <= set(deployments["verbs"])
    assert set(status["verbs"]) == {"get", "patch", "update"}


async def test_unknown_resources_and_groups_are_not_found(client: Client) -> None:
    resource = await client.call("GET", "/api/v1/namespaces/default/widgets")
    group = await client.call("GET", "/apis/keda.sh/v1alpha1")

    assert (resource.status, resource.body["reason"]) == (404, "NotFound")
    assert resource.body["message"] == "the server could not find the requested resource"
    assert (group.status, group.body) == (404, "404 page not found\n")


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("DELETE", CONFIG_MAPS, {}),
        ("GET", CONFIG_MAPS, {"sendInitialEvents": "true"}),
        ("GET", CONFIG_MAPS, {"resourceVersionMatch": "Exact"}),
    ],
)
async def test_what_is_legal_and_beyond_the_simulator_is_refused_in_words(
    client: Client, method: str, path: str, query: dict[str, str]
) -> None:
    answer = await client.call(method, path, None, **query)

    assert answer.status == 501
    assert answer.body["kind"] == "Status"
    assert answer.body["message"].startswith("the simulator does not support ")


async def test_created_object_has_what_the_server_adds(client: Client) -> None:
    created = await client.create(DEPLOYMENTS, workload("Deployment", "w"))

    metadata = created["metadata"]
    assert metadata["namespace"] == "default"
    assert metadata["generation"] == 1
    assert {"uid", "resourceVersion", "creationTimestamp"} <= metadata.keys()
    assert created["spec"]["replicas"] == 1
    assert created["spec"]["strategy"]["type"] == "RollingUpdate"
    assert created["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent"
    assert metadata["managedFields"][0]["manager"] == "tests"
    assert metadata["managedFields"][0]["operation"] == "Update"


async def test_second_create_says_that_it_exists(client: Client) -> None:
    await client.create(CONFIG_MAPS, config_map())

    answer = await client.call("POST", CONFIG_MAPS, config_map())

    assert (answer.status, answer.body["reason"]) == (409, "AlreadyExists")
    assert answer.body["message"] == 'configmaps "c" already exists'
    assert answer.body["details"] == {"name": "c", "kind": "configmaps"}


async def test_generated_name_begins_as_asked(client: Client) -> None:
    body = {**config_map(), "metadata": {"generateName": "c-"}}

    names = {(await client.create(CONFIG_MAPS, body))["metadata"]["name"] for _ in range(3)}

    assert len(names) == 3
    assert all(name.startswith("c-") and len(name) == 7 for name in names)


async def test_missing_namespace_is_named(client: Client) -> None:
    answer = await client.call("POST", "/api/v1/namespaces/nowhere/configmaps", config_map())

    assert (answer.status, answer.body["message"]) == (404, 'namespaces "nowhere" not found')


async def test_missing_object_is_named_with_its_group(client: Client) -> None:
    answer = await client.call("GET", f"{DEPLOYMENTS}/gone")

    assert answer.body["message"] == 'deployments.apps "gone" not found'
    assert answer.body["details"] == {"name": "gone", "group": "apps", "kind": "deployments"}


async def test_namespace_of_the_body_must_be_that_of_the_path(client: Client) -> None:
    body = {**config_map(), "metadata": {"name": "c", "namespace": "other"}}

    answer = await client.call("POST", CONFIG_MAPS, body)

    assert answer.status == 400
    assert "does not match the namespace" in answer.body["message"]


async def test_update_with_a_stale_version_conflicts(client: Client) -> None:
    created = await client.create(CONFIG_MAPS, config_map(a="1"))
    await client.patch(f"{CONFIG_MAPS}/c", {"data": {"a": "2"}})

    answer = await client.call("PUT", f"{CONFIG_MAPS}/c", created)

    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert "the object has been modified" in answer.body["message"]


async def test_generation_counts_changes_of_spec_and_of_a_deployments_annotations(client: Client) -> None:
    await client.create(DEPLOYMENTS, workload("Deployment", "w", replicas=0))

    labelled = await client.patch(f"{DEPLOYMENTS}/w", {"metadata": {"labels": {"a": "b"}}})
    annotated = await client.patch(f"{DEPLOYMENTS}/w", {"metadata": {"annotations": {"a": "b"}}})
    paused = await client.patch(f"{DEPLOYMENTS}/w", {"spec": {"paused": True}})

    assert [one["metadata"]["generation"] for one in (labelled, annotated, paused)] == [1, 2, 3]


@pytest.mark.parametrize("path", [CONFIG_MAPS, SERVICES, SECRETS])
async def test_some_kinds_have_no_generation(client: Client, path: str) -> None:
    kind = {CONFIG_MAPS: "ConfigMap", SERVICES: "Service", SECRETS: "Secret"}[path]
    body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}}
    if kind == "Service":
        body["spec"] = {"ports": [{"port": 80}]}

    assert "generation" not in (await client.create(path, body))["metadata"]


async def test_service_gets_an_address_and_keeps_it(client: Client) -> None:
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}}

    created = await client.create(SERVICES, body)
    replaced = await client.call("PUT", f"{SERVICES}/s", {**body, "spec": {"ports": [{"port": 81}]}})

    assert created["spec"]["clusterIP"].startswith("10.96.")
    assert created["spec"]["ports"] == [{"port": 80, "protocol": "TCP", "targetPort": 80}]
    assert replaced.body["spec"]["clusterIP"] == created["spec"]["clusterIP"]


async def test_plain_text_of_a_secret_is_stored_encoded(client: Client) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "b"}}

    created = await client.create(SECRETS, body)

    assert created["data"] == {"a": "Yg=="}
    assert "stringData" not in created
    assert created["type"] == "Opaque"


async def test_status_is_written_at_its_own_endpoint_alone(client: Client) -> None:
    spec = {"rules": [{"host": "a.example", "http": {"paths": []}}]}
    path = "/apis/networking.k8s.io/v1/namespaces/default/ingresses"
    ingress = {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "i"}, "spec": spec}
    status = {"status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}}}

    created = await client.create(path, {**ingress, **status})
    main = await client.patch(f"{path}/i", status)
    sub = await client.patch(f"{path}/i/status", {**status, "spec": {"rules": []}})

    assert created["status"] == {"loadBalancer": {}}
    assert main["status"] == {"loadBalancer": {}}
    assert sub["status"] == status["status"]
    assert sub["spec"] == created["spec"]
    assert sub["metadata"]["generation"] == 1


async def test_dry_run_leaves_everything_as_it_was(client: Client) -> None:
    created = await client.create(CONFIG_MAPS, config_map(), dryRun="All")
    answer = await client.call("GET", f"{CONFIG_MAPS}/c")

    assert created["metadata"]["uid"]
    assert answer.status == 404


async def test_deletion_answers_with_a_status(client: Client) -> None:
    created = await client.create(CONFIG_MAPS, config_map())

    answer = await client.delete(f"{CONFIG_MAPS}/c")

    assert (answer.status, answer.body["status"]) == (200, "Success")
    assert answer.body["details"] == {"name": "c", "kind": "configmaps", "uid": created["metadata"]["uid"]}


@pytest.mark.parametrize("precondition", ["uid", "resourceVersion"])
async def test_deletion_honours_its_preconditions(client: Client, precondition: str) -> None:
    created = await client.create(CONFIG_MAPS, config_map())

    refused = await client.delete(f"{CONFIG_MAPS}/c", {"preconditions": {precondition: "another"}})
    done = await client.delete(f"{CONFIG_MAPS}/c", {"preconditions": {precondition: created["metadata"][precondition]}})

    assert (refused.status, refused.body["reason"]) == (409, "Conflict")
    assert "in the precondition (another) does not match" in refused.body["message"]
    assert done.status == 200


async def test_finalizer_keeps_a_deleted_object(client: Client) -> None:
    body = {**config_map(), "metadata": {"name": "c", "finalizers": ["example.org/keep"]}}
    await client.create(CONFIG_MAPS, body)

    deleted = await client.delete(f"{CONFIG_MAPS}/c")
    kept = await client.get(f"{CONFIG_MAPS}/c")
    await client.patch(f"{CONFIG_MAPS}/c", {"metadata": {"finalizers": None}})
    gone = await client.call("GET", f"{CONFIG_MAPS}/c")

    assert deleted.body["metadata"]["deletionTimestamp"]
    assert kept["metadata"]["finalizers"] == ["example.org/keep"]
    assert gone.status == 404


async def test_dependents_go_with_their_owner(client: Client) -> None:
    await client.create(DEPLOYMENTS, workload("Deployment", "w"))
    await client.until(DEPLOYMENTS, "w", is_true("Available"))
    [pod_] = (await client.get(PODS))["items"]

    await client.delete(f"{DEPLOYMENTS}/w", propagationPolicy="Background")

    await client.until_gone(PODS, pod_["metadata"]["name"])


async def test_owner_that_is_deleted_in_the_foreground_goes_last(client: Client) -> None:
    await client.create(DEPLOYMENTS, workload("Deployment", "w"))
    await client.until(DEPLOYMENTS, "w", is_true("Available"))

    answer = await client.delete(f"{DEPLOYMENTS}/w", propagationPolicy="Foreground")
    await client.until_gone(DEPLOYMENTS, "w")

    assert answer.body["metadata"]["finalizers"] == ["foregroundDeletion"]
    assert (await client.get(PODS))["items"] == []


async def test_orphans_stay(client: Client) -> None:
    await client.create(JOBS, job(simulate="hang"))
    await client.until(JOBS, "j", lambda found: found["status"].get("ready") == 1)

    answer = await client.delete(f"{JOBS}/j")

    [orphan] = (await client.get(PODS))["items"]
    assert "ownerReferences" not in orphan["metadata"]
    assert "child pods are preserved by default" in answer.headers["Warning"]


async def test_deleted_namespace_takes_its_content_with_it(client: Client) -> None:
    await client.create(NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}})
    await client.until("/api/v1/namespaces/n/serviceaccounts", "default", lambda _: True)
    await client.create("/api/v1/namespaces/n/pods", pod())
    kept = {**config_map(), "metadata": {"name": "c", "finalizers": ["example.org/keep"]}}
    await client.create("/api/v1/namespaces/n/configmaps", kept)

    deleted = await client.delete(f"{NAMESPACES}/n")
    refused = await client.call("POST", "/api/v1/namespaces/n/configmaps", config_map("d"))
    await client.patch("/api/v1/namespaces/n/configmaps/c", {"metadata": {"finalizers": None}})
    await client.until_gone(NAMESPACES, "n")

    assert deleted.body["status"]["phase"] == "Terminating"
    assert refused.status == 403
    assert "because it is being terminated" in refused.body["message"]
    assert (await client.get("/api/v1/pods"))["items"] == []


async def test_impersonation_is_recorded(client: Client, cluster: Simulator) -> None:
    user = "system:serviceaccount:default:kubemin-tenant"
    headers = {"Impersonate-User": user, "Impersonate-Group": "system:authenticated"}
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"

    async with client.session.post(path, json=review, headers=headers) as response:
        answer = await response.json()

    assert answer["status"]["userInfo"] == {"username": user, "groups": ["system:authenticated"]}
    assert cluster.requests[-1].user.name == user


async def test_access_reviews_allow_everything(client: Client) -> None:
    body = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {}}

    answer = await client.create("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body)

    assert answer["status"]["allowed"] is True


async def test_scale_subresource_sets_replicas(client: Client) -> None:
    await client.create(DEPLOYMENTS, workload("Deployment", "w"))

    scale = await client.patch(f"{DEPLOYMENTS}/w/scale", {"spec": {"replicas": 2}})
    scaled = await client.until(DEPLOYMENTS, "w", lambda found: found["status"].get("readyReplicas") == 2)

    assert scale["kind"] == "Scale"
    assert scaled["spec"]["replicas"] == 2


async def test_log_says_that_it_is_simulated(client: Client) -> None:
    await client.create(PODS, pod())
    await client.until(PODS, "p", is_true("Ready"))

    answer = await client.call("GET", f"{PODS}/p/log")

    assert answer.body.startswith("simulated: the cluster simulator runs no containers")


async def test_two_writers_at_once_lose_no_update(client: Client) -> None:
    await client.create(CONFIG_MAPS, config_map())

    async def add(key: str) -> None:
        while True:
            present = await client.get(f"{CONFIG_MAPS}/c")
            present["data"] = {**present.get("data", {}), key: "x"}
            if (await client.call("PUT", f"{CONFIG_MAPS}/c", present)).status == 200:
                return

    await asyncio.gather(*(add(f"k{number}") for number in range(10)))

    assert len((await client.get(f"{CONFIG_MAPS}/c"))["data"]) == 10
