"""Parked messages over HTTP: an administrator's, of the own tenant only."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from shared.bus import Bus, Delivery, Parker, work
from shared.bus.parked import list_parked
from shared.contracts import subjects
from shared.contracts.envelope import Envelope
from shared.contracts.facts import ObjectsPruned
from shared.contracts.identity import AppRef, ClusterName
from shared.contracts.registry import Role
from shared.errors import Rejected
from shared.runtime.stopping import Stopping
from tests.integration.services.gateway.conftest import Team
from tests.support.conditions import until
from tests.support.gateway import Caller, GatewayStack
from tests.support.messages import a_fact

PARKED = "/api/v1/parked"
EAST = ClusterName("east")


@pytest.fixture
async def boss(gateway: GatewayStack, team: Team) -> Caller:
    return gateway.caller(await gateway.token(team.name, Role.ADMIN, name="boss"))


class Planner:
    """The planner's consumer of facts, in this process."""

    def __init__(self, bus: Bus, agent: Bus) -> None:
        self.bus = bus
        self.agent = agent
        self.handled: list[ObjectsPruned] = []

    async def parks(self, team: Team, *, name: str = "shop", reason: str = "HandlerFailed") -> int:
        """Have it meet a fact about a team's application and set it aside; returns its number."""
        app = AppRef(tenant=team.name, namespace=team.namespace, name=name)
        await self.agent.publish(subjects.status(EAST, app), a_fact(app=app))
        deliveries = await self.bus.consumer("STATUS", "planner-facts").fetch(10)
        (delivery,) = [d for d in deliveries if d.subject.endswith(f"{team.namespace}.{name}")]
        await Parker(self.bus, "planner-facts").park(delivery, reason=reason, error="as it happens")
        await delivery.ack()
        return [entry.sequence async for entry in list_parked(self.bus, "planner-facts")][-1]

    @asynccontextmanager
    async def working(self, failure: Exception | None = None) -> AsyncIterator[None]:
        """Run it."""
        stopping = Stopping()

        async def handle(_delivery: Delivery, envelope: Envelope) -> None:
            if failure is not None:
                raise failure
            self.handled.append(ObjectsPruned.model_validate(envelope.data))

        consumer, park = self.bus.consumer("STATUS", "planner-facts"), Parker(self.bus, "planner-facts")
        async with asyncio.TaskGroup() as group:
            group.create_task(work(consumer, handle, stopping=stopping, park=park, concurrency=1))
            try:
                yield
            finally:
                stopping.request()


@pytest.fixture
async def planner(gateway: GatewayStack) -> Planner:
    return Planner(await gateway.bus.connect("planner"), await gateway.bus.connect("cluster-east"))


async def test_a_parked_message_is_listed_and_shown(team: Team, boss: Caller, planner: Planner) -> None:
    sequence = await planner.parks(team)
    listed = await boss.get(PARKED)
    (item,) = listed.body["items"]
    assert (listed.status, listed.body["continue"]) == (200, None)
    assert item["sequence"] == sequence
    told = {key: item[key] for key in ("consumer", "reason", "message", "namespace", "name", "cluster", "replayable")}
    assert told == {
        "consumer": "planner-facts",
        "reason": "HandlerFailed",
        "message": "as it happens",
        "namespace": team.namespace,
        "name": "shop",
        "cluster": "east",
        "replayable": True,
    }
    shown = await boss.get(f"{PARKED}/{sequence}")
    assert shown.status == 200
    assert {key: shown.body[key] for key in item} == item
    assert shown.body["envelope"]["type"] == "dev.kubemin.ObjectsPruned.v1"
    assert shown.body["envelope"]["data"]["app"]["name"] == "shop"


async def test_lists_are_paged_and_filtered(team: Team, boss: Caller, planner: Planner) -> None:
    sequences = [await planner.parks(team, name=f"shop-{i}") for i in range(3)]
    found: list[int] = []
    token = ""
    for _ in range(10):
        page = (await boss.get(f"{PARKED}?limit=2&continue={token}")).body
        found += [item["sequence"] for item in page["items"]]
        token = page["continue"]
        if token is None:
            break
    assert found == sequences
    assert (await boss.get(f"{PARKED}?consumer=planner-specs")).body["items"] == []
    assert (await boss.get(f"{PARKED}?continue=x")).body["code"] == "ContinueInvalid"


async def test_a_dropped_message_is_gone(team: Team, boss: Caller, planner: Planner) -> None:
    sequence = await planner.parks(team)
    dropped = await boss.call("DELETE", f"{PARKED}/{sequence}")
    assert (dropped.status, dropped.body["sequence"]) == (200, sequence)
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/replay")):
        answer = await boss.call(method, f"{PARKED}/{sequence}{path}")
        assert (answer.status, answer.body["code"]) == (404, "NotFound")


async def test_a_replay_is_handled_by_the_consumer_itself(team: Team, boss: Caller, planner: Planner) -> None:
    sequence = await planner.parks(team)
    async with planner.working():

        async def replayed() -> bool:
            answer = await boss.call("POST", f"{PARKED}/{sequence}/replay", headers={"Idempotency-Key": "once"})
            return (answer.status, answer.body.get("outcome")) == (200, "handled")

        # Until its consumer serves, nobody answers.
        await until(replayed)
        assert await replayed(), "the key's answer is kept although the message is gone"
    assert [fact.app.namespace for fact in planner.handled] == [team.namespace]
    assert (await boss.get(PARKED)).body["items"] == []


async def test_a_replay_that_is_refused_says_why(team: Team, boss: Caller, planner: Planner) -> None:
    sequence = await planner.parks(team)
    async with planner.working(Rejected("too late", reason="Outdated")):

        async def refused() -> bool:
            answer = await boss.call("POST", f"{PARKED}/{sequence}/replay")
            wanted = {"outcome": "refused", "reason": "Outdated", "message": "too late"}
            return answer.status == 200 and answer.body == wanted

        await until(refused)
    ((item),) = (await boss.get(PARKED)).body["items"]
    assert item["reason"] == "Outdated"


async def test_without_its_consumer_a_replay_is_for_later(team: Team, boss: Caller, planner: Planner) -> None:
    sequence = await planner.parks(team)
    answer = await boss.call("POST", f"{PARKED}/{sequence}/replay")
    assert (answer.status, "Retry-After" in answer.headers) == (503, True)
    assert len((await boss.get(PARKED)).body["items"]) == 1


@pytest.mark.parametrize("role", [Role.VIEWER, Role.DEPLOYER])
async def test_only_administrators_may(gateway: GatewayStack, team: Team, planner: Planner, role: Role) -> None:
    sequence = await planner.parks(team)
    caller = gateway.caller(await gateway.token(team.name, role))
    for method, path in (
        ("GET", ""),
        ("GET", f"/{sequence}"),
        ("POST", f"/{sequence}/replay"),
        ("DELETE", f"/{sequence}"),
    ):
        answer = await caller.call(method, f"{PARKED}{path}")
        assert (answer.status, answer.body["code"]) == (403, "Forbidden")


async def test_another_tenants_messages_do_not_exist(gateway: GatewayStack, team: Team, planner: Planner) -> None:
    sequence = await planner.parks(team)
    other = gateway.caller(await gateway.token(await gateway.tenant(), Role.ADMIN))
    assert (await other.get(PARKED)).body["items"] == []
    for method, path in (("GET", ""), ("POST", "/replay"), ("DELETE", "")):
        assert (await other.call(method, f"{PARKED}/{sequence}{path}")).status == 404
    assert [entry.sequence async for entry in list_parked(planner.bus, "planner-facts")][-1] == sequence


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5", "9" * 30, "%00", "1/2"])
async def test_what_is_no_number_is_not_found(boss: Caller, number: str) -> None:
    assert (await boss.get(f"{PARKED}/{number}")).status == 404


async def test_an_agents_command_is_not_replayed(gateway: GatewayStack, team: Team, boss: Caller) -> None:
    app = AppRef(tenant=team.name, namespace=team.namespace, name="shop")
    agent, central = await gateway.bus.connect("cluster-east"), await gateway.bus.connect("planner")
    subject = subjects.step(EAST, app, "web")  # type: ignore[arg-type]  # a step id as text
    await central.publish_raw(subject, b"junk", headers={})
    (delivery,) = await agent.consumer("STEPS", "executor-east").fetch(1)
    await Parker(agent, "executor-east").park(delivery, reason="Malformed", error="no envelope")
    await delivery.ack()
    (item,) = (await boss.get(PARKED)).body["items"]
    assert (item["replayable"], item["step"]) == (False, "web")
    answer = await boss.call("POST", f"{PARKED}/{item['sequence']}/replay")
    assert (answer.status, answer.body["code"]) == (409, "NotReplayable")
    assert "by itself" in answer.body["detail"]


async def admin(gateway: GatewayStack, *arguments: str, code: int = 0) -> str:
    """`kubemin-admin parked`, as whoever runs the installation."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.gateway.admin",
        "parked",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": ".", "KUBEMIN_NATS_CREDENTIALS_FILE": str(gateway.bus.accounts / "admin.json")},
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode == code, out + err
    return (out + err).decode().strip()


async def test_what_names_no_application_is_the_installations(
    gateway: GatewayStack, boss: Caller, planner: Planner
) -> None:
    await planner.agent.publish_raw("kubemin.status.east.Some.thing", b"junk", headers={})
    stopping = Stopping()

    async def never(_delivery: Delivery, _envelope: Envelope) -> None:
        raise AssertionError

    async def parked() -> bool:
        found = json.loads(await admin(gateway, "list", "-o", "json"))
        sequences.extend(item["sequence"] for item in found if item["subject"] == "kubemin.status.east.Some.thing")
        return bool(sequences)

    sequences: list[int] = []
    consumer, park = planner.bus.consumer("STATUS", "planner-facts"), Parker(planner.bus, "planner-facts")
    async with asyncio.TaskGroup() as group:
        group.create_task(work(consumer, never, stopping=stopping, park=park, concurrency=1))
        await until(parked, timeout_s=60)
        stopping.request()
    number = str(sequences[0])
    shown = json.loads(await admin(gateway, "show", number))
    assert (shown["tenant"], shown["reason"], shown["payload"]) == (None, "Malformed", "anVuaw==")
    assert (await boss.get(f"{PARKED}/{number}")).status == 404
    assert await admin(gateway, "drop", number) == f"parked message {number} is dropped"
    assert "there is no parked message" in await admin(gateway, "drop", number, code=1)
