"""KubeMin-Cli's routes: from a request to a call, from its result to a response."""

from dataclasses import dataclass

from aiohttp import web

from services.gateway.dialect import DialectRequests
from services.gateway.web import requests
from services.gateway.web.dialect_operations import DIALECT_OPERATIONS, ID
from services.gateway.web.operation import routed
from services.gateway.web.responses import Handler, json_response, route_of
from shared.contracts.identity import AppUid


@dataclass(frozen=True, kw_only=True)
class DialectRoutes:
    """Their handlers."""

    asked: DialectRequests
    body_timeout_s: float

    def table(self) -> list[web.RouteDef]:
        """Every operation with its handler; to be asked before any other: the paths look like those of applications."""
        handlers: dict[str, Handler] = {
            "tryApplication": self._try,
            "listTemplates": self._templates,
            "getComponents": self._components,
            "getWorkflows": self._workflows,
            "putWorkflow": self._put_workflow,
            "tryWorkflow": self._try_workflow,
            "executeWorkflow": self._execute,
            "cancelTask": self._cancel,
            "getTaskStatus": self._status,
            "createVersion": self._version,
            "deleteResources": self._delete,
        }
        return [*(route_of(operation, handlers[operation.id]) for operation in DIALECT_OPERATIONS), *_closed()]

    async def _try(self, request: web.Request) -> web.StreamResponse:
        return json_response(await self.asked.attempt(requests.principal(request), await self._body(request)))

    async def _templates(self, request: web.Request) -> web.StreamResponse:
        page = await self.asked.templates(
            requests.principal(request), after=requests.page_position(request), limit=requests.limit(request)
        )
        return json_response(page)

    async def _components(self, request: web.Request) -> web.StreamResponse:
        return json_response(await self.asked.components(requests.principal(request), _id(request)))

    async def _workflows(self, request: web.Request) -> web.StreamResponse:
        return json_response(await self.asked.workflows(requests.principal(request), _id(request)))

    async def _put_workflow(self, request: web.Request) -> web.StreamResponse:
        raw, key = await self._body(request), requests.request_id(request)
        return json_response(await self.asked.put_workflow(requests.principal(request), _id(request), raw, request=key))

    async def _try_workflow(self, request: web.Request) -> web.StreamResponse:
        raw = await self._body(request)
        return json_response(await self.asked.attempt_workflow(requests.principal(request), _id(request), raw))

    async def _execute(self, request: web.Request) -> web.StreamResponse:
        raw, key = await self._body(request), requests.request_id(request)
        return json_response(await self.asked.execute(requests.principal(request), _id(request), raw, request=key))

    async def _cancel(self, request: web.Request) -> web.StreamResponse:
        raw, key = await self._body(request), requests.request_id(request)
        return json_response(await self.asked.cancel(requests.principal(request), _id(request), raw, request=key))

    async def _status(self, request: web.Request) -> web.StreamResponse:
        return json_response(await self.asked.status(requests.principal(request), request.match_info["task"]))

    async def _version(self, request: web.Request) -> web.StreamResponse:
        raw, key = await self._body(request), requests.request_id(request)
        return json_response(await self.asked.version(requests.principal(request), _id(request), raw, request=key))

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        key = requests.request_id(request)
        return json_response(await self.asked.delete(requests.principal(request), _id(request), request=key))

    async def _body(self, request: web.Request) -> bytes:
        return await requests.document(request, timeout_s=self.body_timeout_s)


def _closed() -> list[web.RouteDef]:
    """Other methods of these paths: without them a request would be taken for one about `<namespace>/<name>`."""
    allowed: dict[str, set[str]] = {}
    for operation in DIALECT_OPERATIONS:
        allowed.setdefault(routed(operation.path, ID), set()).add(operation.method)
    return [web.route("*", route, _not_allowed(methods)) for route, methods in allowed.items()]


def _not_allowed(methods: set[str]) -> Handler:
    async def refuse(request: web.Request) -> web.StreamResponse:
        raise web.HTTPMethodNotAllowed(request.method, methods)

    return refuse


def _id(request: web.Request) -> AppUid:
    return AppUid(request.match_info["id"])
