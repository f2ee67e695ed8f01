"""One authenticated connection pool to an API server: raw requests in, JSON or typed errors out.

Only the loader, the configuration and the REST session of `kubernetes.aio` are used: its typed clients are slow to
import and to parse.
"""

import asyncio
import json
import math
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

import aiohttp
import yaml
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.config import ConfigException, kube_config, load_incluster_config, load_kube_config
from multidict import CIMultiDict

from shared.errors import EXIT_MISCONFIGURED, Fatal
from shared.kube.errors import ApiUnavailable, Forbidden, KubeError, TooManyRequests, Unauthorized, from_status
from shared.kube.kinds import Object

_CONNECT_TIMEOUT_S = 5.0
_RELOAD_AT_MOST_EVERY_S = 10.0
"""After a 401 the kubeconfig is read again: tokens expire, certificates and what exec plugins give are short-lived."""
_USER_AGENT = "kubemin"
_REST_AT_MOST_S = 60.0
"""However long the server asks for: what it says in a bad moment must not blind us for hours."""

# The library's own functions are not annotated.
_load_kube_config: Any = load_kube_config
_load_incluster_config: Any = load_incluster_config
_remove_temporary_files: Any = kube_config._cleanup_temp_files  # noqa: SLF001  # see `open`; there is no public way


class KubeconfigInvalid(Fatal):
    """The kubeconfig cannot be used, or there is none in this pod."""

    def __init__(self, source: str, problem: str) -> None:
        self.source = source
        self.problem = problem
        super().__init__(f"{source}: {problem}", exit_code=EXIT_MISCONFIGURED)


class Impersonation(NamedTuple):
    """Whom a request acts as; the API server checks that we may."""

    user: str
    groups: tuple[str, ...] = ()

    @classmethod
    def service_account(cls, namespace: str, name: str) -> Self:
        """A service account.

        Without groups: Kubernetes then adds the account's own, and we need no right to impersonate groups, which RBAC
        could not restrict to those of service accounts.
        """
        return cls(f"system:serviceaccount:{namespace}:{name}")


class Request(NamedTuple):
    """One call to the API server."""

    method: str
    path: str
    query: Mapping[str, str] = {}
    body: Object | None = None
    content_type: str = "application/json"
    accept: str = "application/json"
    acting_as: Impersonation | None = None


class Connection:
    """A pool of HTTP connections with the credentials of one kubeconfig context or of the pod."""

    def __init__(self, kubeconfig: str, context: str, *, user_agent: str = _USER_AGENT) -> None:
        """Nothing is read before `open`."""
        self._kubeconfig = kubeconfig
        self._context = context
        self._user_agent = user_agent
        self._resting_until = -math.inf
        self._resting_words = ""
        self._client: Any = None
        self._retired: Any = None
        self._loaded_at = 0.0
        self._reloaded_at = -math.inf
        self._reloading = asyncio.Lock()

    @property
    def source(self) -> str:
        """Where the credentials come from, for messages."""
        return f"kubeconfig {self._kubeconfig}" if self._kubeconfig else "service account of the pod"

    async def open(self) -> None:
        """Read the credentials; raises KubeconfigInvalid."""
        configuration = Configuration()
        try:
            if self._kubeconfig:
                await _load_kube_config(
                    config_file=self._kubeconfig,
                    context=self._context or None,
                    client_configuration=configuration,
                    persist_config=False,
                )
            else:
                _load_incluster_config(client_configuration=configuration)
            # The number of calls is bounded by whoever makes them; watches hold a connection each.
            configuration.connection_pool_maxsize = 0
            self._client = ApiClient(configuration)
        except (ConfigException, OSError, ValueError, TypeError, AttributeError, yaml.YAMLError) as error:
            # YAML errors have several lines.
            raise KubeconfigInvalid(self.source, " ".join(str(error).split())) from error
        finally:
            # Keys that stood in the kubeconfig itself were written to files for OpenSSL, which has read them by now.
            _remove_temporary_files()
        self._loaded_at = time.monotonic()

    async def close(self) -> None:
        """Close every connection."""
        for client in (self._retired, self._client):
            if client is not None:
                await client.close()

    async def call(self, request: Request, *, timeout_s: float) -> Object:
        """Make the call and return the JSON of a successful answer; raises KubeError."""
        try:
            return await self._call(request, timeout_s)
        except Unauthorized:
            if not await self._reload():
                raise
            return await self._call(request, timeout_s)
        except Forbidden as error:
            await self.check_started(timeout_s=timeout_s, instead_of=str(error))
            raise

    async def check_started(self, *, timeout_s: float, instead_of: str) -> None:
        """Raise ApiUnavailable where the API server has just started: it denies everything until it knows the roles."""
        try:
            # Whoever may do nothing else may ask this: --authorization-always-allow-paths.
            async with self._response(Request("GET", "/readyz"), aiohttp.ClientTimeout(total=timeout_s)):
                return
        except ApiUnavailable as error:
            msg = f"the API server is not ready, so this may not be true: {instead_of}"
            raise ApiUnavailable(msg) from error
        except KubeError:
            # It does not say, so its answers count.
            return

    async def _call(self, request: Request, timeout_s: float) -> Object:
        timeout = aiohttp.ClientTimeout(total=timeout_s, connect=_CONNECT_TIMEOUT_S)
        async with self._response(request, timeout) as response:
            body = await response.read()
        try:
            parsed = json.loads(body)
        except ValueError as error:
            msg = f"{request.method} {request.path}: the answer is no JSON"
            raise ApiUnavailable(msg) from error
        if not isinstance(parsed, dict):
            msg = f"{request.method} {request.path}: the answer is no JSON object"
            raise ApiUnavailable(msg)
        return parsed

    @asynccontextmanager
    async def stream(self, request: Request, *, idle_timeout_s: float) -> AsyncIterator[AsyncIterator[bytes]]:
        """The chunks of a successful answer, as they come.

        A wait of more than `idle_timeout_s` for the next one raises ApiUnavailable, as does a broken connection.
        """
        timeout = aiohttp.ClientTimeout(total=None, connect=_CONNECT_TIMEOUT_S, sock_read=idle_timeout_s)
        try:
            async with self._response(request, timeout) as response:
                yield _chunks(request, response)
        except Unauthorized:
            await self._reload()
            raise

    @asynccontextmanager
    async def _response(self, request: Request, limits: aiohttp.ClientTimeout) -> AsyncIterator[aiohttp.ClientResponse]:
        self._check_resting()
        client = self._open_client()
        url = client.configuration.host + request.path
        if request.query:
            url += "?" + urlencode(request.query)
        try:
            answer = await client.rest_client.request(
                request.method,
                url,
                headers=await _headers(client.configuration, request, self._user_agent),
                body=request.body,
                _request_timeout=limits,
            )
            async with answer.response as response:
                if response.status >= 300:
                    error = from_status(response.status, await response.read(), response.headers)
                    self._rest(error)
                    raise error
                yield response
        except (aiohttp.ClientError, TimeoutError, OSError, ssl.SSLError) as error:
            raise _unavailable(request, error) from error

    def _rest(self, error: KubeError) -> None:
        """Leave the server alone for as long as it asked for."""
        asked_s = getattr(error, "retry_after_s", None)
        if asked_s:
            self._resting_until = max(self._resting_until, time.monotonic() + min(asked_s, _REST_AT_MOST_S))
            self._resting_words = str(error)

    def _check_resting(self) -> None:
        left_s = self._resting_until - time.monotonic()
        if left_s > 0:
            # The same words as before: whoever passes them on has nothing new to tell.
            raise TooManyRequests(self._resting_words, retry_after_s=left_s)

    def _open_client(self) -> Any:
        if self._client is None:
            msg = "the connection to the Kubernetes API is not open"
            raise RuntimeError(msg)
        return self._client

    async def _reload(self) -> bool:
        """Read the credentials again, unless that was just done; returns whether they were."""
        asked_at = time.monotonic()
        async with self._reloading:
            if self._loaded_at > asked_at:
                return True
            if asked_at - self._reloaded_at < _RELOAD_AT_MOST_EVERY_S:
                return False
            retired, old = self._retired, self._client
            self._reloaded_at = asked_at
            try:
                await self.open()
            except KubeconfigInvalid as error:
                # A kubeconfig that is being replaced at this moment; the old credentials are tried again.
                raise Unauthorized(str(error)) from error
            # Calls in flight may still use the last one.
            self._retired = old
            if retired is not None:
                await retired.close()
            return True


async def _chunks(request: Request, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.content.iter_any():
            yield chunk
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise _unavailable(request, error) from error


async def _headers(configuration: Configuration, request: Request, user_agent: str) -> CIMultiDict[str]:
    headers = CIMultiDict(
        {"Accept": request.accept, "Content-Type": request.content_type, "User-Agent": user_agent},
    )
    # Reads the pod's token file again, at most once a minute.
    authorization = await configuration.get_api_key_with_prefix("BearerToken")
    if authorization:
        headers["Authorization"] = authorization
    if request.acting_as is not None:
        headers["Impersonate-User"] = request.acting_as.user
        for group in request.acting_as.groups:
            headers.add("Impersonate-Group", group)
    return headers


def _unavailable(request: Request, error: Exception) -> ApiUnavailable:
    what = "no answer in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
    return ApiUnavailable(f"{request.method} {request.path}: {what}")
