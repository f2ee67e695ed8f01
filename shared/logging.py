"""Structured logs: JSON unless standard error is a terminal; an event is a stable snake_case name with fields.

Configured once per process by `configure`; what libraries log through the standard module takes the same way out.
"""

import logging
import sys
from collections.abc import MutableMapping
from contextlib import AbstractContextManager
from typing import Any, TextIO

import structlog
from structlog.typing import Processor

_OUR_PACKAGES = ("shared", "services", "cli", "dev", "__main__")
"""These log at the level that is asked for; libraries from WARNING up."""
_REFUSED = "[refused]"
_SECRET_FIELDS = frozenset(
    {"authorization", "credentials", "data_key", "mongodb_uri", "password", "private_key", "secret", "token"}
)
"""Fields that must not be logged whatever they hold; nothing is guessed from values."""


def configure(service: str, *, level: str = "INFO", stream: TextIO | None = None) -> None:
    """Set up the logs of this process; `stream` is standard error unless given."""
    out = stream or sys.stderr
    terminal = out.isatty()
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _add_service(service),
        _refuse_secrets,
    ]
    # Tracebacks without local variables, on both ways out: those may hold secrets.
    shared += [] if terminal else [structlog.processors.format_exc_info]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    renderer: Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if terminal
        else structlog.processors.JSONRenderer()
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for ours in _OUR_PACKAGES:
        logging.getLogger(ours).setLevel(level)


def get_logger(name: str) -> structlog.stdlib.BoundLogger:
    """Return the logger of the module of that `__name__`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(name)
    return logger


def bound(**fields: object) -> AbstractContextManager[None]:
    """Add fields (run, cluster, step) to every log line within the scope, also of tasks started in it."""
    return structlog.contextvars.bound_contextvars(**fields)


def _add_service(service: str) -> Processor:
    def add(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        return event

    return add


def _refuse_secrets(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for field in _SECRET_FIELDS & event.keys():
        event[field] = _REFUSED
    return event
