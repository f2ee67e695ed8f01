"""A gateway as a process of its own, between a real bus and a real database, and callers of it."""

import json
import secrets
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
from pydantic import SecretStr

from dev.mongo import MongoServer
from dev.processes import ChildProcess
from services.gateway.domain.access import token_digest
from shared.contracts.registry import ClusterRecord, Role, TokenRecord
from shared.runtime.settings import StoreSettings
from shared.sealing import SealingKey, generate, public_key_of
from shared.store import archive, projections
from shared.store.database import Database
from shared.store.registry import Registry
from tests.support.bus import BusStack, bus_stack
from tests.support.conditions import until

_TIMEOUT = aiohttp.ClientTimeout(total=20)
YAML = {"Content-Type": "application/yaml"}


@dataclass(frozen=True)
class Answer:
    """What the gateway answered."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def body(self) -> Any:
        """The JSON."""
        return json.loads(self.text)


@dataclass(frozen=True)
class Event:
    """One server-sent event."""

    name: str
    id: str
    data: Any


class Caller:
    """Somebody with a token."""

    def __init__(self, base: str, token: str | None) -> None:
        self.base = base
        self.headers = {} if token is None else {"Authorization": f"Bearer {token}"}

    async def call(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, data: Any = None
    ) -> Answer:
        """Send a request and return the whole answer."""
        async with (
            aiohttp.ClientSession(self.base, timeout=_TIMEOUT) as session,
            session.request(method, path, headers={**self.headers, **(headers or {})}, data=data) as response,
        ):
            return Answer(response.status, response.headers.copy(), await response.text())

    async def get(self, path: str) -> Answer:
        """Read."""
        return await self.call("GET", path)

    async def apply(self, document: Any, *, query: str = "", headers: Mapping[str, str] | None = None) -> Answer:
        """Send a document."""
        data = BytesIO(json.dumps(document).encode() if isinstance(document, dict) else document)
        return await self.call("POST", f"/api/v1/applications{query}", headers={**YAML, **(headers or {})}, data=data)

    @asynccontextmanager
    async def events(self, run: str, *, after: int | None = None) -> AsyncIterator[AsyncGenerator[Event, None]]:
        """Follow a run."""
        headers = {**self.headers, **({} if after is None else {"Last-Event-ID": str(after)})}
        async with (
            aiohttp.ClientSession(self.base, timeout=_TIMEOUT) as session,
            session.get(f"/api/v1/runs/{run}/events", headers=headers) as response,
        ):
            assert response.status == 200, await response.text()
            assert response.content_type == "text/event-stream"
            yield _events(response)


async def _events(response: aiohttp.ClientResponse) -> AsyncGenerator[Event, None]:
    fields: dict[str, str] = {}
    # Lines of a state may be long.
    pending = b""
    async for chunk in response.content.iter_any():
        pending += chunk
        *lines, pending = pending.split(b"\n")
        for line in lines:
            name, _, value = line.decode().partition(": ")
            if line:
                fields[name] = value
            elif "data" in fields:
                yield Event(fields["event"], fields.get("id", ""), json.loads(fields["data"]))
                fields = {}
            else:
                fields = {}


class GatewayStack:
    """Bus, database and gateway; every test makes a tenant of its own in it."""

    def __init__(self, directory: Path, mongodb: MongoServer, bus: BusStack, env: Mapping[str, str]) -> None:
        self.mongodb = mongodb
        self.bus = bus
        self.database = Database.connect(StoreSettings(mongodb_uri=SecretStr(mongodb.uri)))
        self.registry = Registry(self.database)
        self.sealing_keys: dict[str, SealingKey] = {}
        self._port_file = directory / "port"
        self._mark_key = directory / "mark.key"
        self._mark_key.write_text(secrets.token_hex(32), encoding="ascii")
        self.env = {
            "KUBEMIN_MONGODB_URI": mongodb.uri,
            "KUBEMIN_NATS_CREDENTIALS_FILE": str(bus.accounts / "gateway.json"),
            "KUBEMIN_SEALING_MARK_KEY_FILE": str(self._mark_key),
            "KUBEMIN_HTTP_PORT": "0",
            "KUBEMIN_HTTP_PORT_FILE": str(self._port_file),
            "KUBEMIN_KEEP_ALIVE_S": "0.2",
            **env,
        }
        self.process = ChildProcess(
            "gateway",
            [sys.executable, "-m", "services.gateway"],
            log_path=directory / "gateway.log",
            env=self.env,
        )

    @property
    def url(self) -> str:
        """Where the gateway listens."""
        return f"http://127.0.0.1:{self._port_file.read_text(encoding='ascii').strip()}"

    @property
    def log(self) -> str:
        """Everything that the gateway has logged."""
        return self.process.log_path.read_text(encoding="utf-8")

    async def start(self) -> None:
        """Start the gateway and wait until it is ready."""
        self._port_file.unlink(missing_ok=True)
        await self.process.start()
        await until(self._listens, timeout_s=60)
        await self.ready()

    async def ready(self) -> None:
        """Wait until it is connected to all that it needs."""
        await until(self._ready, timeout_s=30)

    async def prepare(self) -> None:
        """Ensure what other services ensure, and register two clusters."""
        await self.database.ensure((*archive.INDEXES, *projections.INDEXES))
        for name in ("east", "west"):
            key = self.sealing_keys[name] = generate()
            record = ClusterRecord(
                name=name, default=name == "east", sealing_key=public_key_of(key), created_at=datetime.now(UTC)
            )
            await self.registry.add_cluster(record)

    async def tenant(self) -> str:
        """Make a tenant; its only namespace is `<tenant>-dev`."""
        name = f"t{uuid4().hex[:8]}"
        await self.registry.add_tenant(name, [f"{name}-dev"])
        return name

    async def token(self, tenant: str, role: Role = Role.DEPLOYER, **fields: Any) -> str:
        """Make a token."""
        plain = secrets.token_urlsafe(16)
        await self.registry.add_token(
            TokenRecord(
                digest=token_digest(plain),
                name=fields.pop("name", f"{role}-{uuid4().hex[:6]}"),
                tenant=tenant,
                role=role,
                created_at=datetime.now(UTC),
                **fields,
            )
        )
        return plain

    def caller(self, token: str | None) -> Caller:
        """Somebody with that token."""
        return Caller(self.url, token)

    async def close(self) -> None:
        """Stop the gateway."""
        self.database.close()
        await self.process.stop()

    def _listens(self) -> bool:
        self.process.check()
        return self._port_file.exists()

    async def _ready(self) -> bool:
        self.process.check()
        return (await self.caller(None).get("/readyz")).status == 200


@asynccontextmanager
async def gateway_stack(directory: Path, **env: str) -> AsyncIterator[GatewayStack]:
    """Run all of it, with these settings of the gateway besides."""
    async with MongoServer(directory / "mongodb") as mongodb, bus_stack(directory / "nats", "east", "west") as bus:
        stack = GatewayStack(directory, mongodb, bus, env)
        try:
            await stack.prepare()
            await stack.start()
            yield stack
        finally:
            await stack.close()
