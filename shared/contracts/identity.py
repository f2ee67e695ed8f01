"""Who and what is meant: typed identifiers, the application's address and an object's key."""

from typing import Annotated, Any, NewType, Self

from pydantic import Field

from shared.contracts.model import Contract

Tenant = NewType("Tenant", str)
Namespace = NewType("Namespace", str)
AppName = NewType("AppName", str)
AppUid = NewType("AppUid", str)
"""Identifies an application for ever; a name that is created again gets a new one."""
ClusterName = NewType("ClusterName", str)
StepId = NewType("StepId", str)
"""`<component>` or `<component>=<kind>=<name>`, with `@<namespace>` where a policy puts it into another namespace than
the application's; `=prepare` and `=prune` for commands that are no step."""
RunId = NewType("RunId", str)
Digest = NewType("Digest", str)
"""Lower-case hexadecimal SHA-256 of a manifest's canonical JSON."""

PREPARE = StepId("=prepare")
PRUNE = StepId("=prune")

DNS_LABEL = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
"""RFC 1123 label, as Kubernetes checks it."""
DNS_SUBDOMAIN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
"""RFC 1123 subdomain, as Kubernetes checks it (length apart: 253)."""

Label = Annotated[str, Field(pattern=DNS_LABEL, max_length=63)]
Subdomain = Annotated[str, Field(pattern=DNS_SUBDOMAIN, max_length=253)]


class AppRef(Contract):
    """The address of an application: a namespace belongs to one tenant."""

    tenant: Label
    namespace: Label
    name: Subdomain

    def __str__(self) -> str:
        """`tenant/namespace/name`, for logs and messages."""
        return f"{self.tenant}/{self.namespace}/{self.name}"


class ObjectKey(Contract):
    """Names one Kubernetes object within a cluster; kind is part of the identity."""

    api_version: str
    kind: str
    namespace: str
    """Empty for a cluster-scoped object."""
    name: str

    @classmethod
    def of(cls, manifest: dict[str, Any]) -> Self:
        """Read the key off a manifest that has apiVersion, kind and metadata.name."""
        metadata = manifest["metadata"]
        return cls(
            api_version=manifest["apiVersion"],
            kind=manifest["kind"],
            namespace=metadata.get("namespace", ""),
            name=metadata["name"],
        )

    @property
    def is_job(self) -> bool:
        """Whether it is a Job: the kind that runs to its end once."""
        return self.kind == "Job" and self.api_version.startswith("batch/")

    def __str__(self) -> str:
        """`Kind namespace/name`, for messages."""
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


def placed_step(step: StepId, namespace: str, home: str) -> StepId:
    """The id of a step that is placed into `namespace`, where `home` is the application's own.

    One cluster may have the same step in several namespaces; its id depends on nothing else that is placed there.
    """
    return step if namespace in ("", home) else StepId(f"{step}@{namespace}")


def run_id(uid: AppUid, generation: int) -> RunId:
    """Every user action raises the generation and starts at most one run, so the pair identifies the run."""
    return RunId(f"{uid}-{generation}")


def parse_run_id(run: str) -> tuple[AppUid, int]:
    """Split a run id; raises ValueError where it is none."""
    uid, _, generation = run.rpartition("-")
    if not uid or not generation.isdigit():
        msg = f"{run!r} is no run id (expected <uid>-<generation>)"
        raise ValueError(msg)
    return AppUid(uid), int(generation)
