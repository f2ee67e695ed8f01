"""What happens around every request: its log line and metrics, its errors as problems, and who is calling."""

import time
from uuid import uuid4

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from services.gateway.domain.access import Principal
from services.gateway.domain.refusals import Forbidden
from services.gateway.web import problems, requests
from services.gateway.web.authentication import Authenticator
from services.gateway.web.operations import BY_ID
from services.gateway.web.requests import PRINCIPAL
from shared.errors import Rejected, Retryable
from shared.logging import bound, get_logger
from shared.metrics import Metrics
from shared.runtime import trace

logger = get_logger(__name__)

PUBLIC_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})
"""Of the process itself, not of the API; they tell nothing about any tenant."""
_SECURITY_HEADERS = {"X-Content-Type-Options": "nosniff"}


def observed(metrics: Metrics) -> Middleware:
    """One log line and the metrics of each request."""
    labels = ("route", "method")
    requests = metrics.counter("gateway_requests", "Requests by route, method and status", (*labels, "status"))
    durations = metrics.histogram("gateway_request_seconds", "Seconds to answer, streams apart", labels)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        started_s = time.monotonic()
        request_id = uuid4().hex
        trace.adopt(request.headers.get("traceparent"))
        route = _route(request)
        status = 499
        with bound(request=request_id):
            try:
                response = await handler(request)
                status = response.status
            finally:
                duration_s = time.monotonic() - started_s
                requests.labels(route, request.method, status).inc()
                operation = BY_ID.get(request.match_info.route.name or "")
                if operation is None or not operation.events:
                    durations.labels(route, request.method).observe(duration_s)
                if request.path not in PUBLIC_PATHS:
                    _log(request, route, status, duration_s)
        if not response.prepared:
            response.headers["X-Request-Id"] = request_id
            response.headers.update(_SECURITY_HEADERS)
        return response

    return middleware


@web.middleware
async def translated(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors become problem documents; what is nobody's fault but ours is told in the log alone."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        return problems.of_http(error, request.path)
    except Rejected as error:
        return problems.of_rejected(error, request.path)
    except Retryable as error:
        logger.warning("request_unavailable", error=str(error))
        return problems.of_retryable(error, request.path)
    except ConnectionError:
        # The client has gone in the middle of its own request; nobody reads this.
        return problems.internal(request.path)
    except Exception:
        logger.exception("request_failed")
        return problems.internal(request.path)


def bounded(answer_timeout_s: float) -> Middleware:
    """No caller waits for ever, whatever is slow behind us; live streams are bounded until they begin."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        async with requests.answered_within(request, answer_timeout_s):
            return await handler(request)

    return middleware


def authenticated(authenticator: Authenticator) -> Middleware:
    """No token, no answer: also not that there is nothing at a path."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        operation = BY_ID.get(request.match_info.route.name or "")
        public = operation.permission is None if operation is not None else _is_public(request)
        if public:
            return await handler(request)
        principal = await authenticator.principal(request.headers.get("Authorization"))
        if principal is None:
            return problems.unauthenticated(request.path)
        request[PRINCIPAL] = principal
        with bound(tenant=principal.tenant, actor=principal.actor):
            _check(principal, request)
            return await handler(request)

    return middleware


def _check(principal: Principal, request: web.Request) -> None:
    operation = BY_ID.get(request.match_info.route.name or "")
    if operation is not None and operation.permission is not None and not principal.may(operation.permission):
        raise Forbidden(principal.role, operation.permission)


def _is_public(request: web.Request) -> bool:
    return request.path in PUBLIC_PATHS and request.match_info.http_exception is None


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    # Never the path itself: anybody could make any number of those.
    return resource.canonical if resource is not None else "none"


def _log(request: web.Request, route: str, status: int, duration_s: float) -> None:
    principal: Principal | None = request.get(PRINCIPAL)
    logger.info(
        "request",
        method=request.method,
        route=route,
        status=status,
        duration_s=round(duration_s, 4),
        remote=request.remote,
        tenant=principal.tenant if principal else None,
        actor=principal.actor if principal else None,
        **{key: value for key, value in request.match_info.items() if key in {"namespace", "app", "run"}},
    )
