"""Sealed values over time: what is unchanged stays as it is, and keys are changed under way."""

import base64
from typing import Any

import pytest

from shared.sealing import generate
from shared.sealing.keys import add_key, keep_newest
from tests.e2e.system import System, application, component

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180, func_only=True)]


async def test_unchanged_secret_does_not_roll_what_uses_it(system: System, namespace: str) -> None:
    await system.delivered(with_login(namespace, "same", image="registry.example/app:1"))
    before = await system.object("Secret", "login", namespace)
    await system.delivered(with_login(namespace, "same", image="registry.example/app:2"))
    after = await system.object("Secret", "login", namespace)
    assert before is not None
    assert after is not None
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


async def test_rotated_key_is_sealed_for_and_the_old_one_still_opens(system: System, namespace: str) -> None:
    cluster = system.clusters[0]
    executor = system.stack.services[f"executor-{cluster}"]
    rotation = f"/clusters/{cluster}/rotate-key"
    refused = await system.call("POST", rotation)
    assert (refused.status, refused.body["code"]) == (409, "NoNewSealingKey")
    assert "python -m shared.sealing rotate" in refused.body["detail"]

    # Sealed for the old key, and applied by an executor that holds a newer one as well.
    await executor.process.stop()
    run = await system.apply(with_login(namespace, "old"))
    new = generate()
    add_key(new, system.stack.layout.sealing_key(cluster))
    await executor.start()
    await executor.ready()
    assert (await system.ended(run))["phase"] == "Succeeded"
    assert await login_of(system, namespace) == "old"

    async def rotated() -> int:
        return (await system.call("POST", rotation)).status

    await system.until(rotated, lambda status: status == 200)
    answer = await system.call("POST", rotation)
    assert (answer.status, answer.body["code"]) == (409, "NoNewSealingKey")

    # An executor that has the new key alone opens only what is sealed for it now.
    keep_newest(system.stack.layout.sealing_key(cluster))
    await executor.process.stop()
    await executor.start()
    await executor.ready()
    await system.delivered(with_login(namespace, "new"))
    assert await login_of(system, namespace) == "new"
    await system.delivered(with_login(namespace, "new", image="registry.example/app:2"))


async def test_rollback_opens_what_was_sealed_before_a_rotation_until_the_key_is_retired(
    system: System, namespace: str
) -> None:
    cluster = system.clusters[0]
    key_file = system.stack.layout.sealing_key(cluster)
    executor = system.stack.services[f"executor-{cluster}"]
    await system.delivered(with_login(namespace, "old"))
    add_key(generate(), key_file)

    async def rotated() -> int:
        return (await system.call("POST", f"/clusters/{cluster}/rotate-key")).status

    await system.until(rotated, lambda status: status == 200)
    await system.delivered(with_login(namespace, "new"))
    assert await login_of(system, namespace) == "new"

    async def rolled_back() -> dict[str, Any]:
        answer = await system.call("POST", f"/applications/{namespace}/app/rollback?generation=1")
        assert (answer.status, answer.body["changed"]) == (202, True), answer.body
        return await system.ended(answer.body["run"])

    run = await rolled_back()
    assert (run["phase"], run["generation"]) == ("Succeeded", 3)
    assert await login_of(system, namespace) == "old"

    # Sealed for the new key: what the executor has left opens it, and nothing older.
    await system.delivered(with_login(namespace, "newer"))
    keep_newest(key_file)
    await executor.process.stop()
    await executor.start()
    await executor.ready()
    run = await rolled_back()
    assert run["phase"] == "Failed"
    assert "SealedValueInvalid" in {s["reason"] for s in run["steps"]}
    assert await login_of(system, namespace) == "newer"


def with_login(namespace: str, password: str, **properties: Any) -> dict[str, Any]:
    storage = {
        "type": "storage",
        "properties": {"secret": [{"name": "login", "mountPath": "/login", "stringData": {"password": password}}]},
    }
    return application(namespace, component("web", traits=[storage], **properties))


async def login_of(system: System, namespace: str) -> str:
    secret = await system.object("Secret", "login", namespace)
    assert secret is not None
    return base64.b64decode(secret["data"]["password"]).decode()
