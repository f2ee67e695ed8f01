"""JSON types of the fields that the simulator reads: a wrong one is refused as the API server's decoder refuses it.

This is no schema: fields that are not named here may hold anything.
"""

from collections.abc import Callable, Mapping
from typing import Any

from dev.simulator.errors import ApiError, bad_request
from dev.simulator.kinds import Kind
from dev.simulator.objects import Object

_STRING_MAPS = frozenset(
    ("labels", "annotations", "data", "stringData", "binaryData", "matchLabels", "nodeSelector", "parameters")
)
_MAPS = frozenset(
    [
        "metadata",
        "spec",
        "status",
        "template",
        "strategy",
        "updateStrategy",
        "rollingUpdate",
        "selector",
        "resources",
        "limits",
        "requests",
        "livenessProbe",
        "readinessProbe",
        "startupProbe",
        "httpGet",
        "tcpSocket",
        "exec",
        "grpc",
        "valueFrom",
        "configMapKeyRef",
        "secretKeyRef",
        "fieldRef",
        "resourceFieldRef",
        "configMapRef",
        "secretRef",
        "configMap",
        "secret",
        "emptyDir",
        "persistentVolumeClaim",
        "hostPath",
        "projected",
        "downwardAPI",
        "securityContext",
        "affinity",
        "jobTemplate",
        "roleRef",
        "capacity",
        "allocatable",
        "dataSource",
        "persistentVolumeClaimRetentionPolicy",
        "claimRef",
        "defaultBackend",
        "scaleTargetRef",
        "lifecycle",
        "podSelector",
        "namespaceSelector",
    ]
)
_LISTS_OF_MAPS = frozenset(
    [
        "containers",
        "initContainers",
        "env",
        "envFrom",
        "ports",
        "volumes",
        "volumeMounts",
        "volumeClaimTemplates",
        "ownerReferences",
        "conditions",
        "tolerations",
        "imagePullSecrets",
        "hostAliases",
        "topologySpreadConstraints",
        "matchExpressions",
        "subjects",
        "rules",
        "paths",
        "tls",
        "containerStatuses",
        "initContainerStatuses",
        "taints",
        "managedFields",
        "addresses",
    ]
)
_LISTS_OF_STRINGS = frozenset(("args", "command", "accessModes", "finalizers", "policyTypes", "verbs", "resourceNames"))
_INTEGERS = frozenset(
    [
        "replicas",
        "parallelism",
        "completions",
        "backoffLimit",
        "activeDeadlineSeconds",
        "ttlSecondsAfterFinished",
        "containerPort",
        "nodePort",
        "revisionHistoryLimit",
        "progressDeadlineSeconds",
        "minReadySeconds",
        "terminationGracePeriodSeconds",
        "partition",
        "periodSeconds",
        "timeoutSeconds",
        "initialDelaySeconds",
        "failureThreshold",
        "successThreshold",
        "minReplicas",
        "maxReplicas",
        "leaseDurationSeconds",
        "leaseTransitions",
    ]
)
_BOOLEANS = frozenset(("suspend", "paused", "readOnly", "optional", "immutable", "unschedulable", "hostNetwork"))
_STRINGS = frozenset(
    [
        "image",
        "imagePullPolicy",
        "restartPolicy",
        "mountPath",
        "claimName",
        "secretName",
        "storageClassName",
        "serviceAccountName",
        "schedule",
        "schedulerName",
        "clusterIP",
        "generateName",
        "namespace",
        "resourceVersion",
        "uid",
        "nodeName",
        "serviceName",
        "env.value",
    ]
)


def _is_string_map(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())


def _is_list_of_maps(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


def _is_list_of_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_CHECKS: tuple[tuple[frozenset[str], Callable[[Any], bool], str], ...] = (
    (_STRING_MAPS, _is_string_map, "map[string]string"),
    (_MAPS, lambda value: isinstance(value, dict), "object"),
    (_LISTS_OF_MAPS, _is_list_of_maps, "[]object"),
    (_LISTS_OF_STRINGS, _is_list_of_strings, "[]string"),
    (_INTEGERS, _is_integer, "int32"),
    (_BOOLEANS, lambda value: isinstance(value, bool), "bool"),
    (_STRINGS, lambda value: isinstance(value, str), "string"),
)
_EXPECTED: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    field: (check, type_) for fields, check, type_ in _CHECKS for field in fields
}
# The same names elsewhere, for other types.
_OTHERWISE = frozenset((("conditions", "status"), ("rules", "resources"), ("volumes", "image")))
# Inside these the keys are the user's own words.
_OPAQUE = _STRING_MAPS | {"fieldsV1", "limits", "requests", "capacity", "allocatable"}
_GO_NAMES = {dict: "object", list: "array", str: "string", bool: "bool", int: "number", float: "number"}


def check_shape(kind: Kind, obj: Object) -> None:
    """Check the types of known fields.

    Raises:
        ApiError: 400, a field holds a value of another type.
    """
    if not isinstance(obj.get("metadata", {}), dict):
        raise _mismatch(kind, "metadata", obj["metadata"], "object")
    for field, value in obj.items():
        _check(kind, field, field, value)


def _check(kind: Kind, path: str, field: str, value: Any, parent: str = "") -> None:
    expected = None if (parent, field) in _OTHERWISE else _EXPECTED.get(f"{parent}.{field}", _EXPECTED.get(field))
    if expected is not None and value is not None and not expected[0](value):
        if isinstance(value, dict) and expected[0] is _is_string_map:
            wrong = next(one for one in value.values() if not isinstance(one, str))
            raise _mismatch(kind, path, wrong, "string")
        raise _mismatch(kind, path, value, expected[1])
    if field in _OPAQUE:
        return
    if isinstance(value, dict):
        for key, child in value.items():
            _check(kind, f"{path}.{key}", key, child, field)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, dict):
                for key, child in item.items():
                    _check(kind, f"{path}.{key}", key, child, field)


def _mismatch(kind: Kind, path: str, value: Any, type_: str) -> ApiError:
    found = "object" if isinstance(value, dict) and type_.startswith("map") else _GO_NAMES.get(type(value), "null")
    return bad_request(
        f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: '
        f"json: cannot unmarshal {found} into Go struct field {kind.kind}.{path} of type {type_}"
    )
