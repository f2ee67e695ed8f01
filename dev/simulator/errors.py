"""Errors as the API server answers them: `Status` objects with code, reason and details.

Messages follow k8s.io/apimachinery/pkg/api/errors and pkg/util/validation/field.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dev.simulator.kinds import Kind
from dev.simulator.objects import Object

MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"
EXPIRED_CONTINUE = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new list without "
    "the continue parameter."
)


class ApiError(Exception):
    """A request that is answered with a Status of Failure."""

    def __init__(self, code: int, reason: str, message: str, details: Object | None = None) -> None:
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
        super().__init__(f"{code} {reason}: {message}")

    def status(self) -> Object:
        """Return the body of the answer."""
        body: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.details is not None:
            body["details"] = self.details
        return body | {"code": self.code}


def _details(kind: Kind, name: str) -> Object:
    details: Object = {"name": name} if name else {}
    if kind.group:
        details["group"] = kind.group
    return details | {"kind": kind.plural}


def not_found(kind: Kind, name: str) -> ApiError:
    """The object does not exist."""
    return ApiError(404, "NotFound", f'{kind.resource} "{name}" not found', _details(kind, name))


def unknown_resource() -> ApiError:
    """The path leads to no resource of this server."""
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(kind: Kind, name: str) -> ApiError:
    """The name is taken."""
    return ApiError(409, "AlreadyExists", f'{kind.resource} "{name}" already exists', _details(kind, name))


def conflict(kind: Kind, name: str, why: str = MODIFIED) -> ApiError:
    """The object is no longer the one that the request was made for."""
    message = f'Operation cannot be fulfilled on {kind.resource} "{name}": {why}'
    return ApiError(409, "Conflict", message, _details(kind, name))


def failed_precondition(kind: Kind, name: str, why: str) -> ApiError:
    """A precondition of a deletion does not hold; here the message names the kind, not the resource."""
    message = f'Operation cannot be fulfilled on {kind.group_kind} "{name}": {why}'
    details = {"name": name} | ({"group": kind.group} if kind.group else {}) | {"kind": kind.kind}
    return ApiError(409, "Conflict", message, details)


def forbidden(kind: Kind, name: str, why: str, causes: Sequence[Object] = ()) -> ApiError:
    """Admission refuses the request."""
    details = _details(kind, name) | ({"causes": list(causes)} if causes else {})
    return ApiError(403, "Forbidden", f'{kind.resource} "{name}" is forbidden: {why}', details)


def bad_request(message: str) -> ApiError:
    """The request cannot be understood."""
    return ApiError(400, "BadRequest", message)


def unsupported(what: str) -> ApiError:
    """The request is legal in Kubernetes and beyond the simulator."""
    return ApiError(501, "NotImplemented", f"the simulator does not support {what}")


def method_not_supported() -> ApiError:
    """The resource knows no such verb."""
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def expired(message: str) -> ApiError:
    """The resource version is older than the history that is kept."""
    return ApiError(410, "Expired", message)


def unauthorized() -> ApiError:
    """The request carries no valid bearer token."""
    return ApiError(401, "Unauthorized", "Unauthorized")


@dataclass(frozen=True, slots=True)
class FieldError:
    """One violation, as field.Error describes it."""

    field: str
    reason: str
    message: str

    @property
    def cause(self) -> Object:
        """The violation as an entry of details.causes."""
        return {"reason": self.reason, "message": self.message, "field": self.field}


def _shown(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def field_invalid(field: str, value: Any, why: str) -> FieldError:
    """The value breaks a rule."""
    return FieldError(field, "FieldValueInvalid", f"Invalid value: {_shown(value)}: {why}")


def field_required(field: str, why: str = "") -> FieldError:
    """The value is missing."""
    return FieldError(field, "FieldValueRequired", "Required value" + (f": {why}" if why else ""))


def field_forbidden(field: str, why: str) -> FieldError:
    """The value may not be set or changed."""
    return FieldError(field, "FieldValueForbidden", f"Forbidden: {why}")


def field_duplicate(field: str, value: Any) -> FieldError:
    """The value occurs twice where it must be unique."""
    return FieldError(field, "FieldValueDuplicate", f"Duplicate value: {_shown(value)}")


def field_absent(field: str, value: Any) -> FieldError:
    """The value refers to something that is not there."""
    return FieldError(field, "FieldValueNotFound", f"Not found: {_shown(value)}")


def field_unsupported(field: str, value: Any, supported: Sequence[str]) -> FieldError:
    """The value is none of an enumeration."""
    values = ", ".join(_shown(one) for one in sorted(supported))
    return FieldError(
        field, "FieldValueNotSupported", f"Unsupported value: {_shown(value)}: supported values: {values}"
    )


def invalid(kind: Kind, name: str, errors: Sequence[FieldError]) -> ApiError:
    """The object breaks at least one rule of its kind."""
    return _invalid(kind.group, kind.kind, name, errors)


def invalid_options(kind: str, errors: Sequence[FieldError]) -> ApiError:
    """The query parameters break a rule."""
    return _invalid("meta.k8s.io", kind, "", errors)


def _invalid(group: str, kind: str, name: str, errors: Sequence[FieldError]) -> ApiError:
    shown = [f"{error.field}: {error.message}" for error in errors]
    listed = shown[0] if len(shown) == 1 else f"[{', '.join(shown)}]"
    details: Object = ({"name": name} if name else {}) | ({"group": group} if group else {})
    details |= {"kind": kind, "causes": [error.cause for error in errors]}
    group_kind = f"{kind}.{group}" if group else kind
    return ApiError(422, "Invalid", f'{group_kind} "{name}" is invalid: {listed}', details)
