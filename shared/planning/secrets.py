"""Where secret values stand in a document, what one cluster gets of them, and how they are hidden from readers."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.contracts import sealed
from shared.contracts.identity import ClusterName, Namespace
from shared.contracts.plan import Finding, Manifest
from shared.jobtypes.base import JobType, Registry, SecretEncoding, SecretLocation, Trait
from shared.jobtypes.objects import is_secret
from shared.planning.composing import given
from shared.planning.document import Application
from shared.planning.findings import DocumentRejected
from shared.planning.lookup import find_type
from shared.planning.policies import DeclaredPolicy, composed, declared, secret_places
from shared.planning.policies.base import Composition
from shared.planning.trees import MALFORMED, PathElement, mapping, path_text

MASK = "******"
_VALUES = ("data", "stringData")


@dataclass(frozen=True, kw_only=True)
class LocatedSecret:
    """One secret value of a document, to be sealed in place."""

    path: tuple[PathElement, ...]
    """Into the document as sent."""
    secret: str
    """Name of the Secret that will hold it."""
    key: str
    encoding: SecretEncoding
    namespace: Namespace
    """Of the Secret."""


def secret_locations(app: Application, registry: Registry) -> list[LocatedSecret]:
    """Every secret value of a checked application: in components in document order, then in policies.

    Raises:
        DocumentRejected: a value is for several Secrets at once.
    """
    policies = declared(app)
    components = (given(index, component) for index, component in enumerate(app.spec.components))
    composition = composed(components, policies, registry)
    copied = frozenset(one.copy_of for one in composition.components)
    found: dict[tuple[PathElement, ...], LocatedSecret] = {}
    for place in (*_in_components(app, registry), *_in_policies(composition, policies, registry)):
        for located in _located(place, Namespace(app.metadata.namespace), copied):
            found.setdefault(located.path, located)
    return list(found.values())


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Properties that may hold secret values."""

    path: tuple[PathElement, ...]
    properties: Mapping[str, Any]
    entry: JobType[Any] | Trait[Any]
    components: tuple[str, ...]
    """Names of those that the values are for."""


def _in_components(app: Application, registry: Registry) -> Iterator[_Place]:
    for index, component in enumerate(app.spec.components):
        path: tuple[PathElement, ...] = ("spec", "components", index)
        names = (component.name,)
        job_type = find_type(registry.job_types, component.type)
        if job_type is not None:
            properties = component.properties
            yield _Place(path=(*path, "properties"), properties=properties, entry=job_type, components=names)
        for position, given_trait in enumerate(component.traits):
            trait = find_type(registry.traits, given_trait.type)
            if trait is not None:
                where = (*path, "traits", position, "properties")
                yield _Place(path=where, properties=given_trait.properties, entry=trait, components=names)


def _in_policies(composition: Composition, policies: Sequence[DeclaredPolicy], registry: Registry) -> Iterator[_Place]:
    for policy, place in secret_places(policies, composition.seen, registry):
        entries: Mapping[str, JobType[Any] | Trait[Any]] = registry.traits if place.of_trait else registry.job_types
        entry = find_type(entries, place.name)
        if entry is not None:
            path: tuple[PathElement, ...] = ("spec", "policies", policy.index, "properties", *place.path)
            yield _Place(path=path, properties=place.properties, entry=entry, components=place.components)


def _located(place: _Place, namespace: Namespace, copied: Collection[str]) -> Iterator[LocatedSecret]:
    try:
        locations = list(place.entry.secrets(place.properties))
    except MALFORMED as error:
        # Another policy replaces these properties before they are checked; no value of them may be stored as it is.
        message = "these properties are replaced by a policy, and are not well-formed themselves"
        path = path_text("", *place.path)
        raise DocumentRejected([Finding(path=path, code="InvalidValue", message=message)]) from error
    for location in locations:
        if not location.secret and (len(place.components) != 1 or place.components[0] in copied):
            raise DocumentRejected([_ambiguous(path_text("", *place.path, *location.path))])
        yield _at(place, location, namespace)


def _ambiguous(path: str) -> Finding:
    message = "this value would be for the Secrets of several components, and it can be sealed for one alone"
    return Finding(path=path, code="SecretAmbiguous", message=message, remedy="Name the Secret, or the component.")


def _at(place: _Place, location: SecretLocation, namespace: Namespace) -> LocatedSecret:
    """A value within a whole manifest belongs to the namespace that the manifest names."""
    inner: Any = place.properties
    for element in location.path:
        named = mapping(mapping(inner).get("metadata")).get("namespace")
        if isinstance(named, str) and named:
            namespace = Namespace(named)
        inner = inner[element]
    return LocatedSecret(
        path=(*place.path, *location.path),
        secret=location.secret or place.components[0],
        key=location.key,
        encoding=location.encoding,
        namespace=namespace,
    )


def for_cluster(manifest: Manifest, cluster: ClusterName, namespace: str = "") -> Manifest:
    """The Secret with only one cluster's sealed parts; raises KeyError where a value was not sealed for it.

    `namespace` is that of a placement into another one than the application's.

    What merely looks sealed stays as it is: the executor refuses what it cannot open.
    """
    result = dict(manifest)
    for field in _VALUES:
        if isinstance(manifest.get(field), dict):
            result[field] = {key: _part(value, cluster, namespace) for key, value in manifest[field].items()}
    return result


def _part(value: Any, cluster: ClusterName, namespace: str) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return sealed.for_cluster(value, cluster, namespace)
    except ValueError:
        return value


def masked(manifest: Manifest) -> Manifest:
    """The manifest as people may read it: no value of a Secret, sealed or not, and nothing that looks sealed."""
    result: Manifest = _without_sealed(manifest)
    if is_secret(manifest):
        for field in _VALUES:
            if manifest.get(field) is not None:
                result[field] = dict.fromkeys(manifest[field], MASK) if isinstance(manifest[field], dict) else MASK
    return result


def masked_document(document: dict[str, Any], locations: list[LocatedSecret]) -> dict[str, Any]:
    """The document as people may read it."""
    result: dict[str, Any] = _without_sealed(document)
    for location in locations:
        parent: Any = result
        for element in location.path[:-1]:
            parent = parent[element]
        parent[location.path[-1]] = MASK
    return result


def _without_sealed(value: Any) -> Any:
    # Most values are texts: a call for each of them would take as long as all the rest.
    if isinstance(value, str):
        return MASK if value.startswith(sealed.PREFIX) else value
    if isinstance(value, dict):
        return {
            key: _without_sealed(item) if not isinstance(item, str) or item.startswith(sealed.PREFIX) else item
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [_without_sealed(item) for item in value]
    return value
