"""Objects that a document has copied out of clusters or fetched: where they are asked for, and what comes of it."""

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.gateway.domain import documents
from services.gateway.domain.addresses import Address, AddressInvalid, AllowedAddresses
from services.gateway.domain.refusals import ClusterSilent
from shared.contracts import sealed
from shared.contracts.desired import CopiedObjects
from shared.contracts.identity import ClusterName, ObjectKey
from shared.contracts.plan import Finding, Manifest, Placement
from shared.contracts.reads import ADDRESSES_LIMIT, OBJECTS_LIMIT, ObjectQuery, QueryAnswer, Recipient
from shared.contracts.registry import ClusterRecord, default_cluster
from shared.contracts.sealed import SealedPart, SealedValue
from shared.jobtypes.objects import group_kind, is_secret
from shared.planning import DocumentRejected, SoughtAddress, SoughtObjects

Question = tuple[ClusterName, ObjectQuery]


@dataclass(frozen=True)
class Copies:
    """What was read for a document."""

    of: tuple[CopiedObjects, ...] = ()
    warnings: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Errand:
    """Objects that a document seeks, and where each is asked for."""

    sought: tuple[tuple[ClusterName, SoughtObjects], ...] = ()
    addresses: tuple[tuple[str, SoughtAddress], ...] = ()
    """Each as it is requested."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing is sought."""
        return not self.sought and not self.addresses

    @property
    def urls(self) -> tuple[str, ...]:
        """What is fetched, each once."""
        return tuple(dict.fromkeys(url for url, _ in self.addresses))

    @property
    def questions(self) -> dict[ClusterName, tuple[ObjectQuery, ...]]:
        """By cluster, each once: copies of a component seek the same."""
        asked: dict[ClusterName, dict[ObjectQuery, None]] = {}
        for cluster, sought in self.sought:
            asked.setdefault(cluster, {})[sought.query] = None
        return {cluster: tuple(queries) for cluster, queries in asked.items()}

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Where the objects live, each once."""
        return tuple(dict.fromkeys(sought.query.namespace for _, sought in self.sought))


def errand(
    sought: Sequence[SoughtObjects | SoughtAddress],
    registered: Sequence[ClusterRecord],
    allowed: AllowedAddresses,
) -> Errand:
    """Resolve clusters and addresses.

    Raises DocumentRejected, which names the clusters that there are or the setting that allows addresses.
    """
    known = [cluster.name for cluster in registered]
    default = default_cluster(registered)
    found: list[tuple[ClusterName, SoughtObjects]] = []
    addresses: list[tuple[str, SoughtAddress]] = []
    findings: list[Finding] = []
    for one in sought:
        if isinstance(one, SoughtAddress):
            address = _address(one, allowed)
            if isinstance(address, Finding):
                findings.append(address)
            else:
                addresses.append((str(address), one))
            continue
        cluster = documents.cluster_meant(one.cluster, known, default)
        if cluster is None:
            message = f"cluster {one.cluster!r} is not registered"
            remedy = documents.registered_clusters(known)
            findings.append(one.finding("UnknownCluster", message, remedy, field="cluster"))
        else:
            found.append((cluster, one))
    resolved = Errand(tuple(found), tuple(addresses))
    findings += _too_many(resolved)
    if findings:
        raise DocumentRejected(findings)
    return resolved


def _address(one: SoughtAddress, allowed: AllowedAddresses) -> Address | Finding:
    try:
        address = Address.read(one.url)
    except AddressInvalid as error:
        return one.finding("InvalidFormat", f"this address {error}", "Write https://host/path.")
    if not allowed.allow(address):
        message = "the gateway may not fetch from here: the address begins with no prefix in its KUBEMIN_OBJECT_URLS"
        return one.finding(
            "UrlNotAllowed", message, "An administrator can add one; or write the objects as k8s-objects."
        )
    return address


def _too_many(resolved: Errand) -> Iterator[Finding]:
    for cluster, queries in resolved.questions.items():
        if len(queries) > OBJECTS_LIMIT:
            message = f"{len(queries)} references to objects of cluster {cluster}; {OBJECTS_LIMIT} are allowed"
            yield Finding(path="spec.components", code="TooManyObjects", message=message, remedy=_FEWER)
    if len(resolved.urls) > ADDRESSES_LIMIT:
        message = f"{len(resolved.urls)} addresses to fetch objects from; {ADDRESSES_LIMIT} are allowed"
        yield Finding(path="spec.components", code="TooManyObjects", message=message, remedy=_FEWER)


def recipients(placements: Sequence[Placement], clusters: Sequence[ClusterRecord]) -> tuple[Recipient, ...]:
    """The places that a document goes to, with the keys to seal for."""
    keys = {cluster.name: cluster.sealing_key for cluster in clusters}
    return tuple(Recipient(cluster=p.cluster, namespace=p.namespace, sealing_key=keys[p.cluster]) for p in placements)


@dataclass
class _Collected:
    """What came of an errand so far."""

    objects: dict[str, dict[Hashable, Manifest]] = field(default_factory=dict)
    """By component, and what tells two objects apart."""
    findings: list[Finding] = field(default_factory=list)
    warnings: list[Finding] = field(default_factory=list)

    def of(self, sought: SoughtObjects | SoughtAddress, answer: QueryAnswer) -> dict[Hashable, Manifest] | None:
        """Where to put an answer's objects; None for one that is refused."""
        if answer.code:
            self.findings.append(sought.finding(answer.code, answer.message, _REMEDIES.get(answer.code, "")))
            return None
        return self.objects.setdefault(sought.component, {})


def collect(
    sent: Errand,
    answers: Mapping[Question, QueryAnswer],
    files: Mapping[str, QueryAnswer],
    previous: Iterable[CopiedObjects],
) -> Copies:
    """Put the answers together by component, each object once; values that have not changed keep their ciphertext.

    Raises:
        DocumentRejected: with every reference that was refused.
        ClusterSilent: an answer that cannot be used: it is not what was asked for, or a Secret in it is not sealed.

    """
    kept = {value.mark: value for one in previous for manifest in one.objects for value in _values(manifest)}
    collected = _Collected()
    for cluster, sought in sent.sought:
        answer = answers[cluster, sought.query]
        objects = collected.of(sought, answer)
        if objects is None:
            continue
        if not answer.objects:
            message = f"no object in cluster {cluster} has these labels"
            collected.warnings.append(sought.finding("ReferenceNotFound", message, field="labelSelector"))
        for manifest in answer.objects:
            if not _is_wanted(manifest, sought.query):
                raise ClusterSilent(cluster, "its answer is not what was asked for")
            live = (cluster, ObjectKey.of(manifest), sought.query.namespace)
            objects.setdefault(live, _sealed(manifest, kept, cluster))
    for url, address in sent.addresses:
        objects = collected.of(address, files[url])
        if objects is not None:
            # An object that a file has twice stays so, and planning tells of it.
            objects |= {(url, index): manifest for index, manifest in enumerate(files[url].objects)}
    if collected.findings:
        raise DocumentRejected(collected.findings, warnings=collected.warnings)
    found = collected.objects.items()
    copies = (CopiedObjects(component=name, objects=tuple(objects.values())) for name, objects in found)
    return Copies(tuple(copies), tuple(collected.warnings))


def _is_wanted(manifest: Manifest, query: ObjectQuery) -> bool:
    """Whether an object can be one that was asked for: no cluster is to say what another one gets."""
    match manifest:
        case {"apiVersion": str(), "kind": str(), "metadata": {"name": str(name)}}:
            return group_kind(manifest)[0] == query.group and query.name in ("", name)
        case _:
            return False


def _sealed(manifest: Manifest, kept: Mapping[str, SealedValue], cluster: ClusterName) -> Manifest:
    """The Secret with the ciphertext that is stored of it already, as far as it is for the same keys."""
    if not is_secret(manifest):
        return manifest
    data = manifest.get("data") or {}
    if manifest.get("stringData") or not isinstance(data, dict):
        raise ClusterSilent(cluster, _UNSEALED)
    values: dict[str, str] = {}
    for key, text in data.items():
        value = _read(text)
        if value is None:
            raise ClusterSilent(cluster, _UNSEALED)
        values[key] = sealed.write(_merged(value, kept.get(value.mark)))
    return {**manifest, "data": values} if values else manifest


def _merged(value: SealedValue, before: SealedValue | None) -> SealedValue:
    if before is None:
        return value
    return SealedValue(
        mark=value.mark, parts={place: _older(part, before.parts.get(place)) for place, part in value.parts.items()}
    )


def _older(part: SealedPart, before: SealedPart | None) -> SealedPart:
    return before if before is not None and before.recipient == part.recipient else part


def _values(manifest: Manifest) -> Iterator[SealedValue]:
    if is_secret(manifest):
        yield from (value for text in (manifest.get("data") or {}).values() if (value := _read(text)) is not None)


def _read(text: object) -> SealedValue | None:
    try:
        return sealed.read(text) if isinstance(text, str) else None
    except ValueError:
        return None


_UNSEALED = "it answered with a Secret that is not sealed"
_FEWER = "Refer to fewer, or make several applications of it."
_REMEDIES: Mapping[str, str] = {
    "ReferenceNotFound": "Create it, or correct name, namespace and cluster.",
    "TooManyObjects": _FEWER,
    "ObjectsTooLarge": _FEWER,
    "UrlNotFetched": "Correct the address, or what is there.",
    "SecretValueInOpen": "Write it in the document, which seals its values, or copy it out of a cluster.",
}
