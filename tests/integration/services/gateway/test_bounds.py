"""What one client may cost."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.integration.services.gateway.conftest import Team
from tests.support.gateway import GatewayStack, gateway_stack


@pytest.fixture(scope="module")
async def strict(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayStack]:
    """A gateway that has little patience."""
    settings = {"KUBEMIN_BODY_TIMEOUT_S": "1", "KUBEMIN_MAX_READERS": "1"}
    async with gateway_stack(tmp_path_factory.mktemp("strict"), **settings) as stack:
        yield stack


async def test_a_body_that_cannot_be_read_is_its_senders_mistake(gateway: GatewayStack, team: Team) -> None:
    host, port = gateway.url.removeprefix("http://").split(":")
    token = team.ann.headers["Authorization"]
    logged_before = len(gateway.log)
    line = (
        f"POST /api/v1/applications HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\nIdempotency-Key: {team.name}\r\n"
    )
    for headers, body, answered in (
        ("Content-Encoding: gzip\r\nContent-Length: 15", b"password=CANARY", b" 415 "),
        ("Transfer-Encoding: chunked", b"2\r\n{}\r\npassword=CANARY\r\n", b" 400 "),
    ):
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            # At once: a gateway that already waits for the rest of a body hears nothing of it until its time is over.
            writer.write(f"{line}{headers}\r\n\r\n".encode() + body)
            async with asyncio.timeout(20):
                assert answered in await reader.readline()
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
    logged = gateway.log[logged_before:]
    assert "request_failed" not in logged
    assert "CANARY" not in logged


async def test_a_body_that_never_comes_is_given_up(strict: GatewayStack) -> None:
    token = await strict.token(await strict.tenant())
    host, port = strict.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = ["POST /api/v1/applications HTTP/1.1", "Host: x", f"Authorization: Bearer {token}", "Content-Length: 9"]
    writer.write("\r\n".join([*head, "", ""]).encode())
    async with asyncio.timeout(20):
        status = await reader.readline()
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()
    assert status.startswith(b"HTTP/1.1 408 ")


async def test_live_readers_are_limited(strict: GatewayStack) -> None:
    name = await strict.tenant()
    team = Team(name, f"{name}-dev", strict.caller(await strict.token(name)))
    run = (await team.ann.apply(team.document())).body["run"]
    async with team.ann.events(run) as stream, asyncio.timeout(20):
        await anext(stream)
        refused = await team.ann.get(f"/api/v1/runs/{run}/events")
    assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
    assert "kubemin_gateway_readers" in (await strict.caller(None).get("/metrics")).text


async def test_a_large_document_does_not_stop_the_rest(team: Team) -> None:
    large = team.document("large")
    large["spec"]["components"] = [
        {"name": f"c{i}", "type": "worker", "properties": {"image": "nginx"}} for i in range(1000)
    ]
    slowest_s = 0.0
    loop = asyncio.get_running_loop()
    asked = loop.time()
    async with asyncio.TaskGroup() as group:
        applying = group.create_task(team.ann.apply(large))
        while not applying.done():
            began = loop.time()
            assert (await team.ann.get("/healthz")).status == 200
            slowest_s = max(slowest_s, loop.time() - began)
    assert applying.result().status == 202
    assert slowest_s < max(2, (loop.time() - asked) / 2), "on a busy machine all takes longer, the document too"
