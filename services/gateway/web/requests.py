"""Reading requests: parameters, headers and bodies, each within bounds."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel

from services.gateway.domain import pages, preconditions
from services.gateway.domain.access import Principal
from services.gateway.domain.documents import body_of
from services.gateway.domain.pages import ContinueInvalid
from services.gateway.domain.preconditions import Precondition
from services.gateway.web.operation import PAGE_LIMIT, PAGE_LIMIT_MAX
from services.gateway.web.operations import DOCUMENT_TYPES
from services.gateway.web.problems import RequestInvalid
from shared.contracts.desired import PagePosition
from shared.contracts.identity import DNS_LABEL, DNS_SUBDOMAIN
from shared.contracts.kinds import TypeKind
from shared.contracts.phases import AppPhase
from shared.errors import Retryable
from shared.planning import DEFAULT_LIMITS, DocumentRejected
from shared.planning.parameters import validate

M = TypeVar("M", bound=BaseModel)

PRINCIPAL = "kubemin.principal"
"""Key in the request; set by the middleware before any handler runs."""
REQUEST = "kubemin.request"
"""Key in the request; set where it bears an Idempotency-Key."""
_LIMIT = "kubemin.limit"
"""Key in the request; the time-out of its answer, which does not run while the client has the word."""

_LABEL = re.compile(DNS_LABEL)
_SUBDOMAIN = re.compile(DNS_SUBDOMAIN)
_SEQUENCE = re.compile(r"[1-9][0-9]{0,17}")
_NUMBER = re.compile(r"[0-9]{1,15}")
_RETRY_LATE_S = 5.0
_BOOLEANS = {"true": True, "1": True, "": True, "false": False, "0": False}


class AnswerTooLate(Retryable):
    """What a request needs takes too long; whether a change was made is unknown, and the same again is harmless."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"no answer within {seconds:g} s", retry_after_s=_RETRY_LATE_S)


def principal(request: web.Request) -> Principal:
    """The authenticated caller."""
    found: Principal = request[PRINCIPAL]
    return found


def request_id(request: web.Request) -> str:
    """What names this very request, also when it is sent again; empty where it bore no key."""
    found: str = request.get(REQUEST, "")
    return found


def sequence(request: web.Request) -> int:
    """The number of a parked message in the path; raises RequestInvalid (404) for what can be none."""
    text = request.match_info["sequence"]
    if not _SEQUENCE.fullmatch(text):
        raise RequestInvalid(HTTPStatus.NOT_FOUND, f"{text!r} cannot be the number of a parked message")
    return int(text)


def consumer(request: web.Request) -> str | None:
    """The consumer to filter by."""
    return request.query.get("consumer") or None


def sequence_position(request: web.Request) -> int:
    """The number after which a page of parked messages begins."""
    text = request.query.get("continue") or "0"
    if not _SEQUENCE.fullmatch(text) and text != "0":
        raise ContinueInvalid
    return int(text)


def app_path(request: web.Request) -> tuple[str, str]:
    """Namespace and name in the path; raises RequestInvalid (404) for what can be no name."""
    namespace, name = request.match_info["namespace"], request.match_info["app"]
    if not _LABEL.match(namespace) or not _SUBDOMAIN.match(name):
        raise RequestInvalid(HTTPStatus.NOT_FOUND, f"{namespace}/{name} cannot be the name of an application")
    return namespace, name


def flag(request: web.Request, name: str) -> bool:
    """A boolean parameter, false unless given."""
    text = request.query.get(name, "false").lower()
    if text not in _BOOLEANS:
        raise RequestInvalid(HTTPStatus.BAD_REQUEST, f"{name} takes true or false, not {text!r}")
    return _BOOLEANS[text]


def limit(request: web.Request) -> int:
    """How many items at most."""
    text = request.query.get("limit", str(PAGE_LIMIT))
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= PAGE_LIMIT_MAX:
        raise RequestInvalid(HTTPStatus.BAD_REQUEST, f"limit takes a number from 1 to {PAGE_LIMIT_MAX}")
    return int(text)


def generation(request: web.Request) -> int:
    """The generation that is meant; it has to be given."""
    text = request.query.get("generation", "")
    if not _SEQUENCE.fullmatch(text):
        raise RequestInvalid(HTTPStatus.BAD_REQUEST, f"generation takes the number of one, from 1, not {text!r}")
    return int(text)


def namespace(request: web.Request) -> str | None:
    """The namespace to filter by."""
    text = request.query.get("namespace")
    if text and not _LABEL.match(text):
        raise RequestInvalid(HTTPStatus.BAD_REQUEST, f"{text!r} cannot be the name of a namespace")
    return text or None


def phases(request: web.Request) -> tuple[AppPhase, ...]:
    """The phases to filter by; what is gone is shown only where it is asked for."""
    texts = [text for text in request.query.getall("phase", []) if text]
    try:
        asked = tuple(AppPhase(text) for text in texts)
    except ValueError as error:
        known = ", ".join(phase.value for phase in AppPhase)
        raise RequestInvalid(HTTPStatus.BAD_REQUEST, f"phase takes one of {known}") from error
    return asked or (AppPhase.ACTIVE, AppPhase.DELETING)


def type_kind(request: web.Request) -> TypeKind | None:
    """The kind of types to filter by."""
    text = request.query.get("kind")
    try:
        return TypeKind(text) if text else None
    except ValueError as error:
        known = ", ".join(kind.value for kind in TypeKind)
        raise RequestInvalid(HTTPStatus.BAD_REQUEST, f"kind takes one of {known}") from error


def page_position(request: web.Request) -> PagePosition | None:
    """Where the page before ended."""
    token = request.query.get("continue")
    return pages.read(token) if token else None


def precondition(request: web.Request) -> Precondition:
    """The request's condition on the generation."""
    return preconditions.read(request.headers.get("If-Match"), request.headers.get("If-None-Match"))


def last_event(request: web.Request) -> int | None:
    """The event that a reader saw last; a browser sends the header by itself, and anything else starts afresh."""
    text = request.headers.get("Last-Event-ID") or request.query.get("lastEventId") or ""
    return int(text) if _NUMBER.fullmatch(text) else None


@asynccontextmanager
async def answered_within(request: web.Request, seconds: float) -> AsyncIterator[None]:
    """Bound the scope by a time that begins anew when the body is there; raises AnswerTooLate."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            request[_LIMIT] = (limit, seconds)
            yield
    except TimeoutError as error:
        if not limit.expired():
            raise
        raise AnswerTooLate(seconds) from error


def unlimited(request: web.Request) -> None:
    """Take the time-out of the answer away: it has begun, and may last."""
    limit, _ = request[_LIMIT]
    limit.reschedule(None)


@contextmanager
def _awaiting_client(request: web.Request) -> Iterator[None]:
    """What the client takes does not count for the answer."""
    limit, seconds = request[_LIMIT]
    limit.reschedule(None)
    yield
    limit.reschedule(asyncio.get_running_loop().time() + seconds)


async def document(request: web.Request, *, timeout_s: float) -> bytes:
    """The body, in a media type that can be a document; its size is bounded by the application.

    Raises RequestInvalid, and aiohttp's own error for one that is too large.
    """
    if "Content-Type" in request.headers and request.content_type not in DOCUMENT_TYPES:
        raise RequestInvalid(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"a document is sent as {' or '.join(DOCUMENT_TYPES[:2])}, not as {request.content_type}",
        )
    return await body(request, timeout_s=timeout_s)


async def body_as(model: type[M], request: web.Request, *, timeout_s: float) -> M:
    """The body as one of our models; one that is left out says nothing.

    Raises as `document` does, and DocumentUnreadable and DocumentRejected.
    """
    raw = await document(request, timeout_s=timeout_s) if request.can_read_body else b""
    found, findings = validate(model, body_of(raw, DEFAULT_LIMITS) if raw else {}, "")
    if found is None:
        raise DocumentRejected(findings)
    return found


async def body(request: web.Request, *, timeout_s: float) -> bytes:
    """Whatever the body is; raises as `document` does."""
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise RequestInvalid(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, f"a document is sent as it is, not as {encoding}")
    try:
        with _awaiting_client(request):
            async with asyncio.timeout(timeout_s):
                return await request.read()
    except TimeoutError as error:
        raise RequestInvalid(HTTPStatus.REQUEST_TIMEOUT, f"the body did not arrive within {timeout_s:g} s") from error
    except web.RequestPayloadError as error:
        raise RequestInvalid(HTTPStatus.BAD_REQUEST, "the body is not what its headers say") from error
