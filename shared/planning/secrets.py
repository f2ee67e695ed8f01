"""Where secret values stand in a document, what one cluster gets of them, and how they are hidden from readers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared.contracts import sealed
from shared.contracts.identity import ClusterName, Namespace
from shared.contracts.plan import Manifest
from shared.jobtypes.base import Registry, SecretEncoding, SecretLocation
from shared.jobtypes.objects import group_kind
from shared.planning.document import Application
from shared.planning.lookup import find_type
from shared.planning.trees import PathElement, mapping

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
    """Every secret value of a checked application, in document order."""
    return list(_located(app, registry))


def _located(app: Application, registry: Registry) -> Iterator[LocatedSecret]:
    namespace = Namespace(app.metadata.namespace)
    for index, component in enumerate(app.spec.components):
        path: tuple[PathElement, ...] = ("spec", "components", index)
        job_type = find_type(registry.job_types, component.type)
        if job_type is not None:
            for location in job_type.secrets(component.properties):
                yield _at((*path, "properties"), component.properties, location, namespace)
        for position, entry in enumerate(component.traits):
            trait = find_type(registry.traits, entry.type)
            if trait is not None:
                for location in trait.secrets(entry.properties):
                    yield _at((*path, "traits", position, "properties"), entry.properties, location, namespace)


def _at(
    prefix: tuple[PathElement, ...], properties: dict[str, Any], location: SecretLocation, namespace: Namespace
) -> LocatedSecret:
    """A value within a whole manifest belongs to the namespace that the manifest names."""
    inner: Any = properties
    for element in location.path:
        named = mapping(mapping(inner).get("metadata")).get("namespace")
        if isinstance(named, str) and named:
            namespace = Namespace(named)
        inner = inner[element]
    return LocatedSecret(
        path=(*prefix, *location.path),
        secret=location.secret,
        key=location.key,
        encoding=location.encoding,
        namespace=namespace,
    )


def is_secret(manifest: Manifest) -> bool:
    """Whether the manifest is a Secret of Kubernetes."""
    return group_kind(manifest) == ("", "Secret")


def for_cluster(manifest: Manifest, cluster: ClusterName) -> Manifest:
    """The Secret with only one cluster's sealed parts; raises KeyError where a value was not sealed for it.

    What merely looks sealed stays as it is: the executor refuses what it cannot open.
    """
    result = dict(manifest)
    for field in _VALUES:
        if isinstance(manifest.get(field), dict):
            result[field] = {key: _part(value, cluster) for key, value in manifest[field].items()}
    return result


def _part(value: Any, cluster: ClusterName) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return sealed.for_cluster(value, cluster)
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
    if isinstance(value, dict):
        return {key: _without_sealed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_sealed(item) for item in value]
    return MASK if isinstance(value, str) and value.startswith(sealed.PREFIX) else value
