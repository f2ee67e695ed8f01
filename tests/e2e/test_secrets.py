"""Secret values leave the gateway sealed: no plain value in MongoDB, on the bus, in a log or in an answer."""

import base64
import json
import secrets
import zlib
from pathlib import Path
from typing import Any

import pytest

from shared.store.database import Database
from tests.e2e.system import System, application, component

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180, func_only=True)]

COLLECTIONS = (
    "applications",
    "planner_state",
    "plans",
    "manifests",
    "run_events",
    "commands",
    "facts",
    "runs",
    "app_status",
    "observations",
    "pods",
)


async def test_a_canary_is_found_nowhere_but_in_the_cluster(system: System, namespace: str) -> None:
    canary = f"canary-{secrets.token_hex(12)}"
    storage = {
        "type": "storage",
        "properties": {
            "secret": [
                {
                    "name": "login",
                    "mountPath": "/login",
                    "stringData": {"password": canary},
                    "data": {"again": base64.b64encode(canary.encode()).decode()},
                }
            ]
        },
    }
    run = await system.delivered(application(namespace, component("web", traits=[storage])))
    secret = await system.object("Secret", "login", namespace)
    assert secret is not None
    assert {base64.b64decode(v).decode() for v in secret["data"].values()} == {canary}
    needles = [canary.encode(), base64.b64encode(canary.encode())]
    await assert_clean_database(system.database, needles)
    assert_clean_files(system.stack.layout.nats, needles)
    assert_clean_files(system.stack.layout.mongodb, needles)
    assert_clean_files(system.stack.layout.logs, needles)
    for path in (f"/runs/{run['run']}", f"/applications/{namespace}/app", f"/applications/{namespace}/app/runs"):
        answer = await system.call("GET", path)
        assert not any(n in json.dumps(answer.body).encode() for n in needles), path


async def test_unchanged_secret_does_not_roll_what_uses_it(system: System, namespace: str) -> None:
    def document(image: str) -> dict[str, Any]:
        storage = {
            "type": "storage",
            "properties": {"secret": [{"name": "login", "mountPath": "/login", "stringData": {"password": "same"}}]},
        }
        return application(namespace, component("web", traits=[storage], image=image))

    await system.delivered(document("registry.example/app:1"))
    before = await system.object("Secret", "login", namespace)
    await system.delivered(document("registry.example/app:2"))
    after = await system.object("Secret", "login", namespace)
    assert before is not None
    assert after is not None
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


async def assert_clean_database(database: Database, needles: list[bytes]) -> None:
    seen = 0
    for collection in COLLECTIONS:
        for document in await database.find(collection, {}):
            seen += 1
            for value in document.values():
                raw = inflated(value) if isinstance(value, bytes) else str(value).encode()
                assert not any(n in raw for n in needles), collection
    assert seen > len(COLLECTIONS)


def inflated(raw: bytes) -> bytes:
    try:
        return zlib.decompress(raw)
    except zlib.error:
        return raw


def assert_clean_files(directory: Path, needles: list[bytes]) -> None:
    files = [path for path in directory.rglob("*") if path.is_file()]
    assert files
    for path in files:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            # Live servers rotate their files.
            continue
        assert not any(n in content for n in needles), path
