"""Problem documents: what each of our errors is in HTTP. Source: RFC 9457."""

import math
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from aiohttp import web

from services.gateway.domain.idempotency import IdempotencyKeyInvalid, IdempotencyKeyReused, RequestInProgress
from services.gateway.domain.pages import ContinueInvalid
from services.gateway.domain.preconditions import PreconditionFailed, PreconditionInvalid
from services.gateway.domain.records import ApplicationDeleting
from services.gateway.domain.refusals import (
    AddressSilent,
    ChangedMeanwhile,
    ClusterSilent,
    DocumentUnreadable,
    Forbidden,
    NamespaceForbidden,
    NoNewSealingKey,
    NoRunUnderWay,
    NoSuchId,
    NotFound,
    RevisionUnknown,
    RunNotCurrent,
)
from shared.bus.parked import NoSuchMessage
from shared.bus.replaying import NotReplayable
from shared.contracts.api import Problem
from shared.contracts.dialect import DialectProblem
from shared.contracts.plan import Finding
from shared.errors import Rejected, Retryable
from shared.planning import DocumentRejected
from shared.store.registry import KeyChanged

MEDIA_TYPE = "application/problem+json"
_RETRY_AFTER_S = 2.0
_TOO_LARGE = "TooLarge"

_STATUS: dict[type[Rejected], HTTPStatus] = {
    ContinueInvalid: HTTPStatus.BAD_REQUEST,
    IdempotencyKeyInvalid: HTTPStatus.BAD_REQUEST,
    PreconditionInvalid: HTTPStatus.BAD_REQUEST,
    DocumentUnreadable: HTTPStatus.BAD_REQUEST,
    Forbidden: HTTPStatus.FORBIDDEN,
    NamespaceForbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    RevisionUnknown: HTTPStatus.NOT_FOUND,
    ChangedMeanwhile: HTTPStatus.CONFLICT,
    NoSuchId: HTTPStatus.NOT_FOUND,
    NoRunUnderWay: HTTPStatus.CONFLICT,
    RunNotCurrent: HTTPStatus.CONFLICT,
    NoSuchMessage: HTTPStatus.NOT_FOUND,
    NotReplayable: HTTPStatus.CONFLICT,
    NoNewSealingKey: HTTPStatus.CONFLICT,
    KeyChanged: HTTPStatus.CONFLICT,
    ApplicationDeleting: HTTPStatus.CONFLICT,
    PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
    DocumentRejected: HTTPStatus.UNPROCESSABLE_ENTITY,
    IdempotencyKeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
}
_TITLES = {
    "DocumentInvalid": "The document has errors",
    "DocumentUnreadable": "The document cannot be read",
    "ChangedMeanwhile": "Somebody else changed the application",
    "Deleting": "The application is being deleted",
    "Forbidden": "The token does not allow this",
    "NamespaceForbidden": "The namespace is not yours",
    "PreconditionFailed": "The application has another generation",
    "PreconditionInvalid": "The precondition cannot be read",
    "AddressUnreachable": "A web address that objects are fetched from does not answer",
    "ClusterUnreachable": "A cluster that is needed does not answer",
    "ContinueInvalid": "The continue token is not valid",
    "IdempotencyKeyInvalid": "The Idempotency-Key cannot be read",
    "IdempotencyKeyReused": "The Idempotency-Key belongs to another request",
    "KeyChanged": "The key was replaced meanwhile",
    "NoNewSealingKey": "The cluster has no new sealing key",
    "NotReplayable": "The message cannot be replayed",
    "RevisionUnknown": "There is no such generation to roll back to",
    "NoRunUnderWay": "There is no run to cancel",
    "RunNotCurrent": "Another run is the newest",
    "RequestInProgress": "The same request is being worked on",
    "Unauthenticated": "A valid token is needed",
    "Unavailable": "Not available at the moment",
    "Internal": "Something is wrong on our side",
}


class RequestInvalid(Rejected):
    """The request itself, apart from any document: a parameter, a header, the body's type."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        self.status = status
        super().__init__(detail, reason=_code(status))


def unauthenticated(path: str) -> web.Response:
    """The one answer to a missing, wrong, expired or revoked token."""
    response = problem(
        HTTPStatus.UNAUTHORIZED,
        "Unauthenticated",
        path,
        detail="Send `Authorization: Bearer <token>` with a token that is known, not expired and not revoked.",
    )
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


def of_rejected(error: Rejected, path: str) -> web.Response:
    """The problem that one of our refusals is."""
    findings: Sequence[Finding] = getattr(error, "findings", ())
    if isinstance(error, RequestInvalid):
        status = error.status
    elif any(finding.code == _TOO_LARGE for finding in findings):
        return problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, _TOO_LARGE, path, detail=str(error), findings=findings)
    else:
        status = _STATUS.get(type(error), HTTPStatus.BAD_REQUEST)
    business_code = error.business_code if isinstance(error, NoSuchId) else None
    return problem(status, error.reason, path, detail=str(error), findings=findings, business_code=business_code)


def of_retryable(error: Retryable, path: str) -> web.Response:
    """Not now; the header says when again."""
    if isinstance(error, RequestInProgress):
        response = problem(HTTPStatus.CONFLICT, "RequestInProgress", path, detail=str(error))
    elif isinstance(error, ClusterSilent):
        response = problem(HTTPStatus.SERVICE_UNAVAILABLE, "ClusterUnreachable", path, detail=str(error))
    elif isinstance(error, AddressSilent):
        response = problem(HTTPStatus.SERVICE_UNAVAILABLE, "AddressUnreachable", path, detail=str(error))
    else:
        # What exactly is away is in the log: callers need no map of what stands behind us.
        detail = "Try again in a moment; nothing is lost by that."
        response = problem(HTTPStatus.SERVICE_UNAVAILABLE, "Unavailable", path, detail=detail)
    response.headers["Retry-After"] = str(math.ceil(error.retry_after_s or _RETRY_AFTER_S))
    return response


def of_http(error: web.HTTPException, path: str) -> web.Response:
    """What aiohttp itself refuses: an unknown path or method, a body that is too large."""
    status = HTTPStatus(error.status)
    response = problem(status, _code(status), path, detail=_http_detail(error))
    if allow := error.headers.get("Allow"):
        response.headers["Allow"] = allow
    return response


def internal(path: str) -> web.Response:
    """An error of ours; its words are in the log alone."""
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal", path, detail="The log of the gateway tells more.")


def problem(
    status: HTTPStatus,
    code: str,
    path: str,
    *,
    detail: str = "",
    findings: Sequence[Finding] = (),
    business_code: int | None = None,
) -> web.Response:
    """Write a problem document; `business_code` is KubeMin-Cli's."""
    body = Problem(
        type=f"urn:kubemin:problem:{code}",
        title=_TITLES.get(code, status.phrase),
        status=status,
        detail=detail,
        instance=path,
        code=code,
        findings=tuple(findings),
    )
    if business_code is not None:
        body = DialectProblem(**dict(body), business_code=business_code, message=detail)
    return web.Response(status=status, body=body.model_dump_json().encode(), headers=_HEADERS)


_HEADERS: Mapping[str, str] = {"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store"}


def _code(status: HTTPStatus) -> str:
    return "TooLarge" if status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE else status.phrase.title().replace(" ", "")


def _http_detail(error: web.HTTPException) -> str:
    match error:
        case web.HTTPMethodNotAllowed():
            return f"{error.method} is not allowed here; allowed: {', '.join(sorted(error.allowed_methods))}."
        case web.HTTPNotFound():
            return "There is nothing at this path; /openapi.json lists what there is."
        case web.HTTPRequestEntityTooLarge():
            return "The body is larger than this API accepts."
        case _:
            return ""
