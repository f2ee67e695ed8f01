"""The handlers of the operations: from a request to a call, from its result to a response."""

import time
from dataclasses import dataclass
from http import HTTPStatus

from aiohttp import web

from services.gateway.clusters import Clusters
from services.gateway.domain import tasks
from services.gateway.domain.preconditions import etag
from services.gateway.domain.records import Cancel
from services.gateway.domain.refusals import NotFound
from services.gateway.handlers import Accepted, Changes
from services.gateway.parked import ParkedMessages
from services.gateway.queries import Queries
from services.gateway.streams import RunStreams
from services.gateway.web import events, requests
from services.gateway.web.authentication import Authenticator
from services.gateway.web.openapi import openapi
from services.gateway.web.operations import OWN_OPERATIONS
from services.gateway.web.responses import Handler, json_response, route_of
from shared.catalogue.entries import Catalogue
from shared.contracts.api import ApplyResult, CancelRequest
from shared.contracts.canonical import canonical_json
from shared.contracts.identity import RunId


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """How long clients may take."""

    body_s: float
    write_s: float
    keep_alive_s: float


class Routes:
    """The operations over HTTP."""

    def __init__(
        self,
        *,
        changes: Changes,
        queries: Queries,
        streams: RunStreams,
        parked: ParkedMessages,
        clusters: Clusters,
        catalogue: Catalogue,
        authenticator: Authenticator,
        timeouts: Timeouts,
    ) -> None:
        self._changes = changes
        self._queries = queries
        self._streams = streams
        self._parked = parked
        self._registered = clusters
        self._catalogue = catalogue
        self._authenticator = authenticator
        self._timeouts = timeouts
        self._openapi = canonical_json(openapi())

    def table(self) -> list[web.RouteDef]:
        """Every operation with its handler, named by its id."""
        handlers: dict[str, Handler] = {
            "applyApplication": self._apply,
            "convertDocument": self._convert,
            "listApplications": self._list,
            "getApplication": self._get,
            "deleteApplication": self._delete,
            "listRevisions": self._revisions,
            "rollbackApplication": self._rollback,
            "cancelRun": self._cancel,
            "listRuns": self._runs,
            "getRun": self._run,
            "watchRun": self._watch,
            "listClusters": self._clusters,
            "rotateKey": self._rotate_key,
            "listTypes": self._list_types,
            "getType": self._get_type,
            "listParked": self._list_parked,
            "getParked": self._get_parked,
            "replayParked": self._replay_parked,
            "dropParked": self._drop_parked,
            "getOpenApi": self._describe,
        }
        return [route_of(operation, handlers[operation.id]) for operation in OWN_OPERATIONS]

    async def _apply(self, request: web.Request) -> web.StreamResponse:
        principal = requests.principal(request)
        dry_run, strict = requests.flag(request, "dryRun"), requests.flag(request, "strict")
        precondition = requests.precondition(request)
        raw = await requests.document(request, timeout_s=self._timeouts.body_s)
        if dry_run:
            return json_response(await self._changes.plan(principal, raw, precondition, strict=strict))
        request_id = requests.request_id(request)
        accepted = await self._changes.apply(principal, raw, precondition, strict=strict, request=request_id)
        return await self._accepted(accepted)

    async def _convert(self, request: web.Request) -> web.StreamResponse:
        strict = requests.flag(request, "strict")
        raw = await requests.document(request, timeout_s=self._timeouts.body_s)
        return json_response(await self._changes.convert(requests.principal(request), raw, strict=strict))

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        namespace, name = requests.app_path(request)
        accepted = await self._changes.delete(
            requests.principal(request),
            namespace,
            name,
            requests.precondition(request),
            request=requests.request_id(request),
        )
        return await self._accepted(accepted)

    async def _list(self, request: web.Request) -> web.StreamResponse:
        page = await self._queries.applications(
            requests.principal(request),
            namespace=requests.namespace(request),
            phases=requests.phases(request),
            after=requests.page_position(request),
            limit=requests.limit(request),
        )
        return json_response(page)

    async def _get(self, request: web.Request) -> web.StreamResponse:
        view = await self._queries.application(requests.principal(request), *requests.app_path(request))
        response = json_response(view)
        response.headers["ETag"] = etag(view.generation)
        return response

    async def _revisions(self, request: web.Request) -> web.StreamResponse:
        return json_response(await self._queries.revisions(requests.principal(request), *requests.app_path(request)))

    async def _rollback(self, request: web.Request) -> web.StreamResponse:
        wanted = (
            requests.principal(request),
            *requests.app_path(request),
            requests.generation(request),
            requests.precondition(request),
        )
        if requests.flag(request, "dryRun"):
            return json_response(await self._changes.plan_rollback(*wanted))
        return await self._accepted(await self._changes.rollback(*wanted, request=requests.request_id(request)))

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        namespace, name = requests.app_path(request)
        asked = await requests.body_as(CancelRequest, request, timeout_s=self._timeouts.body_s)
        accepted = await self._changes.cancel(
            requests.principal(request),
            namespace,
            name,
            Cancel(run=asked.run, reason=asked.reason),
            requests.precondition(request),
            request=requests.request_id(request),
        )
        return await self._accepted(accepted)

    async def _runs(self, request: web.Request) -> web.StreamResponse:
        namespace, name = requests.app_path(request)
        principal = requests.principal(request)
        return json_response(await self._queries.runs(principal, namespace, name, limit=requests.limit(request)))

    async def _run(self, request: web.Request) -> web.StreamResponse:
        return json_response(await self._queries.run(requests.principal(request), RunId(request.match_info["run"])))

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        principal = requests.principal(request)
        authorization = request.headers.get("Authorization")

        async def still_allowed() -> bool:
            return await self._authenticator.principal(authorization) == principal

        stream = await self._streams.open(
            principal,
            RunId(request.match_info["run"]),
            after=requests.last_event(request),
            still_allowed=still_allowed,
        )
        requests.unlimited(request)
        return await events.send(
            request,
            stream,
            write_timeout_s=self._timeouts.write_s,
            keep_alive_s=self._timeouts.keep_alive_s,
            monotonic_s=time.monotonic,
        )

    async def _clusters(self, _request: web.Request) -> web.StreamResponse:
        return json_response(await self._queries.clusters())

    async def _rotate_key(self, request: web.Request) -> web.StreamResponse:
        return json_response(await self._registered.rotate_key(request.match_info["cluster"]))

    async def _list_types(self, request: web.Request) -> web.StreamResponse:
        return json_response(self._catalogue.page(requests.type_kind(request)))

    async def _get_type(self, request: web.Request) -> web.StreamResponse:
        name, kind = request.match_info["type"], requests.type_kind(request)
        view = self._catalogue.find(name, kind)
        if view is None:
            meant = self._catalogue.meant(name, kind)
            raise NotFound("type", name, f": did you mean {meant!r}?" if meant else "")
        return json_response(view)

    async def _list_parked(self, request: web.Request) -> web.StreamResponse:
        page = await self._parked.page(
            requests.principal(request),
            consumer=requests.consumer(request),
            after=requests.sequence_position(request),
            limit=requests.limit(request),
        )
        return json_response(page)

    async def _get_parked(self, request: web.Request) -> web.StreamResponse:
        return json_response(await self._parked.show(requests.principal(request), requests.sequence(request)))

    async def _replay_parked(self, request: web.Request) -> web.StreamResponse:
        return json_response(await self._parked.replay(requests.principal(request), requests.sequence(request)))

    async def _drop_parked(self, request: web.Request) -> web.StreamResponse:
        return json_response(await self._parked.drop(requests.principal(request), requests.sequence(request)))

    async def _describe(self, _request: web.Request) -> web.StreamResponse:
        return web.Response(body=self._openapi, content_type="application/json")

    async def _accepted(self, accepted: Accepted) -> web.Response:
        record = accepted.stored.record
        result = ApplyResult(
            application=await self._queries.summary(accepted.stored),
            run=record.run,
            changed=accepted.changed,
            warnings=accepted.warnings,
        )
        if accepted.in_dialect:
            result = tasks.applied(accepted.stored, result)
        response = json_response(result, status=HTTPStatus.ACCEPTED)
        response.headers["ETag"] = etag(record.generation)
        return response
