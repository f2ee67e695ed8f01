"""Reads off a manifest what its pods need from their namespace."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from shared.contracts.plan import Manifest, Reference
from shared.jobtypes.templates import pod_template
from shared.planning.places import Places
from shared.planning.trees import PathElement, listing, mapping

SECRET = "Secret"  # noqa: S105 - a kind
CONFIG_MAP = "ConfigMap"
CLAIM = "PersistentVolumeClaim"
SERVICE_ACCOUNT = "ServiceAccount"
KINDS = frozenset({SECRET, CONFIG_MAP, CLAIM, SERVICE_ACCOUNT})

_WORDS = {
    SECRET: re.compile("secret", re.IGNORECASE),
    CONFIG_MAP: re.compile("configmap|config|cm", re.IGNORECASE),
    CLAIM: re.compile("pvc|claim|volume", re.IGNORECASE),
    SERVICE_ACCOUNT: re.compile("service-?account", re.IGNORECASE),
}
"""By which a place in a document is known to speak of a kind."""
_SOURCES = {
    "secret": (SECRET, "secretName"),
    "configMap": (CONFIG_MAP, "name"),
    "persistentVolumeClaim": (CLAIM, "claimName"),
    "azureFile": (SECRET, "secretName"),
}
"""Volumes that name an object: which field of a volume, and where the name is in it."""
_DRIVERS = {
    "csi": "nodePublishSecretRef",
    **dict.fromkeys(("cephfs", "flexVolume", "iscsi", "rbd", "scaleIO", "storageos"), "secretRef"),
}
"""Volumes whose driver logs in with a Secret: where the name of it is."""


def references(manifest: Manifest, namespace: str) -> list[Reference]:
    """Everything that the object needs; `path` is left empty. Claim templates of a StatefulSet are none."""
    if manifest["kind"] == "Ingress":
        found = _tls(manifest)
    else:
        template = pod_template(manifest)
        found = _of_pod(mapping(template.get("spec"))) if template is not None else iter(())
    return merged(
        Reference(kind=kind, namespace=namespace, name=name, optional=optional)
        for kind, name, optional in found
        if isinstance(name, str) and name
    )


def merged(found: Iterable[Reference]) -> list[Reference]:
    """One reference per object, optional only where all of them are; the first place counts."""
    by_object: dict[tuple[str, str, str], Reference] = {}
    for reference in found:
        key = (reference.kind, reference.namespace, reference.name)
        before = by_object.get(key)
        if before is None:
            by_object[key] = reference
        elif before.optional and not reference.optional:
            by_object[key] = before.model_copy(update={"optional": False, "path": reference.path or before.path})
    return list(by_object.values())


Found = tuple[str, Any, bool]


def _tls(ingress: Manifest) -> Iterator[Found]:
    for entry in listing(mapping(ingress.get("spec")).get("tls")):
        yield SECRET, mapping(entry).get("secretName"), True


def _of_pod(spec: dict[str, Any]) -> Iterator[Found]:
    for group in ("initContainers", "containers", "ephemeralContainers"):
        for container in listing(spec.get(group)):
            yield from _of_container(mapping(container))
    for volume in listing(spec.get("volumes")):
        yield from _of_volume(mapping(volume))
    for secret in listing(spec.get("imagePullSecrets")):
        yield SECRET, mapping(secret).get("name"), True
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account != "default":
        yield SERVICE_ACCOUNT, account, False


def _of_container(container: dict[str, Any]) -> Iterator[Found]:
    for variable in listing(container.get("env")):
        source = mapping(mapping(variable).get("valueFrom"))
        yield from _named(SECRET, source.get("secretKeyRef"))
        yield from _named(CONFIG_MAP, source.get("configMapKeyRef"))
    for source in listing(container.get("envFrom")):
        yield from _named(SECRET, mapping(source).get("secretRef"))
        yield from _named(CONFIG_MAP, mapping(source).get("configMapRef"))


def _of_volume(volume: dict[str, Any]) -> Iterator[Found]:
    for field, source in volume.items():
        if field in _SOURCES:
            kind, key = _SOURCES[field]
            yield from _named(kind, source, key)
        elif field in _DRIVERS:
            yield from _named(SECRET, mapping(source).get(_DRIVERS[field]))
    for source in listing(mapping(volume.get("projected")).get("sources")):
        yield from _named(SECRET, mapping(source).get("secret"))
        yield from _named(CONFIG_MAP, mapping(source).get("configMap"))


def _named(kind: str, source: Any, key: str = "name") -> Iterator[Found]:
    if isinstance(source, dict):
        yield kind, source.get(key), source.get("optional") is True


def place_of(reference: Reference, places: Places) -> str:
    """The first place that has the name beneath a key that speaks of the kind."""
    words = _WORDS.get(reference.kind)
    return places.of(reference.name, lambda place: words is not None and bool(words.search(_context(place.elements))))


def _context(elements: tuple[PathElement, ...]) -> str:
    return ".".join(e for e in elements if isinstance(e, str))
