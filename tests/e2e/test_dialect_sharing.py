"""What applications in the dialect share: created once, by kind and name, and gone with the last that shares it."""

import base64
import json
from typing import Any

import pytest

from tests.e2e.system import Document, System, describe

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180, func_only=True)]


def config(value: str, strategy: str | None, name: str = "settings") -> Document:
    """A config; `strategy` says how it is shared."""
    traits: Document = {} if strategy is None else {"traits": {"share": {"strategy": strategy}}}
    return {"name": name, "type": "config", "properties": {"conf": {"a": value}}, **traits}


def cache(replicas: int) -> Document:
    """A shared workload with its Service."""
    return {
        "name": "cache",
        "type": "webservice",
        "image": "registry.example/cache:1",
        "replicas": replicas,
        "properties": {"ports": [{"port": 6379}]},
        "traits": {"share": {}},
    }


def document(namespace: str, name: str, *components: Document) -> str:
    return json.dumps({"name": name, "namespace": namespace, "component": list(components)})


async def data(system: System, namespace: str, name: str = "settings") -> Any:
    found = await system.object("ConfigMap", name, namespace)
    return None if found is None else found["data"]


async def test_shared_components_are_created_once_and_go_with_the_last_application(
    system: System, namespace: str
) -> None:
    await system.delivered(document(namespace, "one", config("1", "default"), cache(1)))
    before = await system.object("Deployment", "cache", namespace)
    run = await system.delivered(document(namespace, "two", config("2", "default"), cache(2)))
    assert {one["phase"] for one in run["steps"]} == {"Succeeded"}
    found = await system.object("Deployment", "cache", namespace)
    assert before is not None
    assert found is not None
    assert (found["metadata"]["uid"], found["spec"]["replicas"]) == (before["metadata"]["uid"], 1)
    assert await data(system, namespace) == {"a": "1"}
    await system.deleted(namespace, "one")
    for kind, name in (("Deployment", "cache"), ("Service", "cache"), ("ConfigMap", "settings")):
        assert await system.object(kind, name, namespace) is not None, kind
    await system.deleted(namespace, "two")
    for kind, name in (("Deployment", "cache"), ("Service", "cache"), ("ConfigMap", "settings")):
        assert await system.object(kind, name, namespace) is None, kind


async def test_what_is_shared_is_told_by_kind_and_name(system: System, namespace: str) -> None:
    await system.delivered(document(namespace, "one", config("1", "default")))
    secret = {"name": "settings", "type": "secret", "properties": {"secret": {"k": "v"}}, "traits": {"share": {}}}
    await system.delivered(document(namespace, "two", config("2", "default", "others")))
    await system.delivered(document(namespace, "three", secret))
    assert await data(system, namespace, "others") == {"a": "2"}
    found = await system.object("Secret", "settings", namespace)
    assert found is not None
    assert base64.b64decode(found["data"]["k"]) == b"v"


async def test_ignored_component_is_never_created_and_stays_when_its_application_goes(
    system: System, namespace: str
) -> None:
    absent = await system.ended(await system.apply(document(namespace, "two", config("2", "ignore"))))
    assert (absent["phase"], absent["reason"]) == ("Rejected", "ReferenceNotFound"), describe(absent)
    assert await data(system, namespace) is None
    await system.delivered(document(namespace, "one", config("1", None)))
    await system.delivered(document(namespace, "two", config("2", "ignore")))
    await system.deleted(namespace, "two")
    assert await data(system, namespace) == {"a": "1"}


async def test_forced_component_is_written_over_what_is_nobodys_and_not_over_anothers(
    system: System, namespace: str
) -> None:
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": namespace},
        "data": {"a": "0"},
    }
    await system.kube[system.clusters[0]].create(manifest, field_manager="somebody-else")
    await system.delivered(document(namespace, "one", config("1", "force")))
    assert await data(system, namespace) == {"a": "1"}
    refused = await system.ended(await system.apply(document(namespace, "two", config("2", "force"))))
    assert (refused["phase"], refused["reason"]) == ("Rejected", "OwnedByOther"), describe(refused)
    assert await data(system, namespace) == {"a": "1"}
