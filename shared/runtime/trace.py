"""W3C trace context: which request a piece of work belongs to, carried from message to message.

Source: https://www.w3.org/TR/trace-context/#traceparent-header
"""

import re
import secrets
from contextvars import ContextVar

_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}\Z")

current: ContextVar[str | None] = ContextVar("traceparent", default=None)
"""The traceparent that this task works under."""


def traceparent() -> str:
    """Return the value for an outgoing message: a new span of the current trace, or of a new one."""
    parent = current.get()
    trace_id = parent.split("-")[1] if parent is not None else secrets.token_hex(16)
    flags = parent.split("-")[3] if parent is not None else "00"
    return f"00-{trace_id}-{secrets.token_hex(8)}-{flags}"


def adopt(value: str | None) -> None:
    """Work under the trace of an incoming message or request; what is no traceparent starts a new one, as W3C asks."""
    current.set(value if value is not None and _TRACEPARENT.match(value) else None)
