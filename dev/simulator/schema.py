"""How server-side apply sees the fields of the supported kinds: which lists are maps, which values are atomic.

The source is the `x-kubernetes-list-type`, `-list-map-keys` and `-map-type` extensions of Kubernetes' OpenAPI document.
Fields are told apart by their name and, where one name means two things, by where they stand; lists that are not named
here are atomic, maps that are not named here merge by key.
"""

from collections.abc import Mapping
from types import MappingProxyType

Path = tuple[str, ...]
"""A field path whose elements are written as in `fieldsV1`: `f:name`, `k:{"name":"web"}`, `v:"value"`."""

_CONTAINERS = frozenset(("f:containers", "f:initContainers", "f:ephemeralContainers"))

_LIST_MAP_KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "f:containers": ("name",),
        "f:initContainers": ("name",),
        "f:ephemeralContainers": ("name",),
        "f:env": ("name",),
        "f:volumes": ("name",),
        "f:volumeMounts": ("mountPath",),
        "f:volumeDevices": ("devicePath",),
        "f:hostAliases": ("ip",),
        "f:topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
        "f:schedulingGates": ("name",),
        "f:resourceClaims": ("name",),
        "f:claims": ("name",),
        "f:ownerReferences": ("uid",),
        "f:conditions": ("type",),
        "f:addresses": ("type",),
        "f:podIPs": ("ip",),
        "f:secrets": ("name",),
    }
)

_ATOMIC_MAPS = frozenset(
    (
        "f:selector",
        "f:labelSelector",
        "f:namespaceSelector",
        "f:podSelector",
        "f:nodeSelector",
        "f:nodeSelectorTerms",
        "f:configMapKeyRef",
        "f:secretKeyRef",
        "f:fileKeyRef",
        "f:fieldRef",
        "f:resourceFieldRef",
        "f:secretRef",
        "f:dataSource",
        "f:dataSourceRef",
        "f:roleRef",
        "f:involvedObject",
        "f:related",
    )
)

KEY_DEFAULTS: Mapping[str, str] = MappingProxyType({"protocol": "TCP"})
"""Keys of list maps that may be left out of an item, with what they then are."""


def list_map_keys(path: Path) -> tuple[str, ...] | None:
    """Return the keys by which the items of a list merge; None where the list is not a map."""
    field = path[-1]
    if field == "f:ports":
        if any(element in _CONTAINERS for element in path[:-2]):
            return ("containerPort", "protocol")
        return ("port", "protocol") if path == ("f:spec", "f:ports") else None
    if field == "f:imagePullSecrets":
        return ("name",) if len(path) > 1 else None
    if field == "f:conditions" and len(path) != 2:
        return None
    return _LIST_MAP_KEYS.get(field)


def is_list_set(path: Path) -> bool:
    """Tell whether a list of scalars merges as a set."""
    return path == ("f:metadata", "f:finalizers")


def is_atomic_map(path: Path) -> bool:
    """Tell whether a map is owned as a whole."""
    if path[-1] in _ATOMIC_MAPS:
        return True
    return len(path) > 1 and path[-2] == "f:ownerReferences"
