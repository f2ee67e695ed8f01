"""From the bytes of a request to a checked document and its clusters."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.gateway.domain.refusals import DocumentUnreadable
from shared.contracts.canonical import canonical_json
from shared.contracts.identity import AppName, AppRef, ClusterName, Namespace, Tenant
from shared.contracts.plan import Finding
from shared.contracts.registry import ClusterRecord, default_cluster
from shared.jobtypes.base import Registry
from shared.planning import (
    LOCAL,
    Application,
    DocumentRejected,
    Limits,
    LocatedSecret,
    check_document,
    parse_document,
    placements,
)
from shared.planning.policies import TOPOLOGY

Path = tuple[str | int, ...]
SEALED_DOCUMENT_BYTES = 4 * 1024 * 1024
"""Of the stored record: the bus takes 5.5 MiB, and sealing makes values longer for every cluster."""


@dataclass(frozen=True)
class Checked:
    """A document that is well-formed and valid by itself."""

    document: dict[str, Any]
    application: Application
    warnings: tuple[Finding, ...]


@dataclass(frozen=True)
class Sealing:
    """A document with its secret values sealed."""

    document: dict[str, Any]
    unsealed: tuple[LocatedSecret, ...] = ()
    """Values that are not in the encoding that their place asks for; left as they were."""


def read(raw: bytes, registry: Registry, limits: Limits) -> Checked:
    """Parse and check; raises DocumentUnreadable, or DocumentRejected with all that is wrong."""
    try:
        document = parse_document(raw, limits=limits)
    except DocumentRejected as error:
        raise DocumentUnreadable(error.findings) from error
    return check(document, registry)


def check(document: dict[str, Any], registry: Registry) -> Checked:
    """Check a parsed document; raises DocumentRejected with all that is wrong."""
    application, warnings = check_document(document, registry)
    return Checked(document, application, tuple(warnings))


def ref(application: Application, tenant: Tenant) -> AppRef:
    """The address that the document gives the application."""
    metadata = application.metadata
    return AppRef(tenant=tenant, namespace=Namespace(metadata.namespace), name=AppName(metadata.name))


def resolve(application: Application, registered: Sequence[ClusterRecord]) -> tuple[ClusterRecord, ...]:
    """Return the clusters that the document is for; raises DocumentRejected naming those there are."""
    known = {ClusterName(cluster.name): cluster for cluster in registered}
    default = default_cluster(registered)
    chosen: dict[ClusterName, ClusterRecord] = {}
    findings = []
    for name in placements(application).clusters or (LOCAL,):
        cluster = known.get(name) or (known.get(default) if default and name == LOCAL else None)
        if cluster is None:
            findings.append(_no_default(known) if name == LOCAL else _unknown_cluster(application, name, known))
        else:
            chosen[ClusterName(cluster.name)] = cluster
    if findings:
        raise DocumentRejected(findings)
    return tuple(chosen.values())


def names(clusters: Iterable[ClusterRecord]) -> tuple[ClusterName, ...]:
    """Their names."""
    return tuple(ClusterName(cluster.name) for cluster in clusters)


def replaced(document: dict[str, Any], values: Mapping[Path, str]) -> dict[str, Any]:
    """Return a copy of the document with other values in some places."""
    if not values:
        return document
    result = copy.deepcopy(document)
    for path, value in values.items():
        *parents, last = path
        target: Any = result
        for part in parents:
            target = target[part]
        target[last] = value
    return result


def size_bytes(document: dict[str, Any]) -> int:
    """The size of a document as JSON."""
    return len(canonical_json(document))


def value_at(document: Any, path: Path) -> Any:
    """Return what stands at a path, or None where it leads nowhere."""
    current = document
    for part in path:
        try:
            current = current[part]
        except (KeyError, IndexError, TypeError):
            return None
    return current


def _unknown_cluster(application: Application, name: str, known: Iterable[str]) -> Finding:
    return Finding(
        path=_where_named(application, name),
        code="UnknownCluster",
        message=f"cluster {name!r} is not registered",
        remedy=f"Registered clusters: {', '.join(known) or 'none'}.",
    )


def _where_named(application: Application, name: str) -> str:
    for number, policy in enumerate(application.spec.policies):
        clusters = policy.properties.get("clusters") or []
        if policy.type == TOPOLOGY and name in clusters:
            return f"spec.policies[{number}].properties.clusters[{clusters.index(name)}]"
    return "spec.policies"


def _no_default(known: Iterable[str]) -> Finding:
    names_ = ", ".join(known)
    return Finding(
        path="spec.policies",
        code="NoDefaultCluster",
        message="the document names no cluster, and no registered one is the default",
        remedy=f"Add a topology policy with one of: {names_}."
        if names_
        else "An administrator registers a cluster with `kubemin-admin cluster add`.",
    )
