"""Requests with an `Idempotency-Key`: done once, answered alike."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import assert_never
from uuid import uuid4

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from services.gateway.domain import idempotency
from services.gateway.domain.idempotency import IdempotencyKeyReused, Identified, RequestInProgress
from services.gateway.ports import AnswerStore
from services.gateway.web import requests
from services.gateway.web.operations import BY_ID
from shared.errors import Retryable
from shared.logging import get_logger
from shared.store.idempotency import InFlight, Reused, StoredAnswer, Taken

logger = get_logger(__name__)

_HEADER = "Idempotency-Key"
_REPLAYED = "Idempotent-Replayed"
_SAID_BY = ("If-Match", "If-None-Match")
_KEPT = ("Content-Type", "Cache-Control", "ETag")
_RETRY_AFTER_S = 1.0
_UNKNOWN = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
"""Besides 5xx: says nothing about the request itself."""


@dataclass(frozen=True, kw_only=True)
class Idempotent:
    """What the middleware needs."""

    store: AnswerStore
    secret: bytes
    """Keys the fingerprints."""
    body_timeout_s: float
    now: Callable[[], datetime]

    def middleware(self) -> Middleware:
        """Let a request with a key through once; what answers inside must not raise."""

        @web.middleware
        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            identified = await self._identify(request)
            if identified is None:
                return await handler(request)
            request[requests.REQUEST] = identified.request
            owner = uuid4().hex
            entry = await self.store.take(
                identified.id, fingerprint=identified.fingerprint, owner=owner, now=self.now()
            )
            match entry:
                case Taken():
                    return await self._work(request, handler, identified, owner)
                case StoredAnswer():
                    headers = {**entry.headers, _REPLAYED: "true"}
                    return web.Response(status=entry.status, body=entry.body, headers=headers)
                case Reused():
                    raise IdempotencyKeyReused
                case InFlight():
                    raise RequestInProgress(_RETRY_AFTER_S)
                case _:
                    assert_never(entry)

        return middleware

    async def _identify(self, request: web.Request) -> Identified | None:
        operation = BY_ID.get(request.match_info.route.name or "")
        if operation is None or not operation.changes or requests.flag(request, "dryRun"):
            return None
        key = idempotency.read_key(request.headers.getall(_HEADER, []))
        if key is None:
            return None
        body = await requests.body(request, timeout_s=self.body_timeout_s)
        parts = [request.method, request.path_qs, *(request.headers.get(name, "") for name in _SAID_BY)]
        return idempotency.identify(requests.principal(request).tenant, key, parts, body, secret=self.secret)

    async def _work(
        self, request: web.Request, handler: Handler, identified: Identified, owner: str
    ) -> web.StreamResponse:
        response = await handler(request)
        try:
            if _tells(response) and isinstance(response, web.Response):
                await self.store.answer(identified.id, owner, _stored(response))
            else:
                await self.store.give_back(identified.id, owner)
        except Retryable as error:
            # What was done is done; the same request finds it once the lease is over.
            logger.warning("answer_not_kept", error=str(error))
        return response


def _tells(response: web.StreamResponse) -> bool:
    return response.status < HTTPStatus.INTERNAL_SERVER_ERROR and response.status not in _UNKNOWN


def _stored(response: web.Response) -> StoredAnswer:
    headers = {name: response.headers[name] for name in _KEPT if name in response.headers}
    body = response.body if isinstance(response.body, bytes) else b""
    return StoredAnswer(status=response.status, headers=headers, body=body)
