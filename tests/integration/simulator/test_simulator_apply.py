"""Server-side apply over HTTP."""

import pytest

from tests.integration.simulator.client import APPLY, CONFIG_MAPS, DEPLOYMENTS, SECRETS, Client, config_map, workload


async def test_first_apply_creates_and_the_same_again_changes_nothing(client: Client) -> None:
    first = await client.apply(CONFIG_MAPS, config_map(a="1"))
    async with client.watch(CONFIG_MAPS, resourceVersion=first.body["metadata"]["resourceVersion"]) as events:
        again = await client.apply(CONFIG_MAPS, config_map(a="1"))
        await client.apply(CONFIG_MAPS, config_map(a="2"))
        event = await anext(events)

    assert (first.status, again.status) == (201, 200)
    assert again.body == first.body
    assert event["object"]["data"] == {"a": "2"}


@pytest.mark.parametrize("body", ["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"])
async def test_defaults_do_not_make_an_apply_a_change(client: Client, body: str) -> None:
    path = f"/apis/apps/v1/namespaces/default/{body.lower()}s"
    resources = {"limits": {"cpu": "1000m", "memory": "1024Mi"}}
    container = {"name": "main", "image": "x", "ports": [{"containerPort": 80}], "resources": resources}
    template = {"metadata": {"labels": {"app": "w"}}, "spec": {"containers": [container]}}

    first = await client.apply(path, workload(body, "w", template=template))
    again = await client.apply(path, workload(body, "w", template=template))

    assert again.body["metadata"]["generation"] == first.body["metadata"]["generation"] == 1
    assert again.body["spec"] == first.body["spec"]


async def test_yaml_is_read_as_well(client: Client) -> None:
    document = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {date: '2020-01-01'}\n"
    query = {"fieldManager": "tests"}

    async with client.session.patch(
        f"{CONFIG_MAPS}/c", data=document, params=query, headers={"Content-Type": APPLY}
    ) as response:
        body = await response.json()

    assert response.status == 201
    assert body["data"] == {"date": "2020-01-01"}


async def test_field_manager_is_required(client: Client) -> None:
    answer = await client.call("PATCH", f"{CONFIG_MAPS}/c", config_map(), type_=APPLY)

    assert answer.status == 422
    assert answer.body["message"] == (
        'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'
    )


async def test_scaled_deployment_conflicts_by_name_of_the_manager(client: Client) -> None:
    await client.apply(DEPLOYMENTS, workload("Deployment", "w", replicas=1))
    scale = {"spec": {"replicas": 0}}
    await client.call(
        "PATCH", f"{DEPLOYMENTS}/w/scale", scale, type_="application/merge-patch+json", fieldManager="kubectl"
    )

    answer = await client.apply(DEPLOYMENTS, workload("Deployment", "w", replicas=1))

    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert answer.body["details"]["causes"] == [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "kubectl" with subresource "scale" using apps/v1',
            "field": ".spec.replicas",
        }
    ]


async def test_update_is_a_manager_of_its_own(client: Client) -> None:
    await client.apply(DEPLOYMENTS, workload("Deployment", "w", replicas=0))
    await client.call(
        "PATCH",
        f"{DEPLOYMENTS}/w",
        {"spec": {"replicas": 1}},
        type_="application/merge-patch+json",
        fieldManager="manager",
    )

    answer = await client.apply(DEPLOYMENTS, workload("Deployment", "w", replicas=0))

    [cause] = answer.body["details"]["causes"]
    assert (cause["message"], cause["field"]) == ('conflict with "manager" using apps/v1', ".spec.replicas")


async def test_removed_field_gets_its_default_again(client: Client) -> None:
    await client.apply(DEPLOYMENTS, workload("Deployment", "w", replicas=0))

    answer = await client.apply(DEPLOYMENTS, workload("Deployment", "w"))

    assert answer.body["spec"]["replicas"] == 1
    assert answer.body["metadata"]["generation"] == 2


async def test_stale_version_is_a_plain_conflict(client: Client) -> None:
    first = await client.apply(CONFIG_MAPS, config_map(a="1"))
    await client.apply(CONFIG_MAPS, config_map(a="2"))
    stale = {
        **config_map(a="3"),
        "metadata": {"name": "c", "resourceVersion": first.body["metadata"]["resourceVersion"]},
    }

    answer = await client.apply(CONFIG_MAPS, stale)

    assert (answer.status, answer.body["reason"]) == (409, "Conflict")
    assert "causes" not in answer.body["details"]


async def test_uid_of_an_absent_object_conflicts_and_a_version_alone_creates(client: Client) -> None:
    with_uid = {**config_map(), "metadata": {"name": "c", "uid": "11111111-1111-1111-1111-111111111111"}}
    with_version = {**config_map(), "metadata": {"name": "c", "resourceVersion": "1"}}

    refused = await client.apply(CONFIG_MAPS, with_uid)
    created = await client.apply(CONFIG_MAPS, with_version)

    assert refused.status == 409
    assert "uid mismatch: the provided object specified uid 1111" in refused.body["message"]
    assert created.status == 201


async def test_uid_of_another_object_is_refused(client: Client) -> None:
    await client.apply(CONFIG_MAPS, config_map(a="1"))
    other = {**config_map(a="2"), "metadata": {"name": "c", "uid": "11111111-1111-1111-1111-111111111111"}}

    answer = await client.apply(CONFIG_MAPS, other)

    assert answer.status == 422
    assert [cause["field"] for cause in answer.body["details"]["causes"]] == ["metadata.uid"]


async def test_dry_run_shows_the_result_and_stores_nothing(client: Client) -> None:
    await client.apply(CONFIG_MAPS, config_map(a="1"))

    shown = await client.apply(CONFIG_MAPS, config_map(a="2"), dryRun="All")
    stored = await client.get(f"{CONFIG_MAPS}/c")

    assert shown.body["data"] == {"a": "2"}
    assert stored["data"] == {"a": "1"}


async def test_status_is_left_out_of_an_apply(client: Client) -> None:
    body = {**workload("Deployment", "w", replicas=0), "status": {"replicas": 7}}

    answer = await client.apply(DEPLOYMENTS, body)

    [entry] = answer.body["metadata"]["managedFields"]
    assert "f:status" not in entry["fieldsV1"]
    assert answer.body["status"] == {}


async def test_secret_in_plain_text_is_applied_once(client: Client) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "b"}}

    first = await client.apply(SECRETS, body)
    again = await client.apply(SECRETS, body)

    assert first.body["data"] == {"a": "Yg=="}
    assert again.body["metadata"]["resourceVersion"] == first.body["metadata"]["resourceVersion"]
