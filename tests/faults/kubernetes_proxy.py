"""A reverse proxy before any API server, which counts requests and misbehaves on request.

It stands for one identity, that of the kubeconfig context it was made from: whoever has the kubeconfig that it serves
is that identity and no other, and impersonation passes through, so that RBAC decides as if it were not there.
"""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from shared.kube.connection import Connection
from tests.faults.kubernetes_calls import Call, Calls
from tests.faults.kubernetes_weather import FAIR, Fault, Sink, Stream, broken, status_of

_LOOPBACK = "127.0.0.1"
_CONNECT_TIMEOUT_S = 5.0
_SHUTDOWN_S = 0.2
_CALL_TIMEOUT_S = 60.0
_BETWEEN_NEIGHBOURS = frozenset(
    {"authorization", "connection", "content-length", "host", "keep-alive", "te", "trailer", "transfer-encoding"}
)


class KubernetesProxy:
    """Passes everything on, but for what the present fault says."""

    def __init__(self, kubeconfig: Path, context: str = "", *, directory: Path) -> None:
        """`directory` is where its own kubeconfig goes."""
        self._upstream = Connection(str(kubeconfig), context)
        self._token = secrets.token_urlsafe(32)
        self._exit = AsyncExitStack()
        self._session: aiohttp.ClientSession | None = None
        self._group: asyncio.TaskGroup | None = None
        self._streams: dict[Stream, Call] = {}
        self._fault: Fault = FAIR
        self._authorization = ""
        self.kubeconfig = directory / "kubeconfig"
        self.calls = Calls()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await self._upstream.open()
            stack.push_async_callback(self._upstream.close)
            self._authorization = await self._client.configuration.get_api_key_with_prefix("BearerToken") or ""
            connector = aiohttp.TCPConnector(limit=0, ssl=self._client.rest_client.ssl_context)
            timeout = aiohttp.ClientTimeout(total=None, connect=_CONNECT_TIMEOUT_S)
            self._session = await stack.enter_async_context(
                aiohttp.ClientSession(connector=connector, timeout=timeout, auto_decompress=False)
            )
            self._group = await stack.enter_async_context(asyncio.TaskGroup())
            # A client that gives up ends its watch; what changes something goes on, as it would behind any proxy.
            server = web.Server(self._serve, access_log=None, handler_cancellation=True)
            runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN_S)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, _LOOPBACK, 0).start()
            _write(self.kubeconfig, _config(f"http://{_LOOPBACK}:{runner.addresses[0][1]}", self._token))
            self._exit = stack.pop_all()
        return self

    async def __aexit__(self, *exc: object) -> None:
        for stream in self._streams:
            stream.put(None)
        await self._exit.aclose()

    @asynccontextmanager
    async def weather(self, fault: Fault) -> AsyncIterator[Fault]:
        """Misbehave for as long as the block lasts; watches that are open are struck at its begin."""
        self._fault = fault
        for stream, call in list(self._streams.items()):
            if fault.concerns(call):
                stream.strike(fault)
        try:
            yield fault
        finally:
            self._fault = FAIR
            fault.over.set()

    @property
    def _client(self) -> Any:
        return self._upstream._open_client()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("Authorization") != f"Bearer {self._token}":
            return web.json_response(status_of(401, "Unauthorized", "this is not the proxy's token"), status=401)
        call = Call.of(request)
        self.calls.note(call)
        fault = self._fault if self._fault.concerns(call) else FAIR
        try:
            answer = await fault.instead(call, request)
            if answer is None:
                answer = await (self._watch if call.verb == "watch" else self._call)(request, call, fault)
        except (aiohttp.ClientError, OSError):
            # The API server is away: for the client the same as a broken connection.
            return broken(request)
        call.answered(answer.status)
        return answer

    async def _call(self, request: web.BaseRequest, call: Call, fault: Fault) -> web.StreamResponse:
        """Answer anything but a watch. What was sent arrives, also when its sender does not wait for it any more."""
        body = await request.content.read()

        async def late() -> web.StreamResponse | aiohttp.ClientError | OSError:
            await fault.hold()
            try:
                async with asyncio.timeout(_CALL_TIMEOUT_S), self._upstream_call(request, body) as upstream:
                    answer = await upstream.read()
                    call.answered(upstream.status)
                    return web.Response(status=upstream.status, headers=_passed(upstream.headers), body=answer)
            except (aiohttp.ClientError, OSError) as error:
                return error

        assert self._group is not None
        answer = await asyncio.shield(self._group.create_task(late(), name=f"{call.verb} {call.resource}"))
        if not isinstance(answer, web.StreamResponse):
            raise answer
        return answer

    async def _watch(self, request: web.BaseRequest, call: Call, fault: Fault) -> web.StreamResponse:
        await fault.hold()
        async with self._upstream_call(request, b"") as upstream:
            if upstream.status != 200:
                return web.Response(
                    status=upstream.status, headers=_passed(upstream.headers), body=await upstream.read()
                )
            response = web.StreamResponse(headers=_passed(upstream.headers))
            response.enable_chunked_encoding()
            await response.prepare(request)
            call.answered(upstream.status)
            stream = Stream(self._fault if self._fault.concerns(call) else FAIR)
            self._streams[stream] = call
            try:
                async with asyncio.TaskGroup() as group:
                    reading = group.create_task(_read(upstream, stream, Sink(request, response)))
                    await stream.pump(Sink(request, response))
                    reading.cancel()
            finally:
                del self._streams[stream]
            return response

    def _upstream_call(self, request: web.BaseRequest, body: bytes) -> Any:
        assert self._session is not None
        url = URL(self._client.configuration.host + request.raw_path, encoded=True)
        headers = _passed(request.headers)
        if self._authorization:
            headers["Authorization"] = self._authorization
        return self._session.request(request.method, url, headers=headers, data=body or None)


async def _read(upstream: aiohttp.ClientResponse, stream: Stream, sink: Sink) -> None:
    try:
        pending = b""
        async for chunk in upstream.content.iter_any():
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                stream.put(line + b"\n")
        stream.put(None)
    except (aiohttp.ClientError, OSError):
        sink.abort()
        stream.put(None)


def _passed(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """The headers without those that are between neighbours."""
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _BETWEEN_NEIGHBOURS)


def _config(server: str, token: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "proxied", "cluster": {"server": server}}],
        "users": [{"name": "proxied", "user": {"token": token}}],
        "contexts": [{"name": "proxied", "context": {"cluster": "proxied", "user": "proxied"}}],
        "current-context": "proxied",
    }


def _write(path: Path, config: dict[str, Any]) -> None:
    """Whole or not at all, and for its owner alone: it holds a token."""
    draft = path.with_suffix(".new")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(config, indent=2), encoding="utf-8")
    draft.replace(path)
