"""Why a command did not do what it was asked for, each as one sentence with what to do about it.

KubeMinError
└── Failure                 ends the command with its exit code
    ├── UsageProblem        the command line, a file or the configuration is not as it must be
    │   └── NoContext       nobody said which gateway
    ├── Refused             the gateway says no, and would say so again
    ├── NotAuthenticated    the gateway does not know the token
    └── CouldNotTell        no answer, or none that tells
        ├── Unreachable     there is no connection
        ├── Unavailable     the gateway is there, but cannot answer now
        ├── NotAGateway     something else answers
        └── TimedOut        it took longer than the caller allowed
"""

from enum import IntEnum

from shared.contracts.api import Problem
from shared.errors import KubeMinError


class ExitCode(IntEnum):
    """What the command's exit code says; 2 is also what a wrong command line ends with."""

    OK = 0
    FAILED = 1
    """Refused, rejected, or it ran and did not succeed."""
    UNKNOWN = 2
    """Could not tell."""
    CHANGES = 3
    """Of `plan --detailed-exitcode`: applying would change something. 2, as Terraform has it, is taken."""
    INTERRUPTED = 130
    """Ctrl-C, as shells have it: 128 + SIGINT."""
    TERMINATED = 143
    """128 + SIGTERM."""


class Failure(KubeMinError):
    """The root of what ends a command."""

    exit_code: ExitCode = ExitCode.UNKNOWN

    def __init__(self, message: str, remedy: str = "") -> None:
        self.message = message
        self.remedy = remedy
        super().__init__(message)


class UsageProblem(Failure):
    """What was given cannot be used."""


class NoContext(UsageProblem):
    """Neither an option, nor the environment, nor the configuration names a gateway."""

    def __init__(self, message: str) -> None:
        super().__init__(
            message,
            "Start one with `kubemin dev`, or name yours: `kubemin context add NAME --server URL --token-file FILE`.",
        )


class Refused(Failure):
    """The gateway refuses the request for good."""

    exit_code = ExitCode.FAILED

    def __init__(self, problem: Problem, body: bytes) -> None:
        self.problem = problem
        self.body = body
        """As the gateway sent it."""
        super().__init__(problem.detail or problem.title)


class NotAuthenticated(Failure):
    """The token is missing, wrong, expired or revoked."""

    def __init__(self, server: str, *, token_source: str) -> None:
        self.server = server
        super().__init__(
            f"the gateway at {server} does not accept the token from {token_source}",
            "It may have expired or been revoked: ask an administrator for a new one, "
            "or choose another gateway with `kubemin context use`.",
        )


class CouldNotTell(Failure):
    """There is no answer that tells."""


class Unreachable(CouldNotTell):
    """No connection, or a lost one."""

    def __init__(self, server: str, cause: str, *, connected: bool = False) -> None:
        self.server = server
        self.cause = cause
        self.connected = connected
        """There was a connection: what was asked for may have been done."""
        super().__init__(
            f"no answer from the gateway at {server}: {cause}",
            "Is it running? `kubemin dev` starts one; `kubemin context list` shows the ones that are known.",
        )


class Unavailable(CouldNotTell):
    """The gateway cannot answer at the moment."""

    def __init__(self, server: str, problem: Problem, *, retry_after_s: float | None) -> None:
        self.problem = problem
        self.retry_after_s = retry_after_s
        """When to come back, where the gateway said so."""
        words = " ".join(part for part in (f"{problem.title}.", problem.detail) if part)
        super().__init__(f"the gateway at {server} cannot answer now (HTTP {problem.status}): {words}")


class NotAGateway(CouldNotTell):
    """What answers at the address does not speak the API, or a version of it that is not known here."""

    def __init__(self, server: str, cause: str) -> None:
        super().__init__(
            f"what answers at {server} is no KubeMin gateway that this version can talk to: {cause}",
            "Check the address: `kubemin context list`, `--server`, KUBEMIN_SERVER.",
        )


class TimedOut(CouldNotTell):
    """The time that the caller allowed is over."""
