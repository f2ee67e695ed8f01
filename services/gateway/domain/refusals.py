"""Why the gateway refuses a caller, apart from what is wrong with a document.

Rejected
├── Forbidden            the caller may not do that at all
├── NamespaceForbidden   nor there
├── NotFound             there is no such thing, or none that the caller may know of
├── RevisionUnknown      that generation is not kept; names those that are
├── ChangedMeanwhile     somebody else changed the application in between
│   └── NoSuchId         the same, asked for by KubeMin-Cli's ids
├── NoRunUnderWay        there is nothing to cancel: the newest run has ended
├── RunNotCurrent        nor is it the run that was meant
├── NoNewSealingKey      the cluster has no other key to seal for
├── FileRefused          what a document has fetched is not to be had, or cannot be taken
└── DocumentUnreadable   the bytes are no document

Retryable
├── ClusterSilent        a cluster that has to be asked does not answer
└── AddressSilent        nor does a web address
"""

from collections.abc import Sequence

from shared.contracts.plan import Finding
from shared.errors import Rejected, Retryable


class Forbidden(Rejected):
    """The role does not include the operation."""

    def __init__(self, role: str, permission: str) -> None:
        self.role = role
        self.permission = permission
        super().__init__(f"a token of role {role} may not {permission}", reason="Forbidden")


class NamespaceForbidden(Rejected):
    """The namespace is not the tenant's; whether it is somebody else's is not told."""

    def __init__(self, tenant: str, namespace: str) -> None:
        self.tenant = tenant
        self.namespace = namespace
        super().__init__(
            f"namespace {namespace!r} does not belong to tenant {tenant!r}; an administrator can add it",
            reason="NamespaceForbidden",
        )


class NotFound(Rejected):
    """There is none, or none that the caller may know of."""

    def __init__(self, what: str, name: str, detail: str = "") -> None:
        self.what = what
        self.name = name
        super().__init__(f"there is no {what} {name!r}{detail}", reason="NotFound")


class RevisionUnknown(Rejected):
    """The application has no such generation, or its document is not kept any more."""

    def __init__(self, app: str, generation: int, kept: Sequence[int]) -> None:
        self.generation = generation
        self.kept = tuple(kept)
        super().__init__(
            f"application {app} has no generation {generation} to roll back to; "
            f"kept are {', '.join(str(number) for number in self.kept)}",
            reason="RevisionUnknown",
        )


class ChangedMeanwhile(Rejected):
    """What the caller wanted to change was changed by somebody else in the same moment."""

    def __init__(self, app: str) -> None:
        super().__init__(
            f"application {app} was changed by somebody else in the same moment; look at it and decide again",
            reason="ChangedMeanwhile",
        )


_BUSINESS_CODES = {"application": 10005, "workflow": 20005, "task": 20006}
"""Source: KubeMin-Cli."""


class NoSuchId(NotFound):
    """There is none, in the words of KubeMin-Cli."""

    @property
    def business_code(self) -> int:
        """That project's number."""
        return _BUSINESS_CODES[self.what]


class NoRunUnderWay(Rejected):
    """The newest run has ended, and an ended run never moves."""

    def __init__(self, app: str, run: str, phase: str) -> None:
        self.run = run
        super().__init__(
            f"no run of application {app} is under way: its newest, {run}, has ended as {phase}",
            reason="NoRunUnderWay",
        )


class RunNotCurrent(Rejected):
    """Another run is the newest; what was asked for is not done to that one."""

    def __init__(self, app: str, run: str, current: str) -> None:
        self.run = run
        self.current = current
        super().__init__(
            f"run {run!r} is not the newest run of application {app}, which is {current}", reason="RunNotCurrent"
        )


class NoNewSealingKey(Rejected):
    """The cluster's executor holds no key that could be taken up."""

    def __init__(self, cluster: str, why: str) -> None:
        self.cluster = cluster
        super().__init__(
            f"cluster {cluster!r} has no new sealing key: {why}; make one with "
            "`python -m shared.sealing rotate --file FILE` where the executor's key file is",
            reason="NoNewSealingKey",
        )


class DocumentUnreadable(Rejected):
    """The bytes are no document; one finding says what and where."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__(self.findings[0].message, reason="DocumentUnreadable")


class FileRefused(Rejected):
    """A file at a web address that a document names; the words go on where the document has the address."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, reason=code)


class ClusterSilent(Retryable):
    """A cluster does not answer, or says that it cannot now; whoever asked may know it, and nobody can do without."""

    def __init__(self, cluster: str, why: str, *, retry_after_s: float | None = None) -> None:
        self.cluster = cluster
        super().__init__(
            f"the document copies objects of cluster {cluster!r}, which cannot be asked at the moment: {why}",
            retry_after_s=retry_after_s,
        )


class AddressSilent(Retryable):
    """A web address does not answer at the moment, and what is there cannot be done without."""

    def __init__(self, host: str, why: str, *, retry_after_s: float | None = None) -> None:
        self.host = host
        super().__init__(
            f"the document has objects fetched from {host!r}, which cannot be reached at the moment: {why}",
            retry_after_s=retry_after_s,
        )
