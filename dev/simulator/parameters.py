"""Query parameters: read into options; those that the simulator does not know are refused, not ignored."""

from collections.abc import Mapping
from dataclasses import dataclass

from dev.simulator.errors import (
    FieldError,
    bad_request,
    field_forbidden,
    field_unsupported,
    invalid_options,
    unsupported,
)
from dev.simulator.kinds import Kind
from dev.simulator.objects import Object
from dev.simulator.options import DeleteOptions, WriteOptions
from dev.simulator.selectors import Predicate, selection

_ALWAYS = frozenset(("pretty", "timeout"))
_WRITE = frozenset(("fieldManager", "fieldValidation", "dryRun", "force"))
_LIST = frozenset(
    (
        "labelSelector",
        "fieldSelector",
        "limit",
        "continue",
        "resourceVersion",
        "resourceVersionMatch",
        "watch",
        "allowWatchBookmarks",
        "timeoutSeconds",
    )
)
_DELETE = frozenset(("dryRun", "gracePeriodSeconds", "propagationPolicy", "orphanDependents"))
_GET = frozenset(("resourceVersion",))
_POLICIES = ("Foreground", "Background", "Orphan")
_DEFAULT_WATCH_S = 1800

Query = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ListOptions:
    """The options of a list or watch."""

    predicate: Predicate | None
    limit: int
    token: str
    """Where the previous page ended."""
    watch: bool
    bookmarks: bool
    timeout_s: float
    since: int | None
    """The resource version to start from; None for any."""
    metadata_only: bool = False
    """Show PartialObjectMetadata instead of the objects."""


def _check_known(query: Query, known: frozenset[str]) -> None:
    for name in query:
        if name not in known | _ALWAYS:
            raise unsupported(f"the query parameter {name} here")


def _flag(query: Query, name: str) -> bool:
    return query.get(name, "").lower() in {"true", "1"}


def _number(query: Query, name: str) -> int | None:
    text = query.get(name, "")
    if not text:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from error


def check_get(query: Query) -> None:
    """Check the parameters of a GET of one object.

    Raises:
        ApiError: 501.
    """
    _check_known(query, _GET)


def wants_metadata_only(accept: str) -> bool:
    """Tell whether an Accept header prefers PartialObjectMetadata (or a list of it)."""
    return "as=PartialObjectMetadata" in accept.partition(",")[0]


def list_options(kind: Kind, query: Query, accept: str) -> ListOptions:
    """Read the parameters of a list or watch.

    Raises:
        ApiError: 400; 501 for what is beyond the simulator.
    """
    _check_known(query, _LIST)
    if query.get("resourceVersionMatch", "NotOlderThan") != "NotOlderThan":
        raise unsupported(f"resourceVersionMatch={query['resourceVersionMatch']}")
    return ListOptions(
        predicate=selection(kind, query.get("labelSelector", ""), query.get("fieldSelector", "")),
        limit=_number(query, "limit") or 0,
        token=query.get("continue", ""),
        watch=_flag(query, "watch"),
        bookmarks=_flag(query, "allowWatchBookmarks"),
        timeout_s=_number(query, "timeoutSeconds") or _DEFAULT_WATCH_S,
        since=_number(query, "resourceVersion") or None,
        metadata_only=wants_metadata_only(accept),
    )


def write_options(query: Query, user_agent: str, *, apply: bool = False) -> WriteOptions:
    """Read the parameters of a create, update or patch.

    Raises:
        ApiError: 422, 501.
    """
    _check_known(query, _WRITE)
    manager = query.get("fieldManager", "")
    if not manager and not apply:
        manager = user_agent.partition("/")[0] or "unknown"
    if "force" in query and not apply:
        error = field_forbidden("force", "may not be specified for non-apply patch")
        raise invalid_options("PatchOptions", [error])
    return WriteOptions(manager=manager, dry_run=_dry_run(query.get("dryRun")), force=_flag(query, "force"))


def _dry_run(value: object) -> bool:
    values = value if isinstance(value, list) else [value] if value else []
    if any(one != "All" for one in values):
        raise invalid_options("Options", [field_unsupported("dryRun", values, ("All",))])
    return bool(values)


def _unknown_policy(policy: str) -> FieldError:
    listed = ", ".join(f'"{one}"' for one in (*_POLICIES, "nil"))
    message = f'Unsupported value: "{policy}": supported values: {listed}'
    return FieldError("propagationPolicy", "FieldValueNotSupported", message)


def delete_options(query: Query, body: Object) -> DeleteOptions:
    """Read the options of a deletion from its parameters and its DeleteOptions body.

    Raises:
        ApiError: 400, 422, 501.
    """
    _check_known(query, _DELETE)
    policy = body.get("propagationPolicy") or query.get("propagationPolicy")
    if policy is not None and policy not in _POLICIES:
        raise invalid_options("DeleteOptions", [_unknown_policy(policy)])
    if body.get("orphanDependents") is not None or "orphanDependents" in query:
        raise unsupported("orphanDependents: use propagationPolicy")
    preconditions = body.get("preconditions") or {}
    grace_s = body.get("gracePeriodSeconds")
    return DeleteOptions(
        uid=preconditions.get("uid"),
        resource_version=preconditions.get("resourceVersion"),
        propagation=policy,
        grace_s=_number(query, "gracePeriodSeconds") if grace_s is None else int(grace_s),
        dry_run=_dry_run(body.get("dryRun") or query.get("dryRun")),
    )
