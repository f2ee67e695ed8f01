"""A stand-in for the gateway: it speaks the documented HTTP API, and says what a test wants it to say.

The command line is tested against it alone; that both speak the same API is seen in `tests/e2e`, with the real gateway.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path

from aiohttp import web
from pydantic import BaseModel

from shared.contracts.api import Problem
from shared.contracts.plan import Finding

TOKEN = "a-token"
DOCUMENT = "kind: Application\nspec:\n  components:\n    - name: web\n      type: wep\n"
_TIMEOUT_S = 60


@dataclass
class Call:
    """A request that came."""

    method: str
    path: str
    body: str
    last_event_id: str | None


@dataclass
class Api:
    """What is answered: by method and path, one after another, the last one for ever."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    answers: dict[str, list[web.Response]] = field(default_factory=dict)
    streams: list[list[bytes]] = field(default_factory=list)
    """Of each connection to a run's events: what is sent before it is closed."""

    def on(self, route: str, *models: BaseModel | web.Response, status: int = 200) -> None:
        """Answer `METHOD /path` so."""
        self.answers[route] = [
            m
            if isinstance(m, web.Response)
            else web.Response(body=text(m), status=status, content_type="application/json")
            for m in models
        ]

    def paths(self, method: str = "GET") -> list[str]:
        """Where requests went."""
        return [call.path for call in self.calls if call.method == method]

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer a request."""
        body = await request.text()
        self.calls.append(Call(request.method, request.path_qs, body, request.headers.get("Last-Event-ID")))
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return problem(401, "Unauthenticated", title="A valid token is needed")
        if request.path.endswith("/events"):
            return await self._stream(request)
        queue = self.answers.get(f"{request.method} {request.path}")
        if not queue:
            return problem(404, "NotFound", detail=f"there is nothing at {request.path}")
        answer = queue[0] if len(queue) == 1 else queue.pop(0)
        copy = web.Response(body=answer.body, status=answer.status, content_type=answer.content_type)
        copy.headers.update({k: v for k, v in answer.headers.items() if k in ("Location", "Retry-After")})
        return copy

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        if not self.streams:
            return problem(503, "Unavailable", title="Not available at the moment")
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b"retry: 10\n\n")
        for frame in self.streams.pop(0):
            if frame == STAY:
                await asyncio.Event().wait()
            await response.write(frame)
        return response


STAY = b"stay"
"""In place of a frame: the stream says nothing more, and stays open."""


def text(model: BaseModel) -> bytes:
    """As the gateway writes it."""
    return model.model_dump_json(by_alias=True).encode()


def frame(name: str, model: BaseModel, n: int | None = None) -> bytes:
    """A server-sent event."""
    id_ = b"" if n is None else b"id: %d\n" % n
    return b"event: %s\n%sdata: %s\n\n" % (name.encode(), id_, text(model))


def problem(
    status: int,
    code: str,
    *findings: Finding,
    title: str = "",
    detail: str = "",
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """A problem document."""
    body = Problem(
        type=f"urn:kubemin:problem:{code}",
        title=title or HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        code=code,
        findings=findings,
    )
    return web.Response(body=text(body), status=status, content_type="application/problem+json", headers=headers)


@asynccontextmanager
async def serving(port: int = 0) -> AsyncIterator[Api]:
    """Serve on loopback."""
    api = Api()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", api.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    api.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield api
    finally:
        await runner.cleanup()


@dataclass(frozen=True)
class Result:
    """How a call of the command ended."""

    code: int | None
    out: str
    err: str


@dataclass
class Command:
    """`kubemin` as a process of its own, with a home of its own."""

    home: Path

    @property
    def config(self) -> Path:
        """Its configuration."""
        return self.home / "config.json"

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of whoever runs the tests."""
        return {"KUBEMIN_CONFIG": str(self.config), "HOME": str(self.home), "PATH": os.environ["PATH"]}

    def use(self, url: str, token: str = TOKEN) -> None:
        """Make that server the current context."""
        content = {"current": "test", "contexts": {"test": {"server": url, "token": token}}}
        self.config.write_text(json.dumps(content), encoding="utf-8")
        self.config.chmod(0o600)

    async def start(self, *arguments: str, stdin: bool = False) -> asyncio.subprocess.Process:
        """Start it."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "cli",
            *arguments,
            stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment,
        )

    async def __call__(self, *arguments: str, stdin: str | None = None) -> Result:
        """Run it to its end."""
        process = await self.start(*arguments, stdin=stdin is not None)
        return await ended(process, stdin)


async def ended(process: asyncio.subprocess.Process, stdin: str | None = None) -> Result:
    """Wait for the end; kills a process that does not come to one."""
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            out, err = await process.communicate(None if stdin is None else stdin.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Result(process.returncode, out.decode(), err.decode())


async def line_with(stream: asyncio.StreamReader | None, words: str) -> str:
    """Read until a line has the words."""
    assert stream is not None
    async with asyncio.timeout(_TIMEOUT_S):
        while line := (await stream.readline()).decode():
            if words in line:
                return line
    raise AssertionError(f"the output ended without {words!r}")
