"""The rules of every kind, by kind: what is refused with 422 Invalid, and legal objects that the simulator refuses."""

import base64
import binascii
from collections.abc import Callable, Mapping

from dev.simulator import kinds
from dev.simulator.errors import (
    FieldError,
    bad_request,
    field_forbidden,
    field_invalid,
    field_required,
    field_unsupported,
    invalid,
)
from dev.simulator.kinds import Kind
from dev.simulator.names import config_key_errors, metadata_errors
from dev.simulator.objects import Object, dig
from dev.simulator.pod_validation import port_number_errors, resource_errors
from dev.simulator.workload_validation import (
    IMMUTABLE,
    cron_job_errors,
    job_errors,
    pod_errors,
    refuse_unsimulated_job,
    refuse_unsimulated_stateful_set,
    workload_errors,
)

Check = Callable[[Object, Object | None], list[FieldError]]

_SERVICE_TYPES = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
_PATH_TYPES = ("Exact", "ImplementationSpecific", "Prefix")
_ACCESS_MODES = ("ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod")


def validate(kind: Kind, obj: Object, old: Object | None) -> None:
    """Check an object that is to be stored, against its present state where there is one.

    Raises:
        ApiError: 422 with every violation; 400 for what the real decoder refuses; 501 for what is beyond the simulator.
    """
    if kind is kinds.SECRET:
        _check_base64(obj)
    refuse = _REFUSALS.get(kind)
    if refuse is not None and (refusal := refuse(obj.get("spec") or {})):
        raise refusal
    errors = metadata_errors(kind, obj)
    if old is not None:
        errors += _metadata_update_errors(obj, old)
    if kind in _WORKLOADS:
        errors += workload_errors(kind, obj, old)
    elif kind in _CHECKS:
        errors += _CHECKS[kind](obj, old)
    if errors:
        raise invalid(kind, obj["metadata"].get("name", ""), errors)


def _metadata_update_errors(obj: Object, old: Object) -> list[FieldError]:
    errors = [
        field_invalid(f"metadata.{field}", obj["metadata"].get(field), IMMUTABLE)
        for field in ("name", "namespace", "uid", "creationTimestamp")
        if obj["metadata"].get(field) != old["metadata"].get(field)
    ]
    if "deletionTimestamp" in old["metadata"]:
        added = set(obj["metadata"].get("finalizers") or ()) - set(old["metadata"].get("finalizers") or ())
        if added:
            why = "no new finalizers can be added if the object is being deleted, found new finalizers "
            errors.append(field_forbidden("metadata.finalizers", why + str(sorted(added))))
    return errors


def _check_base64(obj: Object) -> None:
    for value in (obj.get("data") or {}).values():
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            why = 'Secret in version "v1" cannot be handled as a Secret: illegal base64 data'
            raise bad_request(why) from error


def _config_map(obj: Object, old: Object | None) -> list[FieldError]:
    errors = [
        error
        for field in ("data", "binaryData")
        for key in obj.get(field) or {}
        for error in config_key_errors(field, key)
    ]
    return errors + _frozen_errors(obj, old, ("data", "binaryData"))


def _secret(obj: Object, old: Object | None) -> list[FieldError]:
    errors = [error for key in obj.get("data") or {} for error in config_key_errors("data", key)]
    if old is not None and obj.get("type") != old.get("type"):
        errors.append(field_invalid("type", obj.get("type"), IMMUTABLE))
    if obj.get("type") == "kubernetes.io/dockerconfigjson" and ".dockerconfigjson" not in (obj.get("data") or {}):
        errors.append(field_required("data[.dockerconfigjson]"))
    return errors + _frozen_errors(obj, old, ("data",))


def _frozen_errors(obj: Object, old: Object | None, fields: tuple[str, ...]) -> list[FieldError]:
    if old is None or not old.get("immutable"):
        return []
    errors = [] if obj.get("immutable") else [_frozen("immutable")]
    return errors + [_frozen(field) for field in fields if (obj.get(field) or {}) != (old.get(field) or {})]


def _frozen(field: str) -> FieldError:
    return field_forbidden(field, "field is immutable when `immutable` is set")


def _service(obj: Object, old: Object | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    errors = []
    if spec.get("type") not in _SERVICE_TYPES:
        errors.append(field_unsupported("spec.type", spec.get("type"), _SERVICE_TYPES))
    ports = spec.get("ports") or []
    if not ports and spec.get("clusterIP") != "None" and spec.get("type") != "ExternalName":
        errors.append(field_required("spec.ports"))
    seen: set[tuple[object, object]] = set()
    for index, port in enumerate(ports):
        where = f"spec.ports[{index}]"
        errors += port_number_errors(f"{where}.port", port.get("port"))
        if len(ports) > 1 and not port.get("name"):
            errors.append(field_required(f"{where}.name"))
        identity = (port.get("port"), port.get("protocol"))
        if identity in seen:
            shown = {"port": port.get("port"), "protocol": port.get("protocol")}
            errors.append(FieldError(where, "FieldValueDuplicate", f"Duplicate value: {shown}"))
        seen.add(identity)
    before = dig(old, "spec", "clusterIP") if old else None
    if before and spec.get("clusterIP") != before and spec.get("type") != "ExternalName":
        errors.append(field_invalid("spec.clusterIPs[0]", [spec.get("clusterIP")], "may not change once set"))
    return errors


def _claim(obj: Object, old: Object | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    errors = []
    modes = spec.get("accessModes") or []
    if not modes:
        errors.append(field_required("spec.accessModes", "at least 1 access mode is required"))
    errors += [
        field_unsupported("spec.accessModes", mode, _ACCESS_MODES) for mode in modes if mode not in _ACCESS_MODES
    ]
    if "storage" not in (dig(spec, "resources", "requests") or {}):
        errors.append(field_required("spec.resources[storage]"))
    errors += resource_errors("spec.resources", spec.get("resources") or {})
    if old is None:
        return errors
    before = old["spec"]
    adjustable = {"resources", "volumeAttributesClassName"}
    fixed = {key for key in {*spec, *before} - adjustable if spec.get(key) != before.get(key)}
    if not before.get("volumeName"):
        fixed.discard("volumeName")  # The binder sets it once.
    if not before.get("storageClassName"):
        fixed.discard("storageClassName")
    resized = spec.get("resources") != before.get("resources") and dig(old, "status", "phase") != "Bound"
    if fixed or resized:
        why = (
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims"
        )
        errors.append(field_forbidden("spec", why))
    return errors


def _volume(obj: Object, _old: Object | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    errors = [] if spec.get("accessModes") else [field_required("spec.accessModes")]
    return errors if spec.get("capacity") else [*errors, field_required("spec.capacity")]


def _ingress(obj: Object, _old: Object | None) -> list[FieldError]:
    spec = obj.get("spec") or {}
    if not spec.get("rules") and not spec.get("defaultBackend"):
        return [field_invalid("spec", spec or None, "either `defaultBackend` or `rules` must be specified")]
    errors = []
    for index, rule in enumerate(spec.get("rules") or ()):
        for number, path in enumerate(dig(rule, "http", "paths") or ()):
            where = f"spec.rules[{index}].http.paths[{number}]"
            type_ = path.get("pathType")
            if not type_:
                errors.append(field_required(f"{where}.pathType", "pathType must be specified"))
            elif type_ not in _PATH_TYPES:
                errors.append(field_unsupported(f"{where}.pathType", type_, _PATH_TYPES))
            if type_ in {"Exact", "Prefix"} and not str(path.get("path", "")).startswith("/"):
                errors.append(field_invalid(f"{where}.path", path.get("path", ""), "must be an absolute path"))
            if not path.get("backend"):
                errors.append(field_required(f"{where}.backend"))
    return errors


def _role_binding(obj: Object, old: Object | None) -> list[FieldError]:
    role = obj.get("roleRef") or {}
    errors = [] if role.get("name") else [field_required("roleRef.name")]
    if old is not None and role != old.get("roleRef"):
        errors.append(field_invalid("roleRef", role, "cannot change roleRef"))
    return errors


def _event(obj: Object, _old: Object | None) -> list[FieldError]:
    namespace = dig(obj, "involvedObject", "namespace") or "default"
    if namespace != obj["metadata"].get("namespace"):
        return [field_invalid("involvedObject.namespace", namespace, "does not match event.namespace")]
    return []


def _storage_class(obj: Object, old: Object | None) -> list[FieldError]:
    errors = [] if obj.get("provisioner") else [field_required("provisioner")]
    if old is not None:
        fixed = ("provisioner", "parameters", "reclaimPolicy", "volumeBindingMode")
        errors += [
            field_forbidden(field, "updates to " + field + " are forbidden.")
            for field in fixed
            if obj.get(field) != old.get(field)
        ]
    return errors


_REFUSALS = {kinds.JOB: refuse_unsimulated_job, kinds.STATEFUL_SET: refuse_unsimulated_stateful_set}
_WORKLOADS = frozenset((kinds.DEPLOYMENT, kinds.REPLICA_SET, kinds.STATEFUL_SET, kinds.DAEMON_SET))
_CHECKS: Mapping[Kind, Check] = {
    kinds.POD: pod_errors,
    kinds.JOB: job_errors,
    kinds.CRON_JOB: cron_job_errors,
    kinds.CONFIG_MAP: _config_map,
    kinds.SECRET: _secret,
    kinds.SERVICE: _service,
    kinds.CLAIM: _claim,
    kinds.VOLUME: _volume,
    kinds.INGRESS: _ingress,
    kinds.ROLE_BINDING: _role_binding,
    kinds.CLUSTER_ROLE_BINDING: _role_binding,
    kinds.EVENT: _event,
    kinds.STORAGE_CLASS: _storage_class,
}
