"""From the bytes of a request to a checked document and its clusters."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from services.gateway.domain.refusals import DocumentUnreadable
from shared.contracts import sealed
from shared.contracts.canonical import canonical_json
from shared.contracts.cloning import clone
from shared.contracts.identity import AppName, AppRef, AppUid, ClusterName, Namespace, Tenant
from shared.contracts.plan import Finding, Placement, Plan
from shared.contracts.registry import ClusterRecord, default_cluster
from shared.dialect import Converted, Edited, From, PathMap, convert, is_dialect
from shared.jobtypes.base import Registry
from shared.planning import (
    LOCAL,
    Application,
    Destination,
    DocumentRejected,
    Limits,
    LocatedSecret,
    check_document,
    destinations_of,
    parse_document,
)
from shared.planning.findings import shortened
from shared.planning.trees import leaves

Path = tuple[str | int, ...]
SEALED_DOCUMENT_BYTES = 4 * 1024 * 1024
"""Of the stored record: the bus takes 5.5 MiB, and sealing makes values longer for every cluster."""


@dataclass(frozen=True)
class Checked:
    """A document that is well-formed and valid by itself."""

    document: dict[str, Any]
    application: Application
    warnings: tuple[Finding, ...]
    paths: PathMap | None = None
    """Of a document that was converted: back to the one that was sent."""
    app_id: From[str] | None = None
    """Of the application that the document wants to replace."""


@dataclass(frozen=True)
class Parsed:
    """A document that can be read, as OAM."""

    document: dict[str, Any]
    converted: Converted | None = None
    """Of a document that was sent in the dialect."""

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """Of the conversion."""
        return () if self.converted is None else self.converted.warnings


@dataclass(frozen=True)
class Sealing:
    """A document with its secret values sealed."""

    document: dict[str, Any]
    unsealed: tuple[LocatedSecret, ...] = ()
    """Values that are not in the encoding that their place asks for; left as they were."""


def parse(raw: bytes, limits: Limits) -> Parsed:
    """Parse, and convert what is in the dialect.

    Raises DocumentUnreadable, or DocumentRejected with what is wrong in the words of the dialect.
    """
    document = body_of(raw, limits)
    if not is_dialect(document):
        return Parsed(document)
    converted = convert(document, limits=limits)
    return Parsed(converted.document, converted)


def body_of(raw: bytes, limits: Limits) -> dict[str, Any]:
    """The map that a request's body is; raises DocumentUnreadable."""
    try:
        return parse_document(raw, limits=limits)
    except DocumentRejected as error:
        raise DocumentUnreadable(error.findings) from error


def read(parsed: Parsed, registry: Registry) -> Checked:
    """Check what was parsed; raises DocumentRejected with all that is wrong."""
    converted = parsed.converted
    if converted is None:
        return check(parsed.document, registry)
    with told_of(converted.paths, converted.warnings):
        checked = check(parsed.document, registry)
    warnings = shortened([*converted.warnings, *converted.paths.findings(checked.warnings)])
    return replace(checked, warnings=warnings, paths=converted.paths, app_id=converted.app_id)


def edited(document: dict[str, Any], edit: Callable[[dict[str, Any]], Edited], registry: Registry) -> Checked:
    """Check what a request makes of a stored document; raises DocumentRejected in the places of the request."""
    changed = edit(document)
    with told_of(changed.paths, changed.warnings):
        checked = check(changed.document, registry)
    warnings = shortened([*changed.warnings, *changed.paths.findings(checked.warnings)])
    return replace(checked, warnings=warnings, paths=changed.paths)


def sealed_values(document: dict[str, Any]) -> frozenset[str]:
    """Every text in a stored document that is a sealed value, or begins like one."""
    return frozenset(
        value for _, value in leaves(document) if isinstance(value, str) and value.startswith(sealed.PREFIX)
    )


@contextmanager
def told_of(paths: PathMap | None, warnings: Sequence[Finding] = ()) -> Iterator[None]:
    """Tell what is wrong with a converted document where the one that was sent has it.

    `warnings` are those about it so far.
    """
    try:
        yield
    except DocumentRejected as error:
        found, more = error.findings, error.warnings
        if paths is not None:
            found, more = paths.findings(found), paths.findings(more)
        raise DocumentRejected(found, warnings=[*warnings, *more]) from error


def told_plan(plan: Plan, paths: PathMap | None) -> Plan:
    """The plan with the places of the document that was sent."""
    return plan if paths is None else paths.plan(plan)


def check(document: dict[str, Any], registry: Registry) -> Checked:
    """Check a parsed document that is to be planned; raises DocumentRejected with all that is wrong."""
    application, warnings = check_document(document, registry, plan_follows=True)
    return Checked(document, application, tuple(warnings))


def ref(application: Application, tenant: Tenant) -> AppRef:
    """The address that the document gives the application."""
    metadata = application.metadata
    return AppRef(tenant=tenant, namespace=Namespace(metadata.namespace), name=AppName(metadata.name))


@dataclass(frozen=True)
class Resolved:
    """Where a document goes."""

    clusters: tuple[ClusterRecord, ...]
    """Each once."""
    placements: tuple[Placement, ...]


def resolve(application: Application, registered: Sequence[ClusterRecord]) -> Resolved:
    """Return where the document goes: the union of its destinations, in its order.

    Raises DocumentRejected naming the clusters there are. A cluster and namespace that is named again counts once.
    """
    known = {ClusterName(cluster.name): cluster for cluster in registered}
    chosen: dict[tuple[ClusterName, str], Placement] = {}
    findings: list[Finding] = []
    for destination in destinations_of(application):
        found, wrong = _meant(destination, known, default_cluster(registered))
        findings += wrong
        for cluster in found:
            into = destination.namespace or application.metadata.namespace
            chosen.setdefault((cluster, into), Placement(cluster=cluster, namespace=destination.namespace))
    if findings:
        raise DocumentRejected(findings)
    if not chosen:
        message = "no registered cluster is meant by any topology policy, so there is nowhere to go"
        remedy = registered_clusters(known)
        raise DocumentRejected([Finding(path="spec.policies", code="NoCluster", message=message, remedy=remedy)])
    clusters = tuple(known[cluster] for cluster in dict.fromkeys(cluster for cluster, _ in chosen))
    return Resolved(clusters, tuple(chosen.values()))


def _meant(
    destination: Destination, known: Mapping[ClusterName, ClusterRecord], default: ClusterName | None
) -> tuple[list[ClusterName], list[Finding]]:
    if destination.labels is not None:
        wanted = destination.labels.items()
        found = [name for name, cluster in known.items() if wanted <= cluster.labels.items()]
        if found or destination.allow_empty:
            return found, []
        return [], [_no_match(destination, known)]
    names_: list[ClusterName] = []
    findings: list[Finding] = []
    for index, name in enumerate(destination.clusters or (LOCAL,)):
        cluster = cluster_meant(name, known, default)
        if cluster is not None:
            names_.append(cluster)
        else:
            where = f"{destination.path}.clusters[{index}]"
            findings.append(_no_default(known) if name == LOCAL else _unknown_cluster(where, name, known))
    return names_, findings


def cluster_meant(name: str, known: Container[str], default: ClusterName | None) -> ClusterName | None:
    """The cluster that a document names; None where it is not registered."""
    return ClusterName(name) if name in known else default if name == LOCAL else None


def _no_match(destination: Destination, known: Mapping[ClusterName, ClusterRecord]) -> Finding:
    labels = ", ".join(f"{key}={value}" for key, value in sorted((destination.labels or {}).items()))
    message = f"no registered cluster is labelled {labels}"
    where = f"{destination.path}.clusterLabelSelector"
    labelled = "; ".join(
        f"{name}: {', '.join(f'{k}={v}' for k, v in sorted(cluster.labels.items())) or 'no labels'}"
        for name, cluster in known.items()
    )
    return Finding(path=where, code="NoCluster", message=message, remedy=f"Registered clusters: {labelled or 'none'}.")


def replaced(document: dict[str, Any], values: Mapping[Path, str]) -> dict[str, Any]:
    """Return a copy of the document with other values in some places."""
    if not values:
        return document
    result: dict[str, Any] = clone(document)
    for path, value in values.items():
        *parents, last = path
        target: Any = result
        for part in parents:
            target = target[part]
        target[last] = value
    return result


def size_bytes(document: Any) -> int:
    """The size of a document, or a part of one, as JSON."""
    return len(canonical_json(document))


def check_id(checked: Checked, app: AppRef, stored: AppUid | None) -> None:
    """A document may name the application that it replaces; raises DocumentRejected where it is not the stored one."""
    wanted = checked.app_id
    if wanted is None or wanted.value == stored:
        return
    message = f"the application {app.namespace}/{app.name} has no such id"
    remedy = "Leave it out to create the application, or to replace the one that has the name."
    raise DocumentRejected([Finding(path=wanted.path, code="ApplicationNotFound", message=message, remedy=remedy)])


def check_size(stored: Sequence[Any]) -> None:
    """Raise DocumentUnreadable where a sealed document, with what it copies, is too large to be stored."""
    size = size_bytes(stored)
    if size > SEALED_DOCUMENT_BYTES:
        message = (
            f"with its values sealed for its clusters, and all that it copies, the document has {size} bytes,"
            f" {SEALED_DOCUMENT_BYTES} are allowed"
        )
        remedy = "Move large data out of the document, or make several applications of it."
        raise DocumentUnreadable([Finding(path="", code="TooLarge", message=message, remedy=remedy)])


def value_at(document: Any, path: Path) -> Any:
    """Return what stands at a path, or None where it leads nowhere."""
    current = document
    for part in path:
        try:
            current = current[part]
        except (KeyError, IndexError, TypeError):
            return None
    return current


def still_registered(clusters: Iterable[ClusterName], registered: Sequence[ClusterRecord]) -> tuple[ClusterRecord, ...]:
    """The clusters that an application is in already; raises DocumentRejected where one is registered no longer."""
    known = {ClusterName(cluster.name): cluster for cluster in registered}
    wanted = tuple(clusters)
    gone = [cluster for cluster in wanted if cluster not in known]
    if gone:
        raise DocumentRejected([_unknown_cluster("", cluster, known) for cluster in gone])
    return tuple(known[cluster] for cluster in wanted)


def _unknown_cluster(path: str, name: str, known: Iterable[str]) -> Finding:
    message = f"cluster {name!r} is not registered"
    return Finding(path=path, code="UnknownCluster", message=message, remedy=registered_clusters(known))


def registered_clusters(known: Iterable[str]) -> str:
    """The remedy that names them."""
    return f"Registered clusters: {', '.join(known) or 'none'}."


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
