"""What the Kubernetes API answers when it does not do as it was asked.

KubeError
├── NotFound            Rejected    404: no such object, or no such namespace
├── KindUnknown         Rejected    the API server does not serve the kind
├── AlreadyExists       Rejected    409 of a create
├── Forbidden           Rejected    403: RBAC, quota or admission
├── Invalid             Rejected    400, 413, 422: the object itself
├── Conflict            Retryable   409: a stale resourceVersion or uid; field managers when it was an apply
├── Gone                Retryable   410: list again
├── TooManyRequests     Retryable   429
├── Unauthorized        Retryable   401: our own credentials, never the caller's fault
└── ApiUnavailable      Retryable   5xx, connection refused, time-outs

Source: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from shared.errors import KubeMinError, Rejected, Retryable

_NOT_TYPED = "failed to create typed patch object"
"""Server-side apply answers 500 to an unknown field or a wrong type, which is no fault of the server's."""


class KubeError(KubeMinError):
    """Any answer of the API server that is no success."""


class Cause(NamedTuple):
    """One entry of a Status' `details.causes`."""

    reason: str
    message: str
    field: str


class FieldManagerConflict(NamedTuple):
    """Another field manager owns a field that an unforced apply wanted to change."""

    manager: str
    field: str


class NotFound(KubeError, Rejected):
    """The object is not there, or its namespace is not."""

    def __init__(self, message: str, *, kind: str = "", name: str = "") -> None:
        self.kind = kind
        """Resource name as the server says it, such as `namespaces`; empty where it says none."""
        self.name = name
        super().__init__(message, reason="NotFound")


class KindUnknown(KubeError, Rejected):
    """The API server does not serve the kind."""

    def __init__(self, api_version: str, kind: str) -> None:
        self.api_version = api_version
        self.kind = kind
        super().__init__(f"the API server does not serve {kind} of {api_version}", reason="KindUnknown")


class AlreadyExists(KubeError, Rejected):
    """A create met an object of the same name."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reason="AlreadyExists")


class Forbidden(KubeError, Rejected):
    """RBAC, a quota or admission refuses."""

    def __init__(self, message: str, *, causes: tuple[Cause, ...] = ()) -> None:
        self.causes = causes
        super().__init__(message, reason="Forbidden")

    @property
    def quota_exceeded(self) -> bool:
        """A ResourceQuota refuses; the message says how much was asked, used and allowed."""
        return "exceeded quota:" in str(self)


class Invalid(KubeError, Rejected):
    """The object breaks a rule of its kind, or cannot be understood."""

    def __init__(self, message: str, *, causes: tuple[Cause, ...] = ()) -> None:
        self.causes = causes
        super().__init__(message, reason="Invalid")


class Conflict(KubeError, Retryable):
    """A precondition does not hold, or other field managers own what an unforced apply wanted to change."""

    def __init__(self, message: str, *, field_managers: tuple[FieldManagerConflict, ...] = ()) -> None:
        self.field_managers = field_managers
        """Not empty for a conflict of an apply: reading again and trying again does not help then."""
        super().__init__(message)


class Gone(KubeError, Retryable):
    """The resource version is older than the server's history: list again."""


class TooManyRequests(KubeError, Retryable):
    """The server sheds load."""


class Unauthorized(KubeError, Retryable):
    """Our credentials are not accepted (any more)."""


class ApiUnavailable(KubeError, Retryable):
    """The server could not be reached, did not answer in time or failed by itself."""


def from_status(http_status: int, body: bytes, headers: Mapping[str, str]) -> KubeError:
    """The error behind an HTTP answer that is no success."""
    status = _status(body)
    message = str(status.get("message") or body[:500].decode(errors="replace").strip() or f"HTTP {http_status}")
    retry_after_s = _retry_after_s(status, headers)
    details, causes = _details(status), _causes(status)
    error: KubeError
    match http_status:
        case 401:
            error = Unauthorized(message)
        case 403:
            error = Forbidden(message, causes=causes)
        case 404:
            error = NotFound(message, kind=str(details.get("kind", "")), name=str(details.get("name", "")))
        case 409 if status.get("reason") == "AlreadyExists":
            error = AlreadyExists(message)
        case 409:
            error = Conflict(message, field_managers=_field_managers(causes))
        case 410:
            error = Gone(message)
        case 429:
            error = TooManyRequests(message, retry_after_s=retry_after_s)
        case 500 if _NOT_TYPED in message:
            error = Invalid(message, causes=causes)
        case _ if http_status >= 500:
            error = ApiUnavailable(message, retry_after_s=retry_after_s)
        case _:
            error = Invalid(message, causes=causes)
    return error


def from_watch_error(status: Mapping[str, Any]) -> KubeError:
    """The error behind an ERROR event of a watch."""
    return from_status(int(status.get("code") or 500), json.dumps(status).encode(), {})


def _status(body: bytes) -> dict[str, Any]:
    try:
        parsed = json.loads(body)
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) and parsed.get("kind") == "Status" else {}


def _details(status: Mapping[str, Any]) -> Mapping[str, Any]:
    details = status.get("details")
    return details if isinstance(details, dict) else {}


def _causes(status: Mapping[str, Any]) -> tuple[Cause, ...]:
    causes = _details(status).get("causes") or ()
    return tuple(Cause(c.get("reason", ""), c.get("message", ""), c.get("field", "")) for c in causes)


def _field_managers(causes: tuple[Cause, ...]) -> tuple[FieldManagerConflict, ...]:
    # The message reads: conflict with "kubectl" using apps/v1, or: conflict with "kubectl" with subresource "scale" …
    return tuple(
        FieldManagerConflict(manager=c.message.split('"')[1] if c.message.count('"') >= 2 else c.message, field=c.field)
        for c in causes
        if c.reason == "FieldManagerConflict"
    )


def _retry_after_s(status: Mapping[str, Any], headers: Mapping[str, str]) -> float | None:
    said = headers.get("Retry-After") or _details(status).get("retryAfterSeconds")
    try:
        return float(said) if said else None
    except (TypeError, ValueError):
        return None
