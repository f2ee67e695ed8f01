"""The gateway's HTTP API, as calls: every one has a timeout, and every way to fail is one of ours."""

import json
import ssl
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from importlib import metadata
from types import TracebackType
from typing import Generic, Self, TypeVar
from urllib.request import getproxies, proxy_bypass

import aiohttp
from pydantic import BaseModel, ValidationError
from yarl import URL

from cli.context import Target
from cli.failures import NotAGateway, NotAuthenticated, Refused, Unavailable, Unreachable
from cli.repeating import repeated
from cli.sse import ServerEvent, SseParser
from shared.contracts.api import (
    ApplicationPage,
    ApplyResult,
    CancelRequest,
    ClusterPage,
    Conversion,
    KeyRotation,
    ParkedPage,
    ParkedSummary,
    ParkedView,
    Problem,
    ReplayResult,
    RevisionPage,
)
from shared.contracts.catalogue import TypePage, TypeView
from shared.contracts.kinds import TypeKind
from shared.contracts.views import ApplicationView, PlanView, RunView

_CONNECT_S = 5.0
_ANSWER_S = 60.0
"""Of a whole call: the largest documents take the gateway seconds to plan."""
_SILENCE_S = 45.0
"""Of a stream: three of its keep-alives."""
_PAGE = 200
_LOOPBACK = ("127.0.0.1", "::1", "localhost")

Model = TypeVar("Model", bound=BaseModel)
Page = TypeVar("Page", ApplicationPage, ParkedPage)


@dataclass(frozen=True)
class Answer(Generic[Model]):
    """What the gateway answered."""

    value: Model
    body: bytes
    """As it was sent, for `-o json`."""


class Client:
    """Talks to one gateway; an async context manager.

    Every call may raise Refused, NotAuthenticated, Unreachable, Unavailable and NotAGateway.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._server = str(target.server).rstrip("/")
        self._proxy = _proxy(target.server)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._target.token}", "User-Agent": f"kubemin/{own_version()}"},
            timeout=aiohttp.ClientTimeout(total=_ANSWER_S, sock_connect=_CONNECT_S),
            connector=aiohttp.TCPConnector(limit=0),
        )
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def apply(self, document: str, *, strict: bool = False) -> Answer[ApplyResult]:
        """Send a document; where it is strict, warnings refuse it."""
        return await self._change(ApplyResult, "POST", "applications", _strict(asked=strict), document=document)

    async def plan(self, document: str, *, strict: bool = False) -> Answer[PlanView]:
        """Ask what sending a document would do."""
        query = {"dryRun": "true"} | _strict(asked=strict)
        return await self._call(PlanView, "POST", "applications", query, document=document)

    async def convert(self, document: str, *, strict: bool = False) -> Answer[Conversion]:
        """Ask for a document as an OAM Application."""
        return await self._call(Conversion, "POST", "convert", _strict(asked=strict), document=document)

    async def applications(
        self, *, namespace: str | None = None, phases: Sequence[str] = ()
    ) -> Answer[ApplicationPage]:
        """Read all applications; where they take several pages, the body is the pages put together."""
        query = [("limit", str(_PAGE)), *(("phase", phase) for phase in phases)]
        query += [("namespace", namespace)] if namespace else []
        return await self._pages(ApplicationPage, "applications", query)

    async def application(self, namespace: str, name: str) -> Answer[ApplicationView]:
        """Read one application."""
        return await self._call(ApplicationView, "GET", f"applications/{namespace}/{name}")

    async def delete(self, namespace: str, name: str) -> Answer[ApplyResult]:
        """Ask for an application's deletion."""
        return await self._change(ApplyResult, "DELETE", f"applications/{namespace}/{name}")

    async def revisions(self, namespace: str, name: str) -> Answer[RevisionPage]:
        """Read which generations an application can be rolled back to."""
        return await self._call(RevisionPage, "GET", f"applications/{namespace}/{name}/revisions")

    async def rollback(self, namespace: str, name: str, generation: int) -> Answer[ApplyResult]:
        """Ask for the document of an earlier generation as a new one."""
        query = {"generation": str(generation)}
        return await self._change(ApplyResult, "POST", f"applications/{namespace}/{name}/rollback", query)

    async def plan_rollback(self, namespace: str, name: str, generation: int) -> Answer[PlanView]:
        """Ask what a rollback would do."""
        query = {"generation": str(generation), "dryRun": "true"}
        return await self._call(PlanView, "POST", f"applications/{namespace}/{name}/rollback", query)

    async def cancel(self, namespace: str, name: str, wanted: CancelRequest) -> Answer[ApplyResult]:
        """Ask for the end of a run."""
        body = wanted.model_dump_json(exclude_none=True)
        return await self._change(ApplyResult, "POST", f"applications/{namespace}/{name}/cancel", document=body)

    async def run(self, run: str) -> Answer[RunView]:
        """Read a run."""
        return await self._call(RunView, "GET", f"runs/{run}")

    async def clusters(self) -> Answer[ClusterPage]:
        """Read the registered clusters."""
        return await self._call(ClusterPage, "GET", "clusters")

    async def rotate_key(self, cluster: str) -> Answer[KeyRotation]:
        """Have secret values sealed for the newest key that the cluster holds."""
        return await self._change(KeyRotation, "POST", f"clusters/{cluster}/rotate-key")

    async def types(self, kind: TypeKind | None = None) -> Answer[TypePage]:
        """Read what documents can use."""
        return await self._call(TypePage, "GET", "types", {"kind": kind.value} if kind else {})

    async def type_view(self, name: str, kind: TypeKind | None = None) -> Answer[TypeView]:
        """Read everything about a type."""
        return await self._call(TypeView, "GET", f"types/{name}", {"kind": kind.value} if kind else {})

    async def parked_messages(self, *, consumer: str | None = None) -> Answer[ParkedPage]:
        """Read all messages that were set aside; where they take several pages, the body is the pages put together."""
        query = [("limit", str(_PAGE)), *([("consumer", consumer)] if consumer else [])]
        return await self._pages(ParkedPage, "parked", query)

    async def parked_message(self, number: int) -> Answer[ParkedView]:
        """Read one of them."""
        return await self._call(ParkedView, "GET", f"parked/{number}")

    async def replay(self, number: int) -> Answer[ReplayResult]:
        """Have its consumer take it again."""
        return await self._change(ReplayResult, "POST", f"parked/{number}/replay")

    async def drop(self, number: int) -> Answer[ParkedSummary]:
        """Remove it for good."""
        return await self._change(ParkedSummary, "DELETE", f"parked/{number}")

    async def events(self, run: str, stream: SseParser) -> AsyncGenerator[ServerEvent, None]:
        """Follow a run from where the parser is, until the server closes or the connection is lost (Unreachable).

        An event `open` comes first, as browsers have it: there is a connection, also where there is no news.
        """
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": stream.last_id} if stream.last_id else {})
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=_SILENCE_S)
        try:
            async with self._open.get(
                self._url(f"runs/{run}/events"),
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
                proxy=self._proxy,
            ) as response:
                if response.status != HTTPStatus.OK:
                    self._raise_for(response, await response.read())
                if response.content_type != "text/event-stream":
                    raise NotAGateway(self._server, f"{response.content_type} instead of events")
                yield ServerEvent("open", "", stream.last_id)
                async for chunk in response.content.iter_any():
                    for event in stream.feed(chunk):
                        yield event
        except (aiohttp.ClientError, OSError) as error:
            raise Unreachable(self._server, _cause(error, _SILENCE_S)) from error

    async def _pages(self, model: type[Page], path: str, query: Sequence[tuple[str, str]]) -> Answer[Page]:
        page = await self._call(model, "GET", path, query)
        token = page.value.continue_
        if token is None:
            return page
        items = json.loads(page.body)["items"]
        while token is not None:
            page = await self._call(model, "GET", path, [*query, ("continue", token)])
            items += json.loads(page.body)["items"]
            token = page.value.continue_
        body = json.dumps({"items": items, "continue": None}, separators=(",", ":"), ensure_ascii=False).encode()
        return Answer(model.model_validate_json(body, extra="ignore"), body)

    async def _change(
        self,
        model: type[Model],
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        document: str | None = None,
    ) -> Answer[Model]:
        """Ask for a change; again, where nobody can tell whether it was done."""
        return await repeated(
            lambda headers: self._call(model, method, path, query or {}, document=document, headers=headers)
        )

    async def _call(
        self,
        model: type[Model],
        method: str,
        path: str,
        query: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        *,
        document: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer[Model]:
        body_headers = {} if document is None else {"Content-Type": "application/yaml"}
        try:
            async with self._open.request(
                method,
                self._url(path).with_query(query),
                data=None if document is None else document.encode(),
                headers={**body_headers, **(headers or {})},
                allow_redirects=False,
                proxy=self._proxy,
            ) as response:
                body = await response.read()
        except (aiohttp.ClientError, OSError) as error:
            connected = not isinstance(error, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
            raise Unreachable(self._server, _cause(error, _ANSWER_S), connected=connected) from error
        if response.status not in _GOOD:
            self._raise_for(response, body)
        try:
            # What a newer gateway says more is passed over.
            return Answer(model.model_validate_json(body, extra="ignore"), body)
        except ValidationError as error:
            raise NotAGateway(self._server, f"it is no {model.__name__} that it sends") from error

    @property
    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise AssertionError("used outside its context")
        return self._session

    def _url(self, path: str) -> URL:
        # Slashes between the parts are ours; a name has none (checked where it is typed).
        return self._target.server / "api/v1" / path

    def _raise_for(self, response: aiohttp.ClientResponse, body: bytes) -> None:
        problem = _problem(response.status, response.content_type, body)
        if problem is None:
            location = response.headers.get("Location", "")
            redirected = f" (it redirects to {location})" if location else ""
            raise NotAGateway(self._server, f"HTTP {response.status}{redirected} without a problem document")
        if problem.status == HTTPStatus.UNAUTHORIZED:
            raise NotAuthenticated(self._server, token_source=self._target.token_source)
        if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR or problem.status in _LATER:
            raise Unavailable(self._server, problem, retry_after_s=_seconds(response.headers.get("Retry-After", "")))
        raise Refused(problem, body)


_GOOD = (HTTPStatus.OK, HTTPStatus.ACCEPTED)
_LATER = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)


def own_version() -> str:
    """The installed version of this command."""
    try:
        return metadata.version("kubemin")
    except metadata.PackageNotFoundError:
        return "unknown"


def _problem(status: int, content_type: str, body: bytes) -> Problem | None:
    if content_type == "application/problem+json":
        try:
            return Problem.model_validate_json(body, extra="ignore")
        except ValidationError:
            return None
    if status in (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT):
        # A proxy before the gateway says that there is none at the moment.
        return Problem(type="about:blank", title=HTTPStatus(status).phrase, status=status, code="Proxy")
    return None


def _seconds(text: str) -> float | None:
    return float(text) if text.isascii() and text.isdigit() else None


def _strict(*, asked: bool) -> dict[str, str]:
    return {"strict": "true"} if asked else {}


def _cause(error: Exception, timeout_s: float) -> str:
    """The library's errors in words; the order is from the special to the general."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            said = f"the host {error.host!r} has no address"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            said = f"TLS failed: {error}"
        case aiohttp.ClientConnectorError(os_error=ConnectionRefusedError()):
            said = "nothing listens there (connection refused)"
        case aiohttp.ConnectionTimeoutError():
            said = f"no connection within {_CONNECT_S:g} s"
        case TimeoutError():
            said = f"nothing came within {timeout_s:g} s"
        case aiohttp.ClientConnectorError():
            said = error.os_error.strerror or str(error.os_error)
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientPayloadError() | ConnectionError():
            said = "the connection was lost before the answer was complete"
        case _:
            said = str(error) or type(error).__name__
    return said


def _proxy(server: URL) -> str | None:
    """As the environment has it (HTTPS_PROXY, NO_PROXY), and never for this machine itself.

    Not aiohttp's own `trust_env`: that looks into ~/.netrc too, whose entries clash with our token.
    """
    host = server.host or ""
    if host in _LOOPBACK or proxy_bypass(host):
        return None
    return getproxies().get(server.scheme)
