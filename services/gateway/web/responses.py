"""Good answers, and the routes to them."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web
from pydantic import BaseModel

from services.gateway.web.operation import Operation

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def json_response(model: BaseModel, *, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """A model as JSON."""
    body = model.model_dump_json(by_alias=True).encode()
    # What is read here is of one moment, and of one tenant.
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return web.Response(status=status, body=body, headers=headers)


def route_of(operation: Operation, handler: Handler) -> web.RouteDef:
    """The route of an operation, named by its id."""
    # No HEAD beside GET: it would do all the work, and follow a run, for nobody.
    options = {"allow_head": False} if operation.method == "GET" else {}
    return web.route(operation.method, operation.route, handler, name=operation.id, **options)
