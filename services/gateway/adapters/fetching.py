"""Files at web addresses, by HTTP."""

import asyncio
from http import HTTPStatus
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from services.gateway.domain.refusals import AddressSilent, FileRefused
from shared.contracts.reads import OBJECTS_LIMIT_BYTES
from shared.logging import get_logger

logger = get_logger(__name__)

WITHIN_S = 8.0
"""As a cluster has: a request has 30 s for everything."""
_PARALLEL = 8
_CHUNK_BYTES = 64 * 1024
_AGAIN_AFTER_S = 5.0
_PLAIN = "identity"
_PASSING = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
"""Beside those from 500 on, which are the server's trouble and not the document's."""


class WebFiles:
    """Fetches files; follows no redirects, unpacks nothing and knows no proxy, cookie or password."""

    def __init__(self, *, within_s: float = WITHIN_S) -> None:
        """A file takes `within_s` at most, the wait for its turn included."""
        self._within_s = within_s
        self._slots = asyncio.Semaphore(_PARALLEL)

    async def fetch(self, url: str) -> bytes:
        """Fetch a file exactly from this address; raises FileRefused and AddressSilent."""
        host = urlsplit(url).hostname or ""
        try:
            async with asyncio.timeout(self._within_s), self._slots:
                raw = await _fetched(url, host)
        except TimeoutError as error:
            raise _silent(host, f"it took longer than {self._within_s:g} s") from error
        except aiohttp.ClientError as error:
            # What exactly is in the way is the operator's affair; the query of an address may be a secret.
            logger.warning("address_silent", host=host, error=type(error).__name__)
            raise _silent(host, "no connection, or one that broke off") from error
        logger.info("file_fetched", host=host, size_bytes=len(raw))
        return raw


async def _fetched(url: str, host: str) -> bytes:
    async with (
        aiohttp.ClientSession(
            headers={"Accept-Encoding": _PLAIN}, auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None)
        ) as session,
        # The path has been compared as it stands; it is asked for as it stands.
        session.get(URL(url, encoded=True), allow_redirects=False) as response,
    ):
        _check(response, host)
        raw = bytearray()
        async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
            raw += chunk
            if len(raw) > OBJECTS_LIMIT_BYTES:
                raise FileRefused("ObjectsTooLarge", f"what is there is larger than {OBJECTS_LIMIT_BYTES} bytes")
        return bytes(raw)


def _check(response: aiohttp.ClientResponse, host: str) -> None:
    status = response.status
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING:
        raise _silent(host, f"it answers with HTTP status {status}")
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise FileRefused("UrlNotFetched", f"it answers with a redirect (HTTP status {status}), which is not followed")
    if status != HTTPStatus.OK:
        raise FileRefused("UrlNotFetched", f"it answers with HTTP status {status}")
    if response.headers.get("Content-Encoding", _PLAIN) != _PLAIN:
        raise FileRefused("UrlNotFetched", "it answers with something compressed, which was not asked for")


def _silent(host: str, why: str) -> AddressSilent:
    return AddressSilent(host, why, retry_after_s=_AGAIN_AFTER_S)
