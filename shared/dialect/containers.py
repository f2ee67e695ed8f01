"""Converts what a component gives its containers: variables, volumes, probes, amounts, more containers."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from shared.contracts.naming import joined
from shared.dialect.fields import From, Texts
from shared.dialect.findings import Notes
from shared.dialect.model import Component, Container, Probe, Storage, StorageType, Traits, Variable
from shared.dialect.paths import At

PULL_POLICY = "IfNotPresent"
_SIZE = "1Gi"
_CARRIERS = {StorageType.CONFIG: ("configMap", "data"), StorageType.SECRET: ("secret", "stringData")}
"""Where the storage trait has what is made of an entry that brings its contents along."""


@dataclass(frozen=True)
class Named:
    """A container of the pod with its name."""

    name: From[str]
    traits: Traits


def env(static: Texts, variables: Iterable[Variable]) -> list[At] | None:
    """Variables in the order of the document: of two with one name the later counts."""
    rendered = [At({"name": name, "value": value}, value.path) for name, value in static.items()]
    rendered += [At({"name": one.name, **_source(one)}, one.path) for one in variables]
    return rendered or None


def _source(variable: Variable) -> dict[str, Any]:
    if variable.static is not None:
        return {"value": variable.static}
    if variable.field is not None:
        return {"valueFrom": At({"fieldRef": {"fieldPath": variable.field}}, variable.field.path)}
    for kind, key in (("secretKeyRef", variable.secret), ("configMapKeyRef", variable.config)):
        if key is not None:
            return {"valueFrom": {kind: At({"name": key.name, "key": key.key}, key.path)}}
    return {}


def inits(component: Component) -> list[tuple[Container, Named]]:
    """The init containers with their names."""
    return _numbered(component, component.traits.init, "init")


def sidecars(component: Component) -> list[tuple[Container, Named]]:
    """The sidecars with their names."""
    return _numbered(component, component.traits.sidecar, "sidecar")


def _numbered(component: Component, given: Sequence[Container], kind: str) -> list[tuple[Container, Named]]:
    return [
        (one, Named(one.name or From(joined(component.name.value, kind, str(number)), one.path), one.traits))
        for number, one in enumerate(given, 1)
    ]


def container_traits(component: Component) -> Iterator[At]:
    """The traits that add containers."""
    for one, named in inits(component):
        properties = {"name": named.name, "image": one.image, "imagePullPolicy": PULL_POLICY}
        properties |= {"cmd": one.command or None, "env": env(one.env, one.traits.envs)}
        yield At({"type": "init-container", "properties": properties}, one.path)
    for one, named in sidecars(component):
        properties = {"name": named.name, "image": one.image, "cmd": one.command or None, "args": one.args or None}
        yield At({"type": "sidecar", "properties": {**properties, "env": env(one.env, one.traits.envs)}}, one.path)


def containers(component: Component) -> list[Named]:
    """All containers of the pod, the component's own first."""
    own = Named(component.name, component.traits)
    return [own, *(named for _, named in inits(component)), *(named for _, named in sidecars(component))]


def settings(named: Named) -> Iterator[At]:
    """Traits for one container: where it takes variables from, its amounts, its probes."""
    traits = named.traits
    if traits.env_from:
        sources = [
            At({"secretRef" if one.of_secret else "configMapRef": {"name": one.name}}, one.path)
            for one in traits.env_from
        ]
        yield _of("env-from", named, {"envFrom": sources}, traits.env_from[0].path.rpartition("[")[0])
    if traits.resources is not None and traits.resources.amounts:
        amounts = traits.resources.amounts
        yield _of("container-resources", named, {"requests": amounts, "limits": amounts}, traits.resources.path)
    if traits.probes:
        probes = {f"{probe.type.value}Probe": _probe(probe) for probe in traits.probes}
        yield _of("probes", named, probes, traits.probes[0].path.rpartition("[")[0])


def _of(type_: str, named: Named, properties: dict[str, Any], path: str) -> At:
    return At({"type": type_, "properties": {"containerName": named.name.value, **properties}}, path)


def _probe(probe: Probe) -> At:
    handler: dict[str, Any] = {}
    if probe.command is not None:
        handler = {"exec": {"command": At(probe.command.value, probe.command.path)}}
    if probe.http_get is not None:
        get = probe.http_get
        request = {"path": get.url_path or "/", "port": get.port, "host": get.host, "scheme": get.scheme}
        handler = {"httpGet": At(request, get.path)}
    if probe.tcp_socket is not None:
        socket = probe.tcp_socket
        handler = {"tcpSocket": At({"port": socket.port, "host": socket.host}, socket.path)}
    return At({**handler, **probe.numbers}, probe.path)


def storage(component: Component, notes: Notes) -> tuple[list[At], list[At]]:
    """Traits that make claims, which come first, and traits that mount, which need all containers."""
    every = [(named, one) for named in containers(component) for one in named.traits.storage]
    first: dict[str, Storage] = {}
    for _, one in every:
        defined = first.setdefault(one.name.value, one)
        if _volume(component, defined) != _volume(component, one):
            notes.no_effect(
                one.path, f"the volume {one.name.value!r} is defined at {defined.path}, it is only mounted here"
            )
    claims = [_claim(one) for one in first.values() if _is_made(one) and not _is_template(component, one)]
    templates = [_template(one) for one in first.values() if _is_template(component, one)]
    volumes = [At(_volume(component, one), one.path) for one in first.values() if not _is_template(component, one)]
    mounts = [_mount(named, one) for named, one in every]
    path = every[0][1].path.rpartition("[")[0] if every else ""
    before = [_trait("volume-claims", {"claims": claims}, path)] if claims else []
    carried = {field: _carried(every, type_, values) for type_, (field, values) in _CARRIERS.items()}
    if any(carried.values()):
        before.append(_trait("storage", {field: entries for field, entries in carried.items() if entries}, path))
    after = [_trait("claim-templates", {"templates": templates}, path)] if templates else []
    after += [_trait("volume-mounts", {"volumes": volumes, "mounts": mounts}, path)] if mounts else []
    return before, after


def _carried(every: Sequence[tuple[Named, Storage]], type_: StorageType, values: str) -> list[At]:
    """What is made because an entry brings its contents along."""
    return [
        At({"name": one.source, values: one.data}, one.path) for _, one in every if one.data and one.type.value == type_
    ]


def _trait(type_: str, properties: dict[str, Any], path: str) -> At:
    return At({"type": type_, "properties": properties}, path)


def _is_made(one: Storage) -> bool:
    return one.type.value == StorageType.PERSISTENT and (one.tmp_create or one.create)


def _is_template(component: Component, one: Storage) -> bool:
    return component.type.value == "store" and one.type.value == StorageType.PERSISTENT and one.tmp_create


def _volume(component: Component, one: Storage) -> dict[str, Any]:
    name = one.name
    if _is_template(component, one):
        return {"name": name.value, "template": True}
    match StorageType(one.type.value):
        case StorageType.PERSISTENT:
            return {"name": name.value, "type": "pvc", "claimName": one.claim.value}
        case StorageType.CONFIG:
            return {"name": name.value, "type": "configMap", "cmName": one.source.value}
        case StorageType.SECRET:
            return {"name": name.value, "type": "secret", "secretName": one.source.value}
        case StorageType.EPHEMERAL:
            return {"name": name.value, "type": "emptyDir"}


def _claim(one: Storage) -> At:
    return At({"claimName": one.claim, **_asked(one)}, one.path)


def _template(one: Storage) -> At:
    return At({"name": one.name, **_asked(one)}, one.path)


def _asked(one: Storage) -> dict[str, Any]:
    size = one.size or _SIZE
    return {"storageClassName": one.storage_class, "resources": {"requests": {"storage": size}}}


def _mount(named: Named, one: Storage) -> At:
    mount = {"name": one.name, "mountPath": one.mount_path, "subPath": one.sub_path, "readOnly": one.read_only}
    return At({"containerName": named.name.value, **mount}, one.path)
