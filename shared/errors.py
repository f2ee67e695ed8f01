"""The errors that one part of the system raises for another to act on.

KubeMinError
├── Rejected    refused for good: the same request is refused again
├── Retryable   may succeed later, with nothing changed by the caller
└── Fatal       this process cannot go on: it ends with one sentence and an exit code

Adapters translate library errors into these with `raise … from`.
A subclass has typed fields and builds its own message.
"""

EXIT_FAILED = 1
EXIT_MISCONFIGURED = 2


class KubeMinError(Exception):
    """The root: what we raise on purpose."""


class Rejected(KubeMinError):
    """The request or command is refused for good."""

    def __init__(self, message: str, *, reason: str = "Rejected") -> None:
        self.reason = reason
        """Machine-readable and stable, CamelCase."""
        super().__init__(message)


class Retryable(KubeMinError):
    """It did not work now; trying again later is worth it."""

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        self.retry_after_s = retry_after_s
        """When the other side said so; None leaves the back-off to the caller."""
        super().__init__(message)


class Fatal(KubeMinError):
    """This process cannot go on."""

    def __init__(self, message: str, *, exit_code: int = EXIT_FAILED) -> None:
        self.exit_code = exit_code
        super().__init__(message)
