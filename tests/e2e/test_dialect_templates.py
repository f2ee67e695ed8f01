"""Applications that are copied: everything has a name of its own, secret values are the copy's own."""

import base64
import json
import secrets
from typing import Any

import pytest

from tests.e2e.system import Document, System

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240, func_only=True)]

CARRIED = {"name": "token", "type": "secret", "mount_path": "/token", "source_name": "base-web-token"}
VOLUME = {"name": "data", "type": "persistent", "mount_path": "/data", "tmp_create": True}


def template(namespace: str, password: str) -> str:
    """Everything that could collide."""
    web: Document = {
        "name": "base-web",
        "type": "webservice",
        "image": "registry.example/web:1",
        "properties": {"ports": [{"port": 80}], "env": {"DB": "postgres://base-db:5432/x"}},
        "traits": {
            "storage": [VOLUME, {**CARRIED, "data": {"token": password}}],
            "env_from": [{"type": "configMap", "source_name": "base-settings"}],
            "envs": [{"name": "PW", "value_from": {"secret": {"name": "base-keys", "key": "password"}}}],
            "ingress": [{"hosts": ["www.example.com"], "routes": [{"backend": {"service_name": "base-web"}}]}],
            "rbac": [{"rules": [{"api_groups": [""], "resources": ["pods"], "verbs": ["get"]}]}],
        },
    }
    store = {
        "name": "base-db",
        "type": "store",
        "image": "registry.example/db:1",
        "properties": {"ports": [{"port": 5432}]},
    }
    components = [
        {"name": "base-settings", "type": "config", "properties": {"conf": {"url": "http://base-web:80/"}}},
        {"name": "base-keys", "type": "secret", "properties": {"secret": {"password": password}}},
        {**store, "traits": {"storage": [VOLUME]}},
        web,
    ]
    return json.dumps({"name": "base", "namespace": namespace, "tmp_enable": True, "component": components})


def copied(namespace: str, id_: str, password: str) -> str:
    """An application that is a copy, but for a name, a variable and the password."""
    properties = {"env": {"NEW": "1"}, "secret": {"token": password}}
    site = {"name": "site", "type": "webservice", "template": {"id": id_}, "properties": properties}
    keys = {
        "name": "own-keys",
        "type": "secret",
        "template": {"id": id_, "target": "base-keys"},
        "properties": {"secret": {"password": password}},
    }
    return json.dumps({"name": "copy", "namespace": namespace, "component": [site, keys]})


async def the(system: System, kind: str, name: str, namespace: str) -> Document:
    found = await system.object(kind, name, namespace)
    assert found is not None, f"{kind} {name}"
    return found


async def password_of(system: System, name: str, namespace: str, key: str = "password") -> str:
    secret = await the(system, "Secret", name, namespace)
    return base64.b64decode(secret["data"][key]).decode()


OBJECTS = (
    ("ConfigMap", "base-settings"),
    ("Secret", "base-keys"),
    ("StatefulSet", "base-db"),
    ("Deployment", "base-web"),
    ("Service", "base-web"),
    ("PersistentVolumeClaim", "data-base-web"),
    ("Ingress", "base-web-ingress"),
    ("ServiceAccount", "base-web-sa"),
)


async def identities(system: System, namespace: str) -> dict[str, Any]:
    """Who the template's objects are."""
    return {f"{kind}/{name}": (await the(system, kind, name, namespace))["metadata"]["uid"] for kind, name in OBJECTS}


async def test_copies_of_a_template_collide_with_nothing(system: System, namespace: str) -> None:
    first, second, third = (f"canary-{secrets.token_hex(8)}" for _ in range(3))
    await system.delivered(template(namespace, first))
    before = await identities(system, namespace)
    uid = (await system.application(namespace, "base"))["uid"]
    elsewhere = await system.enrolled_namespace()
    for where, id_, password in ((namespace, uid, second), (elsewhere, f"{namespace}/base", third)):
        run = await system.delivered(copied(where, id_, password))
        assert {one["phase"] for one in run["steps"]} == {"Succeeded"}
        assert await password_of(system, "own-keys", where) == password
        assert await password_of(system, "base-web-token-site", where, "token") == password
        web = await the(system, "Deployment", "site", where)
        [container] = web["spec"]["template"]["spec"]["containers"]
        env = {one["name"]: one for one in container["env"]}
        assert (env["DB"]["value"], env["NEW"]["value"]) == ("postgres://copy-db:5432/x", "1")
        assert env["PW"]["valueFrom"]["secretKeyRef"]["name"] == "own-keys"
        assert container["envFrom"] == [{"configMapRef": {"name": "copy-settings"}}]
        assert (await the(system, "ConfigMap", "copy-settings", where))["data"] == {"url": "http://site:80/"}
        ingress = await the(system, "Ingress", "site-ingress", where)
        assert ingress["spec"]["rules"][0]["host"] == "copy-www.example.com"
        for kind, name in (
            ("PersistentVolumeClaim", "data-site"),
            ("ServiceAccount", "site-sa"),
            ("Service", "copy-db"),
        ):
            await the(system, kind, name, where)
    assert await identities(system, namespace) == before
    assert await password_of(system, "base-keys", namespace) == first
    await system.deleted(namespace, "copy")
    assert await system.object("Deployment", "site", namespace) is None
    assert await identities(system, namespace) == before
    answers = [await system.call("GET", f"/applications/{one}/copy") for one in (namespace, elsewhere)]
    assert not any(word in json.dumps(answer.body) for answer in answers for word in (first, second, third))
