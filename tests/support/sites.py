"""A web server with files, for what is fetched from web addresses."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@dataclass
class Site:
    """A web server with files, of which those below `/allowed/` may be fetched."""

    base: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    """By path."""
    asked: list[str] = field(default_factory=list)
    """Paths, in the order of the requests."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer as the last part of the path says, or with a file."""
        self.asked.append(request.path)
        match request.path.rpartition("/")[2]:
            case "redirect":
                raise web.HTTPFound("/allowed/objects.yaml")
            case "slow":
                response = web.StreamResponse()
                await response.prepare(request)
                # It hangs until the other side goes away.
                await asyncio.wait_for(asyncio.Event().wait(), 30)
            case "busy":
                raise web.HTTPServiceUnavailable
            case "compressed":
                return web.Response(body=b"never unpacked", headers={"Content-Encoding": "gzip"})
        if request.path not in self.files:
            raise web.HTTPNotFound
        return web.Response(body=self.files[request.path])

    def has(self, name: str, *documents: Any) -> str:
        """Let there be a file that may be fetched; its address."""
        content = (
            documents[0] if isinstance(documents[0], bytes) else "\n---\n".join(map(json.dumps, documents)).encode()
        )
        self.files[f"/allowed/{name}"] = content
        return self.url(name)

    @property
    def allowed(self) -> str:
        """The prefix of what may be fetched."""
        return self.url("")

    def forget(self) -> None:
        """Let there be nothing, asked for by nobody."""
        self.files.clear()
        self.asked.clear()

    def url(self, name: str) -> str:
        """The address of what may be fetched."""
        return f"{self.base}/allowed/{name}"


@asynccontextmanager
async def serving() -> AsyncIterator[Site]:
    """A server on a free port of loopback."""
    site = Site()
    application = web.Application()
    application.router.add_get("/{path:.*}", site.answer)
    runner = web.AppRunner(application, shutdown_timeout=0.1)
    await runner.setup()
    try:
        listening = web.TCPSite(runner, "127.0.0.1", 0)
        await listening.start()
        [(_, port)] = [address[:2] for address in runner.addresses]
        site.base = f"http://127.0.0.1:{port}"
        yield site
    finally:
        await runner.cleanup()
