"""Tells components of an Application in the words of the dialect: what converting them would give back.

What the dialect has no words for is told under its own name.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from shared.dialect.cloning import SHARING
from shared.dialect.model import StorageType
from shared.planning.document import Application, Component
from shared.planning.lookup import bare
from shared.planning.trees import MALFORMED

Told = dict[str, Any]

_TYPES = {"statefulset": "store"}
_STRATEGIES = {policy: strategy for strategy, policy in SHARING.items()}
_VOLUMES = {
    "pvc": (StorageType.PERSISTENT, "claimName", "claim_name"),
    "configMap": (StorageType.CONFIG, "cmName", "source_name"),
    "secret": (StorageType.SECRET, "secretName", "source_name"),
    "emptyDir": (StorageType.EPHEMERAL, "", ""),
}
_CARRIERS = {"configMap": ("data",), "secret": ("stringData", "data")}
"""Where entries of a storage trait hold what the dialect has as their `data`."""
_MOUNT = {"mountPath": "mount_path", "subPath": "sub_path", "readOnly": "read_only"}
_PROBES = {"livenessProbe": "liveness", "readinessProbe": "readiness", "startupProbe": "startup"}
_HANDLERS = {"exec": "exec", "httpGet": "http_get", "tcpSocket": "tcp_socket"}
_THRESHOLDS = {
    "initialDelaySeconds": "initial_delay_seconds",
    "periodSeconds": "period_seconds",
    "timeoutSeconds": "timeout_seconds",
    "failureThreshold": "failure_threshold",
    "successThreshold": "success_threshold",
}
_AMOUNTS = {"cpu": "cpu", "memory": "memory", "nvidia.com/gpu": "gpu"}
_RBAC = {
    "serviceAccountName": "service_account",
    "clusterScope": "cluster_scope",
    "roleName": "role_name",
    "bindingName": "binding_name",
    "serviceAccountLabels": "service_accountLabels",
    "serviceAccountAnnotations": "service_accountAnnotations",
    "roleLabels": "role_labels",
    "bindingLabels": "binding_labels",
    "automountServiceAccountToken": "automount_service_account_token",
}
_RULE = {
    "apiGroups": "api_groups",
    "resources": "resources",
    "resourceNames": "resource_names",
    "nonResourceURLs": "non_resource_urls",
    "verbs": "verbs",
}


def told_components(application: Application) -> list[Told]:
    """Every component, in the order of the document."""
    strategies = {
        name: strategy
        for policy in application.spec.policies
        if (strategy := _STRATEGIES.get(policy.type)) is not None
        for rule in policy.properties.get("rules") or ()
        for name in (rule.get("selector") or {}).get("componentNames") or ()
    }
    return [_Telling(component, strategies.get(component.name)).told() for component in application.spec.components]


class _Telling:
    """One component."""

    def __init__(self, component: Component, strategy: str | None) -> None:
        self._component = component
        self._properties: Told = {}
        self._traits: Told = {}
        self._containers: dict[str, Told] = {component.name: self._traits}
        """Traits by container."""
        self._type = bare(component.type)
        self._nested: list[Told] = []
        """Containers beside the main one."""
        self._told: Told = {"name": component.name, "type": _TYPES.get(self._type, self._type)}
        if strategy is not None:
            self._traits["share"] = {"strategy": strategy}

    def told(self) -> Told:
        """The component."""
        try:
            self._tell_properties()
        except MALFORMED:
            self._properties = dict(self._component.properties)
        for trait in self._component.traits:
            type_ = bare(trait.type)
            try:
                self._tell_trait(type_, trait.properties)
            except MALFORMED:
                self._traits[type_] = dict(trait.properties)
        for nested in self._nested:
            if not nested["traits"]:
                del nested["traits"]
        for key, found in (("properties", self._properties), ("traits", self._traits)):
            if found:
                self._told[key] = found
        return self._told

    def _tell_trait(self, type_: str, given: Mapping[str, Any]) -> None:
        words: dict[str, Callable[[Mapping[str, Any]], None]] = {
            "scaler": self._scaler,
            "init-container": self._init,
            "sidecar": self._sidecar,
            "env-from": self._env_from,
            "container-resources": self._resources,
            "probes": self._probes,
            "volume-mounts": self._storage,
            "http-routes": self._ingress,
            "rbac": self._rbac,
            "labels": self._labels,
            "object-labels": self._labels,
            "expose": self._expose,
        }
        # Told with the volumes.
        silent = {"volume-claims", "claim-templates"}
        if type_ in words:
            words[type_](given)
        elif type_ == "storage":
            if not _only_carries(given):
                self._traits.setdefault("storage", []).append(dict(given))
        elif type_ not in silent:
            self._traits[type_] = dict(given)

    def _tell_properties(self) -> None:
        given = dict(self._component.properties)
        if (image := given.pop("image", None)) is not None:
            self._told["image"] = image
        given.pop("imagePullPolicy", None)
        self._containers_env(given.pop("env", None), self._properties, self._traits)
        words = {"cmd": "command", "data": "conf", "stringData": "secret"}
        if self._type == "secret":
            words["data"] = "secret"
        ports = given.pop("ports", None)
        if ports:
            self._properties["ports"] = [{"port": port["port"]} for port in ports]
        for key, value in given.items():
            word = words.get(key, key)
            both = isinstance(value, Mapping) and isinstance(self._properties.get(word), dict)
            self._properties[word] = {**self._properties[word], **value} if both else value

    def _containers_env(self, env: Iterable[Mapping[str, Any]] | None, properties: Told, traits: Told) -> None:
        plain = {one["name"]: one["value"] for one in env or () if "value" in one}
        sources = [
            {"name": one["name"], "value_from": _source(one["valueFrom"])} for one in env or () if "valueFrom" in one
        ]
        if plain:
            properties["env"] = plain
        if sources:
            traits["envs"] = sources

    def _scaler(self, given: Mapping[str, Any]) -> None:
        self._told["replicas"] = given.get("replicas", 1)

    def _init(self, given: Mapping[str, Any]) -> None:
        properties: Told = {"image": given["image"], **_renamed(given, {"cmd": "command"})}
        traits = self._containers.setdefault(given["name"], {})
        self._containers_env(given.get("env"), properties, traits)
        self._nest("init", {"name": given["name"], "properties": properties, "traits": traits})

    def _sidecar(self, given: Mapping[str, Any]) -> None:
        traits = self._containers.setdefault(given["name"], {})
        told: Told = {"name": given["name"], "image": given["image"]}
        told |= _renamed(given, {"cmd": "command", "args": "args"})
        self._containers_env(given.get("env"), told, traits)
        self._nest("sidecar", {**told, "traits": traits})

    def _nest(self, word: str, told: Told) -> None:
        self._traits.setdefault(word, []).append(told)
        self._nested.append(told)

    def _of(self, given: Mapping[str, Any]) -> Told:
        return self._containers.setdefault(given.get("containerName", self._component.name), {})

    def _env_from(self, given: Mapping[str, Any]) -> None:
        for one in _by_container(given):
            self._of(one).setdefault("env_from", []).extend(map(_keys, one.get("envFrom", ())))

    def _resources(self, given: Mapping[str, Any]) -> None:
        for one in _by_container(given):
            self._of(one)["resources"] = _renamed(one.get("limits") or {}, _AMOUNTS)

    def _probes(self, given: Mapping[str, Any]) -> None:
        for one in _by_container(given):
            self._of(one)["probes"] = [
                {"type": type_, **_renamed(one[key], _HANDLERS), **_renamed(one[key], _THRESHOLDS)}
                for key, type_ in _PROBES.items()
                if key in one
            ]

    def _storage(self, given: Mapping[str, Any]) -> None:
        made, carried = self._made(), self._carried()
        volumes = {volume["name"]: self._volume(volume, made, carried) for volume in given.get("volumes", ())}
        for mount in given.get("mounts", ()):
            name = mount["name"]
            template = {"name": name, "type": StorageType.PERSISTENT.value, "tmp_create": True, **made.get(name, {})}
            told = {**volumes.get(name, template), **_renamed(mount, _MOUNT)}
            # What one mount has brought along is there for the others.
            volumes.get(name, {}).pop("data", None)
            self._of(mount).setdefault("storage", []).append(told)

    def _volume(
        self, volume: Mapping[str, Any], made: Mapping[str, Told], carried: dict[tuple[str, str], Told]
    ) -> Told:
        name = volume["name"]
        type_, key, word = _VOLUMES[volume.get("type", "pvc")]
        told: Told = {"name": name, "type": type_.value}
        if key and volume[key] != name:
            told[word] = volume[key]
        if type_ is StorageType.PERSISTENT and volume[key] in made:
            told |= {"create": True, **made[volume[key]]}
        if (data := carried.pop((volume.get("type", "pvc"), volume.get(key, "")), None)) is not None:
            told["data"] = data
        return told

    def _carried(self) -> dict[tuple[str, str], Told]:
        """What storage traits make besides the volumes, by kind and name."""
        return {
            (kind, one["name"]): data
            for trait in self._component.traits
            if bare(trait.type) == "storage" and _only_carries(trait.properties)
            for kind, keys in _CARRIERS.items()
            for one in trait.properties.get(kind, ())
            for data in [next(one[key] for key in keys if key in one)]
        }

    def _made(self) -> dict[str, Told]:
        """What is asked of claims and of their templates, by name."""
        found: dict[str, Told] = {}
        for trait in self._component.traits:
            for one in (*trait.properties.get("claims", ()), *trait.properties.get("templates", ())):
                size = (one.get("resources") or {}).get("requests", {}).get("storage")
                asked = {"size": size, "storage_class": one.get("storageClassName")}
                found[one.get("claimName") or one["name"]] = {k: v for k, v in asked.items() if v is not None}
        return found

    def _ingress(self, given: Mapping[str, Any]) -> None:
        words = {"name": "name", "className": "ingress_class_name", "labels": "label", "annotations": "annotations"}
        told = _renamed(given, words)
        tls = [_renamed(one, {"secretName": "secret_name", "hosts": "hosts"}) for one in given.get("tls") or ()]
        if tls:
            told["tls"] = tls
        told["routes"] = [_route(route) for route in given.get("routes", ())]
        self._traits.setdefault("ingress", []).append(told)

    def _rbac(self, given: Mapping[str, Any]) -> None:
        rules = [_renamed(rule, _RULE) for rule in given.get("rules", ())]
        self._traits.setdefault("rbac", []).append({**_renamed(given, _RBAC), "rules": rules})

    def _labels(self, given: Mapping[str, Any]) -> None:
        self._properties["labels"] = dict(given)

    def _expose(self, given: Mapping[str, Any]) -> None:
        self._properties["ports"] = [{"port": port["port"]} for port in given.get("ports", ())]


def _only_carries(storage: Mapping[str, Any]) -> bool:
    """Whether a storage trait makes ConfigMaps and Secrets, and mounts none: as converting writes it."""
    return all(
        any(one.keys() == {"name", key} for key in _CARRIERS.get(kind, ()))
        for kind, entries in storage.items()
        for one in entries
    )


def _by_container(given: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    """The parameters of each container, in whichever of the two forms of such traits."""
    several: Iterable[Mapping[str, Any]] = given.get("containers") or (given,)
    return several


def _keys(given: Mapping[str, Any]) -> Told:
    type_, key = ("secret", "secretRef") if "secretRef" in given else ("configMap", "configMapRef")
    return {"type": type_, "source_name": given[key]["name"], **_renamed(given, {"prefix": "prefix"})}


def _source(given: Mapping[str, Any]) -> Told:
    if "fieldRef" in given:
        return {"field": given["fieldRef"]["fieldPath"]}
    for key, word in (("secretKeyRef", "secret"), ("configMapKeyRef", "config")):
        if key in given:
            return {word: _renamed(given[key], {"name": "name", "key": "key"})}
    return dict(given)


def _route(given: Mapping[str, Any]) -> Told:
    backend = _renamed(given, {"serviceName": "service_name", "servicePort": "service_port"})
    return {**_renamed(given, {"host": "host", "path": "path", "pathType": "path_type"}), "backend": backend}


def _renamed(given: Mapping[str, Any], words: Mapping[str, str]) -> Told:
    return {word: given[key] for key, word in words.items() if given.get(key) is not None}
