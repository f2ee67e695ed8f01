import json
from typing import Any

import pytest

from shared.errors import Rejected, Retryable
from shared.kube import (
    AlreadyExists,
    ApiUnavailable,
    Conflict,
    FieldManagerConflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    TooManyRequests,
    Unauthorized,
)
from shared.kube.errors import from_status


def status(code: int, reason: str, message: str = "words", **details: Any) -> bytes:
    return json.dumps(
        {"kind": "Status", "code": code, "reason": reason, "message": message, "details": details}
    ).encode()


@pytest.mark.parametrize(
    ("code", "reason", "expected", "family"),
    [
        (400, "BadRequest", Invalid, Rejected),
        (401, "Unauthorized", Unauthorized, Retryable),
        (403, "Forbidden", Forbidden, Rejected),
        (404, "NotFound", NotFound, Rejected),
        (409, "AlreadyExists", AlreadyExists, Rejected),
        (409, "Conflict", Conflict, Retryable),
        (410, "Expired", Gone, Retryable),
        (413, "RequestEntityTooLarge", Invalid, Rejected),
        (422, "Invalid", Invalid, Rejected),
        (429, "TooManyRequests", TooManyRequests, Retryable),
        (500, "InternalError", ApiUnavailable, Retryable),
        (503, "ServiceUnavailable", ApiUnavailable, Retryable),
        (504, "Timeout", ApiUnavailable, Retryable),
    ],
)
def test_every_status_has_its_error(code: int, reason: str, expected: type[Exception], family: type[Exception]) -> None:
    error = from_status(code, status(code, reason), {})

    assert type(error) is expected
    assert isinstance(error, family)
    assert str(error) == "words"


def test_misspelt_field_is_the_objects_fault_although_the_server_says_500() -> None:
    words = (
        "failed to create typed patch object (a/web; apps/v1, Kind=Deployment): .spec.x: field not declared in schema"
    )

    assert isinstance(from_status(500, status(500, "InternalError", words), {}), Invalid)


def test_conflict_names_the_managers_and_their_fields() -> None:
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": 'conflict with "kubectl" with subresource "scale" using apps/v1',
            "field": ".spec.replicas",
        },
        {"reason": "FieldManagerConflict", "message": 'conflict with "kubemin:u2"', "field": ".data.a"},
    ]

    error = from_status(409, status(409, "Conflict", causes=causes), {})

    assert isinstance(error, Conflict)
    assert error.field_managers == (
        FieldManagerConflict("kubectl", ".spec.replicas"),
        FieldManagerConflict("kubemin:u2", ".data.a"),
    )


def test_stale_version_is_a_conflict_without_managers() -> None:
    error = from_status(409, status(409, "Conflict"), {})

    assert isinstance(error, Conflict)
    assert error.field_managers == ()


@pytest.mark.parametrize(
    ("headers", "details", "expected"),
    [
        ({"Retry-After": "3"}, {}, 3.0),
        ({}, {"retryAfterSeconds": 7}, 7.0),
        ({}, {}, None),
        ({"Retry-After": "x"}, {}, None),
    ],
)
def test_shed_load_says_when_to_come_back(
    headers: dict[str, str], details: dict[str, Any], expected: float | None
) -> None:
    error = from_status(429, status(429, "TooManyRequests", **details), headers)

    assert isinstance(error, TooManyRequests)
    assert error.retry_after_s == expected


def test_answer_of_a_proxy_that_is_no_status_keeps_its_words() -> None:
    error = from_status(502, b"<html>bad gateway</html>", {})

    assert isinstance(error, ApiUnavailable)
    assert "bad gateway" in str(error)


def test_quota_is_told_from_missing_rights() -> None:
    words = 'pods "a" is forbidden: exceeded quota: q, requested: pods=1'
    quota = from_status(403, status(403, "Forbidden", words), {})
    rbac = from_status(403, status(403, "Forbidden", 'User "x" cannot create resource "pods"'), {})

    assert isinstance(quota, Forbidden)
    assert isinstance(rbac, Forbidden)
    assert quota.quota_exceeded
    assert not rbac.quota_exceeded
