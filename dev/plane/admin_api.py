"""The API server as its administrator sees it: raw paths, plain dicts."""

import json
import ssl
from collections.abc import Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Any, Self

import aiohttp

from dev.plane.pki import Pki

_TIMEOUT_S = 10.0


class ApiError(Exception):
    """The API server answered with an error."""

    def __init__(self, method: str, path: str, status: int, body: str) -> None:
        self.status = status
        self.body = body
        super().__init__(f"{method} {path} answered {status}: {body}")


class AdminApi:
    """Speaks to one API server with the administrator's certificate; use it as a context manager, or close it."""

    def __init__(self, server: str, pki: Pki) -> None:
        self._tls = ssl.create_default_context(cafile=str(pki.ca_certificate))
        self._tls.load_cert_chain(pki.admin_certificate, pki.admin_key)
        self._session = aiohttp.ClientSession(server, timeout=aiohttp.ClientTimeout(_TIMEOUT_S))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def text(
        self,
        method: str,
        path: str,
        *,
        body: Mapping[str, Any] | None = None,
        params: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> str:
        """Send a request and return the answer's body as it came.

        Raises:
            ApiError: for any status of 400 and above.
            aiohttp.ClientError: when the server does not answer.
            TimeoutError: when it takes longer than 10 s.

        """
        async with self._session.request(
            method,
            path,
            json=body,
            params=params,
            headers={"Content-Type": content_type},
            ssl=self._tls,
        ) as response:
            text = await response.text()
            if response.status >= HTTPStatus.BAD_REQUEST:
                raise ApiError(method, path, response.status, text)
            return text

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> Any:
        """Return an object, or a list of them."""
        return _parse(await self.text("GET", path, params=params))

    async def create(self, path: str, body: Mapping[str, Any]) -> Any:
        """Create an object in the collection at `path`."""
        return _parse(await self.text("POST", path, body=body))

    async def ensure(self, path: str, body: Mapping[str, Any]) -> None:
        """Create an object unless one of that name is there already."""
        try:
            await self.create(path, body)
        except ApiError as error:
            if error.status != HTTPStatus.CONFLICT:
                raise

    async def merge(self, path: str, patch: Mapping[str, Any]) -> Any:
        """Change an object by a JSON merge patch (RFC 7396)."""
        return _parse(await self.text("PATCH", path, body=patch, content_type="application/merge-patch+json"))

    async def delete(self, path: str) -> Any:
        """Delete an object, or all in a collection; the dependents go in the background."""
        return _parse(await self.text("DELETE", path, params={"propagationPolicy": "Background"}))


def _parse(text: str) -> Any:
    return json.loads(text)
