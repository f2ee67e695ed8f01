"""Changes through a connection that breaks: the real gateway does them once, and the command gets the answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web
from yarl import URL

from cli.client import Client
from cli.context import Target
from cli.failures import Unavailable, Unreachable
from cli.repeating import HEADER, repeated
from dev.processes import free_ports
from shared.contracts.api import ApplyResult as _Result
from shared.contracts.registry import Role
from shared.store.applications import Applications
from tests.support.gateway import GatewayStack, gateway_stack


@dataclass
class LosesAnswers:
    """Hands requests on to the gateway, and breaks the connection instead of answering."""

    upstream: str
    lose: int
    keys: list[str] = field(default_factory=list)
    replayed: list[bool] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.keys.append(request.headers.get(HEADER, ""))
        kept = ("Authorization", "Content-Type", HEADER)
        headers = {name: request.headers[name] for name in kept if name in request.headers}
        async with (
            aiohttp.ClientSession(self.upstream) as session,
            session.request(request.method, request.rel_url, data=await request.read(), headers=headers) as answer,
        ):
            body = await answer.read()
        if len(self.keys) <= self.lose and request.transport is not None:
            request.transport.abort()
        self.replayed.append("Idempotent-Replayed" in answer.headers)
        return web.Response(status=answer.status, body=body, content_type=answer.content_type)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self.handle)
        runner = web.AppRunner(app)
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", port := free_ports(1)[0]).start()
            yield f"http://127.0.0.1:{port}"
        finally:
            await runner.cleanup()


@pytest.fixture(scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[GatewayStack]:
    async with gateway_stack(tmp_path_factory.mktemp("gateway")) as stack:
        yield stack


def a_document(namespace: str, image: str) -> str:
    made: dict[str, Any] = {
        "apiVersion": "core.oam.dev/v1beta1",
        "kind": "Application",
        "metadata": {"name": "app", "namespace": namespace},
        "spec": {"components": [{"name": "web", "type": "worker", "properties": {"image": image}}]},
    }
    return yaml.safe_dump(made)


async def test_a_change_whose_answer_was_lost_is_asked_for_again_and_done_once(gateway: GatewayStack) -> None:
    tenant = await gateway.tenant()
    token, namespace = await gateway.token(tenant, Role.DEPLOYER), f"{tenant}-dev"
    between = LosesAnswers(gateway.url, lose=2)
    async with between.serving() as url, Client(Target(server=URL(url), token=token, token_source="test")) as client:
        applied = await client.apply(a_document(namespace, "app:1"))
        assert applied.value.changed
        assert between.replayed == [False, True, True]
        assert len(set(between.keys)) == 1
        assert between.keys[0]
        again = await client.apply(a_document(namespace, "app:2"))
        assert again.value.application.generation == 2
        between.lose = len(between.keys) + 1
        assert (await client.delete(namespace, "app")).value.changed
    stored = await Applications(gateway.database).by_name(namespace, "app")
    assert stored is not None
    assert stored.record.generation == 3
    assert len(set(between.keys)) == 3, "a key of its own for each change"


async def test_what_cannot_be_done_now_is_done_when_the_gateway_says(gateway: GatewayStack) -> None:
    tenant = await gateway.tenant()
    token, namespace = await gateway.token(tenant, Role.DEPLOYER), f"{tenant}-dev"
    answers: list[str] = []

    async with Client(Target(server=URL(gateway.url), token=token, token_source="test")) as client:
        await client.applications()
        await gateway.mongodb.stop()

        async def ask(headers: dict[str, str]) -> bool:
            try:
                answer = await client._call(
                    _Result, "POST", "applications", document=a_document(namespace, "app:1"), headers=headers
                )
            except Unavailable:
                answers.append(headers[HEADER])
                if len(answers) == 1:
                    await gateway.mongodb.start()
                raise
            return answer.value.changed

        assert await repeated(ask)
    assert len(set(answers)) == 1


async def test_a_gateway_that_was_never_there_is_an_answer_at_once() -> None:
    async with Client(
        Target(server=URL(f"http://127.0.0.1:{free_ports(1)[0]}"), token="token", token_source="test")
    ) as client:
        with pytest.raises(Unreachable, match="nothing listens"):
            await client.delete("ns", "app")


async def test_patience_ends(gateway: GatewayStack) -> None:
    between = LosesAnswers(gateway.url, lose=1000)
    token = await gateway.token(await gateway.tenant())
    async with between.serving() as url, Client(Target(server=URL(url), token=token, token_source="test")) as client:
        with pytest.raises(Unreachable, match="connection was lost"):
            await repeated(lambda headers: client._call(_Result, "DELETE", "parked/1", headers=headers), patience_s=2)
    assert len(between.keys) >= 2
