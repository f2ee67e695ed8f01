"""`/healthz`, `/readyz` and `/metrics` on a service's own HTTP server."""

import errno
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

from aiohttp import web
from aiohttp.http import HttpProcessingError

from shared.errors import EXIT_MISCONFIGURED, Fatal
from shared.logging import get_logger
from shared.metrics import Metrics
from shared.runtime.settings import HttpSettings

logger = get_logger(__name__)

_IDLE_TIMEOUT_S = 75.0
"""For a connection that sends no whole request; longer than the 60 s that proxies keep one for reuse."""


class _OthersMistakes(logging.Filter):
    """What is no HTTP is its sender's mistake: a short line, not an error of ours with a traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError | web.RequestPayloadError):
            return True
        # Its words quote what was sent, which may be a token or a document.
        logger.info("http_unreadable", error=type(error).__name__)
        return False


class CannotListen(Fatal):
    """The address is taken or not ours."""

    def __init__(self, host: str, port: int, problem: str) -> None:
        self.host = host
        self.port = port
        super().__init__(f"cannot listen on {host}:{port}: {problem}", exit_code=EXIT_MISCONFIGURED)


_OTHERS_MISTAKES = _OthersMistakes()


def add_health(app: web.Application, *, ready: Callable[[], list[str]], metrics: Metrics) -> None:
    """Add the routes; `ready` returns the reasons why the service is not ready, none when it is."""

    async def healthz(_request: web.Request) -> web.Response:
        # Answered by the event loop, so an answer means that it turns.
        return web.json_response({"alive": True})

    async def readyz(_request: web.Request) -> web.Response:
        reasons = ready()
        status = HTTPStatus.SERVICE_UNAVAILABLE if reasons else HTTPStatus.OK
        return web.json_response({"ready": not reasons, "reasons": reasons}, status=status)

    async def exposition(_request: web.Request) -> web.Response:
        body, content_type = metrics.exposition()
        return web.Response(body=body, headers={"Content-Type": content_type})

    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", exposition)


@asynccontextmanager
async def listening(app: web.Application, http: HttpSettings) -> AsyncIterator[int]:
    """Serve the application within the scope; yields the bound port.

    Raises:
        CannotListen: when the address is taken.

    """
    library = logging.getLogger("aiohttp.server")
    library.addFilter(_OTHERS_MISTAKES)
    runner = web.AppRunner(
        app,
        logger=library,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=http.stop_grace_s,
        keepalive_timeout=_IDLE_TIMEOUT_S,
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, http.http_host, http.http_port).start()
        except OSError as error:
            raise CannotListen(http.http_host, http.http_port, _problem(error)) from error
        port: int = runner.addresses[0][1]
        if http.http_port_file is not None:
            _write_port(http.http_port_file, port)
        logger.info("http_listening", host=http.http_host, port=port)
        yield port
    finally:
        await runner.cleanup()


def _problem(error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return "the port is in use by another process"
    return error.strerror or str(error)


def _write_port(path: Path, port: int) -> None:
    # Renamed into place: a reader sees the whole number or no file.
    draft = path.with_name(f"{path.name}.new")
    draft.write_text(f"{port}\n", encoding="ascii")
    draft.replace(path)
