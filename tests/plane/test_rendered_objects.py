"""What the built-in types render is what a real API server takes, and their completion rules judge it as it runs."""

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from dev.plane.admin_api import AdminApi
from shared.contracts import sealed
from shared.contracts.completion import holds
from shared.contracts.identity import Namespace
from shared.jobtypes.base import Rendering
from shared.jobtypes.rules import rule_for
from tests.plane.manifests import SIMULATE
from tests.support import dialect, goldens
from tests.support.definitions import KEDA, downloaded, served
from tests.support.waiting import eventually

Manifest = dict[str, Any]

PLURALS = {"Ingress": "ingresses"}


def _rendered(component: Manifest, namespace: str) -> Rendering:
    return goldens.rendered(component, replace(goldens.CONTEXT, namespace=Namespace(namespace)))


def _manifests(rendering: Rendering) -> Iterator[Manifest]:
    """All objects in the order of their steps, with sealed values opened as the executor would."""
    return map(_opened, goldens.manifests(rendering))


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


NEEDS_KEDA = [path for path in goldens.rendering_paths() if path.stem.startswith("trait-keda-auto-scaler")]


@pytest.mark.parametrize(
    "path", [path for path in goldens.rendering_paths() if path not in NEEDS_KEDA], ids=lambda path: path.stem
)
async def test_api_server_takes_every_golden_object(api: AdminApi, namespace: str, path: Path) -> None:
    await _taken(api, namespace, path)


@pytest.mark.parametrize("path", dialect.paths(), ids=lambda path: path.stem)
async def test_api_server_takes_every_object_of_the_dialect(api: AdminApi, namespace: str, path: Path) -> None:
    document = {**dialect.document_of(path), "namespace": namespace}
    for manifest in dialect.objects_of(document):
        await _apply(api, manifest, dryRun="All")


@pytest.fixture
async def keda(api: AdminApi) -> None:
    """KEDA's kind, served by the control plane."""
    definition = await downloaded(KEDA)
    path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{definition['metadata']['name']}"
    params = {"fieldManager": "tests", "force": "true"}
    await api.text("PATCH", path, body=definition, params=params, content_type="application/apply-patch+yaml")
    await served(api, definition)


@pytest.mark.usefixtures("keda")
@pytest.mark.parametrize("path", NEEDS_KEDA, ids=lambda path: path.stem)
async def test_api_server_with_keda_takes_its_objects(api: AdminApi, namespace: str, path: Path) -> None:
    await _taken(api, namespace, path)


async def _taken(api: AdminApi, namespace: str, path: Path) -> None:
    component = json.loads(json.dumps(goldens.component_of(path)).replace(goldens.NAMESPACE, namespace))
    for manifest in _manifests(_rendered(component, namespace)):
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
