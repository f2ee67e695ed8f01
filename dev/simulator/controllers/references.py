"""Secrets and ConfigMaps that a pod cannot do without: which of them are missing, in kubelet's words. Pure lookups."""

from collections.abc import Iterator
from dataclasses import dataclass

from dev.simulator import kinds
from dev.simulator.kinds import Kind
from dev.simulator.objects import Object, namespace_of
from dev.simulator.store import Store


@dataclass(frozen=True, slots=True)
class Reference:
    """A reference to a Secret or ConfigMap, or to one key of it."""

    kind: Kind
    name: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class MissingVolume:
    """A volume that cannot be mounted."""

    volume: str
    message: str


def missing_volume(store: Store, pod: Object) -> MissingVolume | None:
    """Return the first volume of a pod whose source is missing."""
    for volume in pod["spec"].get("volumes") or ():
        for reference in _volume_references(volume):
            if (message := _missing(store, namespace_of(pod), reference)) is not None:
                return MissingVolume(volume["name"], message)
    return None


def missing_environment(store: Store, pod: Object, container: Object) -> str | None:
    """Return what keeps a container's environment from being made, if anything does."""
    for reference in _environment_references(container):
        if (message := _missing(store, namespace_of(pod), reference)) is not None:
            return message
    return None


def _missing(store: Store, namespace: str, reference: Reference) -> str | None:
    found = store.get(reference.kind, namespace, reference.name)
    if found is None:
        return f'{reference.kind.singular} "{reference.name}" not found'
    data = {**(found.get("data") or {}), **(found.get("binaryData") or {})}
    if reference.key and reference.key not in data:
        return f"couldn't find key {reference.key} in {reference.kind.kind} {namespace}/{reference.name}"
    return None


def _environment_references(container: Object) -> Iterator[Reference]:
    for source in container.get("envFrom") or ():
        yield from _optional(source.get("configMapRef"), kinds.CONFIG_MAP, "name")
        yield from _optional(source.get("secretRef"), kinds.SECRET, "name")
    for variable in container.get("env") or ():
        source = variable.get("valueFrom") or {}
        yield from _optional(source.get("configMapKeyRef"), kinds.CONFIG_MAP, "name")
        yield from _optional(source.get("secretKeyRef"), kinds.SECRET, "name")


def _volume_references(volume: Object) -> Iterator[Reference]:
    yield from _optional(volume.get("configMap"), kinds.CONFIG_MAP, "name")
    yield from _optional(volume.get("secret"), kinds.SECRET, "secretName")
    for source in (volume.get("projected") or {}).get("sources") or ():
        yield from _optional(source.get("configMap"), kinds.CONFIG_MAP, "name")
        yield from _optional(source.get("secret"), kinds.SECRET, "name")


def _optional(source: Object | None, kind: Kind, field: str) -> Iterator[Reference]:
    if source is not None and source.get(field) and not source.get("optional"):
        yield Reference(kind, source[field], source.get("key", ""))
