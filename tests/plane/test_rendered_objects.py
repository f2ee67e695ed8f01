"""What the built-in types render is what a real API server takes, and their completion rules judge it as it runs."""

import base64
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.plane.admin_api import AdminApi
from shared.contracts import sealed
from shared.contracts.completion import holds
from shared.contracts.identity import AppUid, Namespace, Tenant
from shared.jobtypes.base import RenderContext, Rendering
from shared.jobtypes.builtin import BUILTIN
from shared.jobtypes.rules import rule_for
from tests.plane.manifests import SIMULATE
from tests.support.waiting import eventually

_UNIT_TESTS = Path(__file__).parents[1] / "unit" / "shared" / "jobtypes"
GOLDEN = {path.stem: path.read_text() for path in (_UNIT_TESTS / "golden").glob("*.yaml")}
Manifest = dict[str, Any]

PLURALS = {"Ingress": "ingresses"}


def _rendered(component: Manifest, namespace: str) -> Rendering:
    context = RenderContext(
        tenant=Tenant("acme"),
        namespace=Namespace(namespace),
        app_name="shop",
        app_uid=AppUid("a1b2c3"),
        component=component["name"],
        path="spec.components[0]",
    )
    job_type = BUILTIN.job_types[component["type"]]
    rendering = job_type.render(context, job_type.parameters.model_validate(component["properties"]))
    for index, entry in enumerate(component.get("traits", ())):
        trait = BUILTIN.traits[entry["type"]]
        own = replace(context, path=f"{context.path}.traits[{index}]")
        rendering = trait.apply(own, trait.parameters.model_validate(entry["properties"]), rendering)
    return rendering


def _manifests(rendering: Rendering) -> Iterator[Manifest]:
    """All objects in the order of their steps, with sealed values opened as the executor would."""
    yield from (_opened(declared.manifest) for declared in rendering.declared)
    if rendering.workload is not None:
        yield _opened(rendering.workload)
    yield from map(_opened, rendering.others)


def _opened(manifest: Manifest) -> Manifest:
    if manifest["kind"] != "Secret":
        return manifest
    data = manifest.get("data", {})
    opened = base64.b64encode(b"opened").decode()
    return {**manifest, "data": {k: opened if v.startswith(sealed.PREFIX) else v for k, v in data.items()}}


def _path(manifest: Manifest) -> str:
    metadata, version = manifest["metadata"], manifest["apiVersion"]
    root = f"/apis/{version}" if "/" in version else f"/api/{version}"
    scope = f"/namespaces/{metadata['namespace']}" if "namespace" in metadata else ""
    plural = PLURALS.get(manifest["kind"], f"{manifest['kind'].lower()}s")
    return f"{root}{scope}/{plural}/{metadata['name']}"


async def _apply(api: AdminApi, manifest: Manifest, **params: str) -> None:
    await api.text(
        "PATCH",
        _path(manifest),
        body=manifest,
        params={"fieldManager": "kubemin:a1b2c3", "fieldValidation": "Strict", **params},
        content_type="application/apply-patch+yaml",
    )


@pytest.mark.parametrize("name", sorted(GOLDEN))
async def test_api_server_takes_every_golden_object(api: AdminApi, namespace: str, name: str) -> None:
    document = yaml.safe_load(GOLDEN[name].replace("shop-prod", namespace))
    for manifest in _manifests(_rendered(document["component"], namespace)):
        await _apply(api, manifest, dryRun="All")


async def _judged(api: AdminApi, namespace: str, component: Manifest, *, failure: bool = False) -> None:
    """Apply everything and wait until the workload's rule says so."""
    rendering = _rendered(component, namespace)
    for manifest in _manifests(rendering):
        await _apply(api, manifest)
    workload = rendering.workload
    assert workload is not None
    rule = rule_for(workload)
    assert rule is not None
    condition = rule.failure if failure else rule.success
    assert condition is not None
    live = await eventually(lambda: api.get(_path(workload)), lambda seen: holds(condition, seen))
    assert failure or rule.failure is None or not holds(rule.failure, live)


@pytest.mark.parametrize("type_", ["webservice", "worker", "statefulset", "task"])
async def test_workload_that_runs_succeeds_by_its_rule(api: AdminApi, namespace: str, type_: str) -> None:
    await _judged(api, namespace, {"name": "web", "type": type_, "properties": {"image": "nginx:1.27"}})


async def test_stored_component_with_volume_config_and_secret_succeeds(api: AdminApi, namespace: str) -> None:
    storage = {
        "pvc": [{"name": "data", "mountPath": "/data"}],
        "configMap": [{"name": "settings", "mountPath": "/settings", "data": {"a": "b"}}],
        "secret": [{"name": "keys", "mountToEnvs": [{"envName": "K", "secretKey": "k"}], "stringData": {"k": "v"}}],
    }
    component = {
        "name": "db",
        "type": "store",
        "properties": {"image": "redis:7", "ports": [{"port": 6379, "expose": True}]},
        "traits": [
            {"type": "storage", "properties": storage},
            {"type": "scaler", "properties": {"replicas": 2}},
            {"type": "gateway", "properties": {"http": {"/": 6379}}},
        ],
    }
    await _judged(api, namespace, component)


async def test_task_that_fails_fails_by_its_rule(api: AdminApi, namespace: str) -> None:
    properties = {"image": "busybox:1", "backoffLimit": 0, "annotations": {SIMULATE: "exit-1"}}
    await _judged(api, namespace, {"name": "migrate", "type": "task", "properties": properties}, failure=True)


async def test_change_of_a_webservice_is_judged_by_the_new_pods(api: AdminApi, namespace: str) -> None:
    """The status of the old generation says nothing about the new one."""
    component = {"name": "web", "type": "webservice", "properties": {"image": "nginx:1.27"}}
    await _judged(api, namespace, component)
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"
    before = (await api.get(path))["metadata"]["generation"]

    await _judged(api, namespace, {**component, "properties": {"image": "nginx:1.28"}})

    live = await api.get(path)
    assert live["metadata"]["generation"] > before
    assert live["status"]["observedGeneration"] == live["metadata"]["generation"]
