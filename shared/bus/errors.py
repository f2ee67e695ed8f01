"""What goes wrong with the bus, in our tree of errors.

Rejected ── OversizeMessage
Retryable ─┬ BusUnavailable   no connection, or no answer in time; a publish may yet have been stored
           ├ NoStream         the stream or durable is not there: the centre is to create it
           └ StreamRefused    the stream is there and says no (full, for one)
Fatal ─────┬ CannotConnect    no first connection within the deadline
           └ BusClosed        the connection is closed for good
"""

import nats.errors
import nats.js.errors

from shared.errors import EXIT_MISCONFIGURED, Fatal, Rejected, Retryable


class OversizeMessage(Rejected):
    """Larger than the bus takes; sent nevertheless, it would close the connection for good."""

    def __init__(self, subject: str, size_bytes: int, limit_bytes: int) -> None:
        self.subject = subject
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes
        super().__init__(
            f"a message of {size_bytes} bytes for {subject} exceeds the limit of {limit_bytes}",
            reason="OversizeMessage",
        )


class BusUnavailable(Retryable):
    """No connection, or no answer in time."""

    def __init__(self, doing: str, problem: str) -> None:
        self.doing = doing
        self.problem = problem
        super().__init__(f"{doing}: {problem}")


class NoStream(Retryable):
    """The stream or the durable does not exist."""

    def __init__(self, doing: str) -> None:
        self.doing = doing
        super().__init__(f"{doing}: no such stream or consumer")


class StreamRefused(Retryable):
    """JetStream refused the request."""

    def __init__(self, doing: str, code: int, description: str) -> None:
        self.doing = doing
        self.code = code
        """JetStream's err_code."""
        self.description = description
        super().__init__(f"{doing}: {description} ({code})")


class CannotConnect(Fatal):
    """NATS could not be reached, or not be used, from the start."""

    def __init__(self, url: str, problem: str) -> None:
        self.url = url
        self.problem = problem
        super().__init__(f"cannot use NATS at {url}: {problem}")


class CredentialsInvalid(Fatal):
    """The file that KUBEMIN_NATS_CREDENTIALS_FILE names cannot be used."""

    def __init__(self, path: str, problem: str) -> None:
        self.path = path
        super().__init__(f"KUBEMIN_NATS_CREDENTIALS_FILE: {path}: {problem}", exit_code=EXIT_MISCONFIGURED)


class BusClosed(Fatal):
    """The connection is closed for good: only a new process gets another."""

    def __init__(self) -> None:
        super().__init__("the connection to NATS was closed for good")


_ABSENT = (10014, 10059)
"""JetStream's err_codes of a consumer and a stream that were not found."""
LIBRARY_ERRORS = (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError)
"""What a call into nats-py raises when something is wrong outside."""


def translate(error: Exception, doing: str) -> Retryable:
    """Say in our tree what the library said."""
    match error:
        case nats.js.errors.NoStreamResponseError() | nats.errors.NoRespondersError():
            return NoStream(doing)
        case nats.js.errors.NotFoundError(err_code=code) if code in _ABSENT:
            return NoStream(doing)
        case nats.js.errors.ServiceUnavailableError() if not error.err_code:
            # A 503 without a code is the server's "no responders": nobody serves that consumer.
            return NoStream(doing)
        case nats.js.errors.APIError():
            return StreamRefused(doing, error.err_code or error.code or 0, error.description or "refused")
        case TimeoutError():
            return BusUnavailable(doing, "no answer in time")
        case _:
            return BusUnavailable(doing, str(error) or type(error).__name__)


def unanswered(error: Exception, doing: str) -> BusUnavailable:
    """Say in our tree why a request got no answer."""
    match error:
        case nats.errors.NoRespondersError():
            return BusUnavailable(doing, "nobody answers there")
        case TimeoutError():
            return BusUnavailable(doing, "no answer in time")
        case _:
            return BusUnavailable(doing, str(error) or type(error).__name__)
