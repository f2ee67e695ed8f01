"""Why the gateway refuses a caller, apart from what is wrong with a document.

Rejected
├── Forbidden            the caller may not do that at all
├── NamespaceForbidden   nor there
├── NotFound             there is no such thing, or none that the caller may know of
│   └── NoSuchId         the same, asked for by KubeMin-Cli's ids
├── TaskRunning          a run that has not ended cannot be cancelled
├── NoNewSealingKey      the cluster has no other key to seal for
└── DocumentUnreadable   the bytes are no document
"""

from collections.abc import Sequence

from shared.contracts.plan import Finding
from shared.errors import Rejected


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


_BUSINESS_CODES = {"application": 10005, "workflow": 20005, "task": 20006}
"""Source: KubeMin-Cli."""


class NoSuchId(NotFound):
    """There is none, in the words of KubeMin-Cli."""

    @property
    def business_code(self) -> int:
        """That project's number."""
        return _BUSINESS_CODES[self.what]


class TaskRunning(Rejected):
    """A run that has not ended cannot be cancelled."""

    def __init__(self, task: str) -> None:
        self.task = task
        super().__init__(
            f"task {task!r} goes on, and a task cannot be cancelled yet; deliver another version,"
            " which takes its place, or delete the application",
            reason="TaskRunning",
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
