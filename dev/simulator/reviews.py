"""Requests that are answered and not stored: access reviews, which allow everything, and who the caller is."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dev.simulator.objects import Object


@dataclass(frozen=True, slots=True)
class RequestUser:
    """Who a request is made as; impersonation is believed."""

    name: str
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """One kind of review."""

    group: str
    version: str
    kind: str
    plural: str


_ALL = (
    Review("authorization.k8s.io", "v1", "SelfSubjectAccessReview", "selfsubjectaccessreviews"),
    Review("authorization.k8s.io", "v1", "SubjectAccessReview", "subjectaccessreviews"),
    Review("authentication.k8s.io", "v1", "SelfSubjectReview", "selfsubjectreviews"),
)
REVIEWS: Mapping[tuple[str, str, str], Review] = MappingProxyType(
    {(review.group, review.version, review.plural): review for review in _ALL}
)


def answer_review(review: Review, body: Object, user: RequestUser) -> Object:
    """Return the review with its status."""
    status: Object = {"allowed": True, "reason": "the simulator stores RBAC objects and does not enforce them"}
    if review.kind == "SelfSubjectReview":
        status = {"userInfo": {"username": user.name, "groups": list(user.groups)}}
    api_version = f"{review.group}/{review.version}"
    return {**body, "kind": review.kind, "apiVersion": api_version, "status": status}
