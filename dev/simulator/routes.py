"""HTTP: authentication, paths to verbs, bodies in and out."""

import hmac
import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import yaml
from aiohttp import web

from dev.simulator import discovery
from dev.simulator.cluster import Cluster
from dev.simulator.deletion import delete
from dev.simulator.errors import (
    ApiError,
    bad_request,
    method_not_supported,
    unauthorized,
    unsupported,
)
from dev.simulator.kinds import Subresource
from dev.simulator.logs import pod_log
from dev.simulator.merge import strategic_merge_patch
from dev.simulator.objects import Object, uid_of
from dev.simulator.pages import Page, Pages
from dev.simulator.parameters import (
    ListOptions,
    check_get,
    delete_options,
    list_options,
    wants_metadata_only,
    write_options,
)
from dev.simulator.reviews import REVIEWS, RequestUser, answer_review
from dev.simulator.scaling import scale_of, scaled
from dev.simulator.streaming import stream_watch
from dev.simulator.targets import Target, group_version, resolve
from dev.simulator.watches import encode_object, partial_metadata
from shared.contracts.cloning import clone
from shared.jobtypes.json_patches import merge_patched

MAX_BODY_BYTES = 3 * 1024 * 1024
"""The request limit of the API server."""

_OPEN_PATHS = frozenset(("/healthz", "/livez", "/readyz"))
_APPLY_TYPES = frozenset(("application/apply-patch+yaml", "application/apply-patch"))
_MERGES: Mapping[str, Callable[[Any, Any], Any]] = {
    "application/merge-patch+json": merge_patched,
    "application/strategic-merge-patch+json": strategic_merge_patch,
}
_KEPT_REQUESTS = 1000

_Verb = Callable[[web.Request, Target], Awaitable[web.StreamResponse]]


class _JsonLoader(yaml.SafeLoader):
    """YAML whose scalars are those of JSON: a date stays text."""


_JsonLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """One request as it was made, for those who test a client."""

    method: str
    path: str
    user: RequestUser


class Api:
    """The HTTP side of a cluster."""

    def __init__(self, cluster: Cluster, *, token: str, bookmark_interval_s: float) -> None:
        self.requests: deque[RequestRecord] = deque(maxlen=_KEPT_REQUESTS)
        self._cluster = cluster
        self._token = token
        self._bookmark_interval_s = bookmark_interval_s
        self.pages = Pages()
        self._collection_verbs: Mapping[str, _Verb] = {
            "GET": self._list_or_watch,
            "POST": self._create,
            "DELETE": self._delete_collection,
        }
        self._object_verbs: Mapping[str, _Verb] = {
            "GET": self._get,
            "PUT": self._update,
            "PATCH": self._patch,
            "DELETE": self._delete,
        }

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answer any request."""
        try:
            if request.path in _OPEN_PATHS:
                return web.Response(text="ok")
            user = self._authenticate(request)
            self.requests.append(RequestRecord(request.method, request.path, user))
            return await self._route(request, user)
        except ApiError as error:
            return _json(error.status(), error.code)

    def _authenticate(self, request: web.Request) -> RequestUser:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if not hmac.compare_digest(given.encode(), self._token.encode()):
            raise unauthorized()
        name = request.headers.get("Impersonate-User", "")
        if name:
            groups = request.headers.getall("Impersonate-Group", [])
            return RequestUser(name, tuple(groups))
        if any(header.lower().startswith("impersonate-") for header in request.headers):
            message = "Internal error occurred: requested impersonation without impersonating a user"
            raise ApiError(500, "InternalError", message)
        return RequestUser("simulator-admin", ("system:masters", "system:authenticated"))

    async def _route(self, request: web.Request, user: RequestUser) -> web.StreamResponse:
        segments = [segment for segment in request.path.split("/") if segment]
        if (document := _document(request, segments)) is not None:
            return _json(document)
        address = group_version(segments)
        if address is None or address[:2] not in discovery.SERVED:
            return web.Response(text="404 page not found\n", status=HTTPStatus.NOT_FOUND)
        group, version, rest = address
        if (review := REVIEWS.get((group, version, rest[0]))) and len(rest) == 1:
            if request.method != "POST":
                raise method_not_supported()
            return _json(answer_review(review, await _body(request), user), HTTPStatus.CREATED)
        return await self._serve(request, resolve(group, version, rest))

    async def _serve(self, request: web.Request, target: Target) -> web.StreamResponse:
        if target.subresource is Subresource.LOG:
            return self._log(request, target)
        verbs = self._object_verbs if target.name else self._collection_verbs
        verb = verbs.get(request.method)
        if verb is None or (request.method == "DELETE" and target.subresource is not None):
            raise method_not_supported()
        return await verb(request, target)

    def _log(self, request: web.Request, target: Target) -> web.Response:
        if request.method != "GET":
            raise method_not_supported()
        pod = self._cluster.get(*target.key)
        return web.Response(text=pod_log(pod, request.query.get("container", "")))

    async def _get(self, request: web.Request, target: Target) -> web.StreamResponse:
        check_get(request.query)
        found = self._cluster.get(*target.key)
        if target.subresource is Subresource.SCALE:
            return _json(scale_of(found))
        return _json(partial_metadata(found) if wants_metadata_only(request.headers.get("Accept", "")) else found)

    async def _list_or_watch(self, request: web.Request, target: Target) -> web.StreamResponse:
        options = list_options(target.kind, request.query, request.headers.get("Accept", ""))
        store = self._cluster.store
        if options.watch:
            return await stream_watch(request, store, target, options, bookmark_interval_s=self._bookmark_interval_s)
        if options.token:
            page = self.pages.next(target.kind, options.token, options.limit)
        else:
            found = store.all(target.kind, target.namespace, options.predicate)
            page = self.pages.first(target.kind, found, store.revision, options.limit)
        return _json(_list(target, page, options))

    async def _create(self, request: web.Request, target: Target) -> web.StreamResponse:
        if target.kind.namespaced and not target.namespace:
            raise method_not_supported()
        options = write_options(request.query, request.headers.get("User-Agent", ""))
        body = await _body(request)
        created = self._cluster.create(target.kind, target.namespace, body, options)
        return _json(created, HTTPStatus.CREATED)

    async def _update(self, request: web.Request, target: Target) -> web.StreamResponse:
        options = write_options(request.query, request.headers.get("User-Agent", ""))
        body = await _body(request)
        if target.subresource is Subresource.SCALE:
            workload = self._cluster.patch(
                target.key, lambda present: scaled(present, body), target.subresource, options
            )
            return _json(scale_of(workload))
        updated, created = self._cluster.update(target.key, body, target.subresource, options)
        return _json(updated, HTTPStatus.CREATED if created else HTTPStatus.OK)

    async def _patch(self, request: web.Request, target: Target) -> web.StreamResponse:
        type_ = request.content_type
        options = write_options(request.query, request.headers.get("User-Agent", ""), apply=type_ in _APPLY_TYPES)
        body = await _body(request)
        if type_ in _APPLY_TYPES:
            if target.subresource is Subresource.SCALE:
                raise unsupported("server-side apply of the scale subresource")
            applied, created = self._cluster.apply(target.key, body, target.subresource, options)
            return _json(applied, HTTPStatus.CREATED if created else HTTPStatus.OK)
        merge = _MERGES.get(type_)
        if merge is None:
            raise unsupported(f"patches of type {type_}")
        if target.subresource is Subresource.SCALE:
            workload = self._cluster.patch(
                target.key, lambda present: scaled(present, merge(scale_of(present), body)), target.subresource, options
            )
            return _json(scale_of(workload))
        return _json(self._cluster.patch(target.key, lambda present: merge(present, body), target.subresource, options))

    async def _delete_collection(self, _request: web.Request, _target: Target) -> web.StreamResponse:
        raise unsupported("deletecollection: delete objects one by one")

    async def _delete(self, request: web.Request, target: Target) -> web.StreamResponse:
        options = delete_options(request.query, await _body(request, required=False))
        deleted = delete(self._cluster, target.key, options)
        headers = {"Warning": f'299 - "{deleted.warning}"'} if deleted.warning else {}
        if not deleted.removed or target.kind.returns_deleted:
            return _json(deleted.obj, headers=headers)
        kind = target.kind
        details = {"name": target.name} | ({"group": kind.group} if kind.group else {})
        details |= {"kind": kind.plural, "uid": uid_of(deleted.obj)}
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
        return _json(status, headers=headers)


def _list(target: Target, page: Page, options: ListOptions) -> Object:
    metadata: Object = {"resourceVersion": str(page.revision)}
    if page.token:
        metadata["continue"] = page.token
        if options.predicate is None:
            metadata["remainingItemCount"] = page.remaining
    if options.metadata_only:
        return {
            "kind": "PartialObjectMetadataList",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": metadata,
            "items": [partial_metadata(obj) for obj in page.items],
        }
    # Items of a list do not repeat what the list says of all of them.
    items = [{key: value for key, value in obj.items() if key not in {"kind", "apiVersion"}} for obj in page.items]
    return {
        "kind": f"{target.kind.kind}List",
        "apiVersion": target.kind.api_version,
        "metadata": metadata,
        "items": items,
    }


async def _body(request: web.Request, *, required: bool = True) -> Object:
    """Read the object that a request carries.

    Raises:
        ApiError: 400, 413, 415.
    """
    try:
        raw = await request.read()
    except web.HTTPRequestEntityTooLarge as error:
        raise ApiError(
            413, "RequestEntityTooLarge", f"Request entity is too large: limit is {MAX_BODY_BYTES}"
        ) from error
    if not raw and not required:
        return {}
    type_ = request.content_type
    if "protobuf" in type_ or "cbor" in type_:
        raise ApiError(415, "UnsupportedMediaType", f"the simulator does not support bodies of type {type_}")
    try:
        body = yaml.load(raw, _JsonLoader) if "yaml" in type_ and raw[:1] != b"{" else json.loads(raw)  # noqa: S506 - a SafeLoader
    except (ValueError, yaml.YAMLError) as error:
        raise bad_request(f"the body of the request cannot be read: {error}") from error
    if not isinstance(body, dict):
        raise bad_request("the body of the request is no object")
    return dict(clone(body))


def _json(body: Object, status: int = HTTPStatus.OK, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(body=encode_object(body), status=status, headers=headers, content_type="application/json")


def _document(request: web.Request, segments: list[str]) -> Object | None:
    """Return the discovery document that a path names, if it names one."""
    document: Object | None = None
    match segments:
        case ["version"]:
            document = discovery.version()
        case ["api"]:
            document = discovery.core_versions(request.host)
        case ["apis"]:
            document = discovery.group_list()
        case ["apis", name]:
            document = discovery.group(name)
        case ["api", version]:
            document = discovery.resource_list("", version)
        case ["apis", name, version]:
            document = discovery.resource_list(name, version)
    return document
