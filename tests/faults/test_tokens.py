"""Every operation with every kind of token: what it may not do it does not do, and is not told about."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.gateway.domain.access import Permission
from services.gateway.web.operation import Operation
from services.gateway.web.operations import OPERATIONS
from shared.bus import Parker
from shared.bus.parked import list_parked
from shared.contracts import subjects
from shared.contracts.identity import AppRef, ClusterName
from shared.contracts.registry import Role
from tests.faults.conftest import Tenant
from tests.faults.sound import document, web
from tests.support.gateway import YAML, Answer, Caller, GatewayStack
from tests.support.messages import a_fact

MAY: dict[Role, set[Permission]] = {
    Role.VIEWER: {Permission.READ},
    Role.DEPLOYER: {Permission.READ, Permission.DEPLOY},
    Role.ADMIN: {Permission.READ, Permission.DEPLOY, Permission.ADMINISTER},
}
NO_TOKENS = ("none", "empty", "made up", "expired", "revoked", "its own hash", "of another scheme")
PRIVATE = [operation for operation in OPERATIONS if operation.permission is not None]
EVERYWHERE = {"convertDocument", "getType", "listClusters", "listTypes", "rotateKey"}
"""What is of no tenant; every one may ask for it alike."""
ABOUT_ONE = [o for o in PRIVATE if ("{" in o.path or o.document) and o.id not in EVERYWHERE]
LISTS = {"listApplications": "items", "listParked": "items", "listTemplates": "applications"}
"""With the key of what is listed."""


@dataclass(frozen=True)
class Things:
    """What a tenant has."""

    tenant: Tenant
    path: Mapping[str, Any]

    async def call(self, caller: Caller, operation: Operation) -> Answer:
        """Do it; a document changes something each time."""
        body = None
        if operation.document:
            body = document(self.tenant.namespace, web(cmd=[datetime.now(UTC).isoformat()]))
            return await caller.call(operation.method, operation.path, headers=YAML, data=json.dumps(body))
        path = operation.path.format(**self.path)
        if operation.body is not None:
            known = {"workflow": [{"name": "web"}], "workflow_id": self.path["id"], "task_id": self.path["task"]}
            known |= {"version": "2", "run": self.path["run"]}
            asked = {key: known[key] for key in known.keys() & operation.body.model_fields.keys()}
            return await caller.call(operation.method, path, headers=YAML, data=json.dumps(asked))
        query = "&".join(f"{parameter.name}=1" for parameter in operation.parameters if parameter.required)
        return await caller.call(operation.method, f"{path}?{query}")


@pytest.fixture(scope="module")
async def things(gateway: GatewayStack) -> Things:
    name = await gateway.tenant()
    tenant = Tenant(name, f"{name}-dev", gateway.caller(await gateway.token(name, Role.ADMIN)))
    applied = (await tenant.boss.apply(document(tenant.namespace, web()))).body
    planner, agent = await gateway.bus.connect("planner"), await gateway.bus.connect("cluster-east")
    app = AppRef(tenant=name, namespace=tenant.namespace, name="shop")
    await agent.publish(subjects.status(ClusterName("east"), app), a_fact(app=app))
    (delivery,) = [
        d for d in await planner.consumer("STATUS", "planner-facts").fetch(10) if d.subject.endswith("dev.shop")
    ]
    await Parker(planner, "planner-facts").park(delivery, reason="HandlerFailed", error="")
    await delivery.ack()
    sequence = [entry.sequence async for entry in list_parked(planner)][-1]
    return Things(
        tenant,
        {
            "namespace": tenant.namespace,
            "app": "shop",
            "run": applied["run"],
            "id": applied["application"]["uid"],
            "task": applied["run"],
            "sequence": sequence,
            "type": "webservice",
            "cluster": "east",
        },
    )


async def bad_token(gateway: GatewayStack, tenant: str, kind: str) -> Caller:
    """Somebody who is nobody."""
    past = datetime.now(UTC) - timedelta(seconds=1)
    match kind:
        case "none":
            return gateway.caller(None)
        case "expired":
            return gateway.caller(await gateway.token(tenant, Role.ADMIN, expires_at=past))
        case "revoked":
            token = await gateway.token(tenant, Role.ADMIN, name="gone")
            await gateway.registry.revoke_token(tenant, "gone")
            return gateway.caller(token)
        case "its own hash":
            await gateway.token(tenant, Role.ADMIN)
            return gateway.caller((await gateway.registry.tokens(tenant))[0].digest)
        case "of another scheme":
            caller = gateway.caller(None)
            caller.headers["Authorization"] = f"Basic {await gateway.token(tenant, Role.ADMIN)}"
            return caller
        case _:
            return gateway.caller("" if kind == "empty" else "kubemin_" + "x" * 43)


async def left(things: Things) -> tuple[Any, ...]:
    """What must not change."""
    boss, path = things.tenant.boss, things.path
    view = (await boss.get(f"/api/v1/applications/{path['namespace']}/shop")).body
    parked = (await boss.get("/api/v1/parked")).body["items"]
    return view["generation"], view["phase"], [item["sequence"] for item in parked]


@pytest.mark.parametrize("kind", NO_TOKENS)
async def test_without_a_good_token_nothing_is_answered(gateway: GatewayStack, things: Things, kind: str) -> None:
    before = await left(things)
    caller = await bad_token(gateway, things.tenant.name, kind)
    for operation in PRIVATE:
        answer = await things.call(caller, operation)
        assert (answer.status, answer.body["code"]) == (401, "Unauthenticated"), operation.id
        assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert (await caller.get("/api/v1/nothing")).status == 401, "nor what there is"
    assert await left(things) == before


@pytest.mark.parametrize("role", [Role.VIEWER, Role.DEPLOYER])
async def test_a_role_does_nothing_beyond_it(gateway: GatewayStack, things: Things, role: Role) -> None:
    before = await left(things)
    caller = gateway.caller(await gateway.token(things.tenant.name, role))
    for operation in PRIVATE:
        if operation.permission not in MAY[role]:
            answer = await things.call(caller, operation)
            assert (answer.status, answer.body["code"]) == (403, "Forbidden"), operation.id
    assert await left(things) == before


@pytest.mark.parametrize("role", list(Role))
async def test_another_tenants_token_finds_nothing(gateway: GatewayStack, things: Things, role: Role) -> None:
    before = await left(things)
    name = await gateway.tenant()
    caller = gateway.caller(await gateway.token(name, role))
    for operation in ABOUT_ONE:
        answer = await things.call(caller, operation)
        assert answer.status in {403, 404}, operation.id
    for operation in PRIVATE:
        if operation.id in LISTS and operation.permission in MAY[role]:
            assert (await things.call(caller, operation)).body[LISTS[operation.id]] == []
    assert await left(things) == before


async def test_no_operation_escapes_these_tables(things: Things) -> None:
    assert {operation.id for operation in PRIVATE} == {o.id for o in ABOUT_ONE} | {*LISTS} | EVERYWHERE
    assert set(MAY) == set(Role)
    assert (await things.tenant.boss.get("/api/v1/clusters")).status == 200


async def test_a_revocation_ends_what_is_being_read(gateway: GatewayStack, things: Things) -> None:
    token = await gateway.token(things.tenant.name, Role.VIEWER, name="soon gone")
    reader = gateway.caller(token)
    async with reader.events(str(things.path["run"])) as events:
        assert (await anext(events)).name == "state"
        await gateway.registry.revoke_token(things.tenant.name, "soon gone")
        rest = [event async for event in events]
    assert [event.name for event in rest if event.name == "end"] == []
    assert (await reader.get("/api/v1/clusters")).status == 401
