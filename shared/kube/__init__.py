"""The Kubernetes API over plain dicts: calls, watches with re-listing, leases and typed errors.

Belongs here: everything that speaks the Kubernetes HTTP API, and the only imports of `kubernetes`.
Forbidden: what KubeMin means by an object (rules, annotations, ownership).
"""

from shared.kube.api import KubeApi, Listing
from shared.kube.connection import Impersonation
from shared.kube.errors import (
    AlreadyExists,
    ApiUnavailable,
    Cause,
    Conflict,
    FieldManagerConflict,
    Forbidden,
    Gone,
    Invalid,
    KindUnknown,
    KubeError,
    NotFound,
    TooManyRequests,
    Unauthorized,
)
from shared.kube.informer import Changed, Interrupted, Listed, follow_kind, watch_kind
from shared.kube.kinds import GroupVersionKind, Resource, Selection
from shared.kube.lease import Leadership, LeaseElection
from shared.kube.watch import WatchEvent

__all__ = [
    "AlreadyExists",
    "ApiUnavailable",
    "Cause",
    "Changed",
    "Conflict",
    "FieldManagerConflict",
    "Forbidden",
    "Gone",
    "GroupVersionKind",
    "Impersonation",
    "Interrupted",
    "Invalid",
    "KindUnknown",
    "KubeApi",
    "KubeError",
    "Leadership",
    "LeaseElection",
    "Listed",
    "Listing",
    "NotFound",
    "Resource",
    "Selection",
    "TooManyRequests",
    "Unauthorized",
    "WatchEvent",
    "follow_kind",
    "watch_kind",
]
