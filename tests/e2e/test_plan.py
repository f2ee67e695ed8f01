"""`kubemin plan` as a user runs it, with what the clusters have already; planning writes nothing anywhere."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.contracts.identity import ObjectKey
from shared.kube import GroupVersionKind
from tests.e2e.system import Document, System, application, component
from tests.e2e.test_newcomer import kubemin
from tests.support.canaries import Canaries
from tests.support.clusters import written
from tests.support.replicas import away

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180, func_only=True)]

READER = {
    "name": "reader",
    "create": True,
    "privileges": [{"verbs": ["get"], "apiGroups": [""], "resources": ["configmaps"]}],
}
KINDS = ("v1/ConfigMap", "v1/Secret", "v1/Service", "v1/PersistentVolumeClaim", "apps/v1/Deployment")


@pytest.fixture
def config(system: System) -> Path:
    return system.stack.layout.context


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "app.yaml"


async def everything(system: System, namespace: str) -> dict[str, str]:
    """What any write but a controller's would change of all that the tenant's namespace has, in both clusters."""
    found: dict[str, str] = {}
    for name, api in system.kube.items():
        for kind in map(GroupVersionKind.parse, KINDS):
            for obj in (await api.list_objects(kind, namespace=namespace)).objects:
                found[f"{name}/{kind}/{obj['metadata']['name']}"] = written(obj["metadata"])
            # A controller makes it when it comes to it.
            found.pop(f"{name}/v1/ConfigMap/kube-root-ca.crt", None)
    return found


async def plan(config: Path, file: Path, document: Document, *options: str) -> tuple[int, str]:
    await asyncio.to_thread(file.write_text, yaml.safe_dump(document))
    return await kubemin(config, "plan", "-f", str(file), *options)


def with_storage(namespace: str, password: str, *, image: str, extra: bool) -> Document:
    """A component with a Secret, a ConfigMap and a volume of its own; `extra` is a ConfigMap that may go."""
    properties: dict[str, Any] = {
        "secret": [{"name": "login", "mountPath": "/login", "stringData": {"password": password, "user": "ann"}}],
        "configMap": [{"name": "settings", "mountPath": "/settings", "data": {"image": image}}],
        "pvc": [{"name": "data", "mountPath": "/data", "resources": {"requests": {"storage": "1Mi"}}}],
    }
    if extra:
        properties["configMap"].append({"name": "extra", "mountPath": "/extra", "data": {"a": "b"}})
    return application(namespace, component("web", traits=[{"type": "storage", "properties": properties}], image=image))


async def test_what_would_change_is_shown_and_nothing_is_touched(
    system: System, namespace: str, config: Path, file: Path
) -> None:
    canaries = Canaries()
    old, new = canaries.text("before"), canaries.text("after")
    await system.delivered(with_storage(namespace, old, image="registry.example/app:1", extra=True))
    await system.healthy(namespace, "app")
    before = await everything(system, namespace)

    wanted = with_storage(namespace, new, image="registry.example/app:2", extra=False)
    code, table = await plan(config, file, wanted)
    coded, diffs = await plan(config, file, wanted, "--diff", "--detailed-exitcode")
    _, body = await plan(config, file, wanted, "-o", "json")

    assert (code, coded) == (0, 3), table
    assert "3 to change, 1 to delete, 1 kept" in table
    lines = [line.split() for line in table.splitlines()]
    assert ["~", "change", "ConfigMap", "settings", "(data.image)"] in lines
    assert any(line[:4] == ["~", "change", "Secret", "login"] for line in lines)
    assert any(line[:4] == ["=", "keep", "PersistentVolumeClaim", "data"] for line in lines)
    assert any(line[:3] == ["-", "delete", "ConfigMap"] and line[3].endswith("/extra") for line in lines)
    assert "-  password: '****** (before)'" in diffs
    assert "+  password: '****** (after)'" in diffs
    assert "+        image: registry.example/app:2" in diffs.replace("+      - image", "+        image")
    changes = {obj["key"]["kind"]: obj["live"] for step in json.loads(body)["steps"] for obj in step["objects"]}
    assert {field["path"] for field in changes["Secret"]["fields"]} == {"data.password"}
    assert await everything(system, namespace) == before
    assert (await system.application(namespace, "app"))["generation"] == 1
    canaries.look((table + diffs + body).encode(), "kubemin plan", "answers")
    canaries.in_files(system.stack.layout.logs, "logs")


async def test_the_same_again_changes_nothing_and_drift_shows(
    system: System, namespace: str, config: Path, file: Path
) -> None:
    document = with_storage(namespace, "p", image="registry.example/app:1", extra=False)
    await system.delivered(document)
    code, table = await plan(config, file, document, "--detailed-exitcode")
    assert code == 0, table
    assert "It is what was applied last" in table
    settings = ObjectKey(api_version="v1", kind="ConfigMap", namespace=namespace, name="settings")
    # It would be set back before it is looked at.
    async with away(system.stack.services["planner"]):
        await system.kube[system.clusters[0]].patch(settings, {"data": {"image": "drifted"}}, field_manager="somebody")
        code, table = await plan(config, file, document, "--detailed-exitcode", "--diff")
    assert code == 3, table
    assert "-  image: drifted" in table


async def test_what_the_cluster_would_refuse_is_told_first(
    system: System, namespace: str, config: Path, file: Path
) -> None:
    api = system.kube[system.clusters[0]]
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "theirs", "namespace": namespace}}
    await api.create({**manifest, "data": {"a": "private-to-others"}}, field_manager="somebody")
    await api.create({**manifest, "metadata": {"name": "there", "namespace": namespace}}, field_manager="somebody")
    before = await everything(system, namespace)
    env = [
        {"name": name, "valueFrom": {"configMapKeyRef": {"name": name, "key": "a"}}}
        for name in ("there", "absent", "brought")
    ]
    document = application(
        namespace,
        component("web", "webservice", env=env),
        {"name": "theirs", "type": "config", "properties": {"data": {"a": "mine"}}},
        {"name": "brought", "type": "config", "properties": {"data": {"a": "b"}}},
        {
            "name": "raw",
            "type": "k8s-objects",
            "properties": {"objects": [{"apiVersion": "apps/v1", "kind": "Gadget", "metadata": {"name": "g"}}]},
        },
        # An API server does not take the binding of a role that is not there, and in dry run it is not.
        component("reader", traits=[{"type": "service-account", "properties": READER}]),
    )

    code, table = await plan(config, file, document)

    assert code == 1, table
    lines = [line.split() for line in table.splitlines()]
    refused = table[table.index("It would be refused:") : table.index("cluster ")]
    assert refused.index("ReferenceNotFound") < refused.index("OwnedByOther")
    assert f"ConfigMap {namespace}/absent does not exist" in " ".join(refused.split())
    assert f"{namespace}/there does not exist" not in refused
    assert f"{namespace}/brought does not exist" not in refused
    assert "Gadget" in refused
    assert "reader" not in refused
    assert [["+", "create", kind, "reader"] in lines for kind in ("Role", "RoleBinding")] == [True, True], table
    assert "private-to-others" not in table
    assert await everything(system, namespace) == before
    run = await system.ended(await system.apply(document))
    assert run["phase"] == "Rejected"
    for step in run["steps"]:
        assert not step["reason"] or step["reason"] in refused + "RunRejected", step


async def test_a_cluster_without_its_executor_is_left_out_by_name(
    system: System, namespace: str, config: Path, file: Path
) -> None:
    here, there = system.clusters
    executor = system.stack.services[f"executor-{there}"]
    await executor.process.kill()
    try:
        document = application(namespace, component("web"), clusters=[here, there])
        code, table = await plan(config, file, document)
        detailed, _ = await plan(config, file, document, "--detailed-exitcode")
    finally:
        await executor.start()
        await executor.ready()
    assert (code, detailed) == (0, 2)
    assert f"cluster {there}: what is there could not be looked at" in table
    assert f"cluster {here}:" not in table
    assert "1 to create, 1 not known" in table
