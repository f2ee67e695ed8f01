"""Rules for pod specs (k8s.io/kubernetes/pkg/apis/core/validation), as far as our workloads can break them."""

from collections.abc import Iterable
from typing import Any

from dev.simulator.errors import (
    FieldError,
    field_absent,
    field_duplicate,
    field_invalid,
    field_required,
    field_unsupported,
)
from dev.simulator.names import dns_label_errors, dns_subdomain_errors
from dev.simulator.objects import Object
from dev.simulator.quantities import WRONG_FORMAT, parse_quantity

_RESTART_POLICIES = ("Always", "Never", "OnFailure")
_PULL_POLICIES = ("Always", "IfNotPresent", "Never")
_PROTOCOLS = ("SCTP", "TCP", "UDP")
_OVERCOMMITTED = frozenset(("cpu", "memory", "ephemeral-storage", "storage"))
_PROBE_ACTIONS = ("exec", "httpGet", "tcpSocket", "grpc")


def pod_spec_errors(field: str, spec: Object, claim_templates: Iterable[str] = ()) -> list[FieldError]:
    """Check a pod spec that lies at a field path; each claim template of a StatefulSet is a volume, too."""
    volumes = spec.get("volumes") or []
    errors = _named_errors(f"{field}.volumes", volumes)
    if not spec.get("containers"):
        errors.append(field_required(f"{field}.containers"))
    names = {volume.get("name") for volume in volumes}.union(claim_templates)
    seen: set[str] = set()
    for section in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(section) or ()):
            where = f"{field}.{section}[{index}]"
            name = container.get("name", "")
            if name in seen:
                errors.append(field_duplicate(f"{where}.name", name))
            seen.add(name)
            errors += _container_errors(where, container, names)
    if spec.get("restartPolicy") not in _RESTART_POLICIES:
        errors.append(field_unsupported(f"{field}.restartPolicy", spec.get("restartPolicy"), _RESTART_POLICIES))
    if account := spec.get("serviceAccountName"):
        errors += dns_subdomain_errors(f"{field}.serviceAccountName", account)
    return errors


def _named_errors(field: str, items: Iterable[Object]) -> list[FieldError]:
    """Check the names of volumes."""
    errors: list[FieldError] = []
    seen: set[str] = set()
    for index, item in enumerate(items):
        name = item.get("name", "")
        where = f"{field}[{index}].name"
        errors += dns_label_errors(where, name) if name else [field_required(where)]
        if name in seen:
            errors.append(field_duplicate(where, name))
        seen.add(name)
    return errors


def _container_errors(where: str, container: Object, volumes: set[Any]) -> list[FieldError]:
    name = container.get("name", "")
    errors = dns_label_errors(f"{where}.name", name) if name else [field_required(f"{where}.name")]
    if not container.get("image"):
        errors.append(field_required(f"{where}.image"))
    if container.get("imagePullPolicy") not in _PULL_POLICIES:
        errors.append(field_unsupported(f"{where}.imagePullPolicy", container.get("imagePullPolicy"), _PULL_POLICIES))
    errors += _port_errors(f"{where}.ports", container.get("ports") or ())
    errors += _env_errors(f"{where}.env", container.get("env") or ())
    errors += _mount_errors(f"{where}.volumeMounts", container.get("volumeMounts") or (), volumes)
    errors += resource_errors(f"{where}.resources", container.get("resources") or {})
    for probe in ("livenessProbe", "readinessProbe", "startupProbe"):
        found = container.get(probe)
        if found is not None and not any(action in found for action in _PROBE_ACTIONS):
            errors.append(field_required(f"{where}.{probe}", "must specify a handler type"))
    return errors


def _port_errors(field: str, ports: Iterable[Object]) -> list[FieldError]:
    errors: list[FieldError] = []
    names: set[str] = set()
    for index, port in enumerate(ports):
        where = f"{field}[{index}]"
        errors += port_number_errors(f"{where}.containerPort", port.get("containerPort"))
        if port.get("protocol") not in _PROTOCOLS:
            errors.append(field_unsupported(f"{where}.protocol", port.get("protocol"), _PROTOCOLS))
        if name := port.get("name"):
            if name in names:
                errors.append(field_duplicate(f"{where}.name", name))
            names.add(name)
            if len(name) > 15:
                errors.append(field_invalid(f"{where}.name", name, "must be no more than 15 characters"))
    return errors


def port_number_errors(field: str, number: Any) -> list[FieldError]:
    """Check a port number."""
    if number is None:
        return [field_required(field)]
    if not isinstance(number, int) or not 0 < number < 65536:
        return [field_invalid(field, number, "must be between 1 and 65535, inclusive")]
    return []


def _env_errors(field: str, variables: Iterable[Object]) -> list[FieldError]:
    errors: list[FieldError] = []
    for index, variable in enumerate(variables):
        where = f"{field}[{index}]"
        if not variable.get("name"):
            errors.append(field_required(f"{where}.name"))
        source = variable.get("valueFrom")
        if source is not None and variable.get("value"):
            errors.append(field_invalid(f"{where}.valueFrom", "", "may not be specified when `value` is not empty"))
        errors += [
            field_required(f"{where}.valueFrom.{reference}.key")
            for reference in ("configMapKeyRef", "secretKeyRef")
            if source and reference in source and not source[reference].get("key")
        ]
    return errors


def _mount_errors(field: str, mounts: Iterable[Object], volumes: set[Any]) -> list[FieldError]:
    errors: list[FieldError] = []
    paths: set[str] = set()
    for index, mount in enumerate(mounts):
        where = f"{field}[{index}]"
        name, path = mount.get("name", ""), mount.get("mountPath", "")
        if not name:
            errors.append(field_required(f"{where}.name"))
        elif name not in volumes:
            errors.append(field_absent(f"{where}.name", name))
        if not path:
            errors.append(field_required(f"{where}.mountPath"))
        elif path in paths:
            errors.append(field_invalid(f"{where}.mountPath", path, "must be unique"))
        paths.add(path)
    return errors


def resource_errors(field: str, resources: Object) -> list[FieldError]:
    """Check requests and limits."""
    errors: list[FieldError] = []
    for section in ("limits", "requests"):
        for name, value in (resources.get(section) or {}).items():
            errors += _quantity_errors(f"{field}.{section}[{name}]", value)
    if errors:
        return errors
    limits = resources.get("limits") or {}
    for name, requested in (resources.get("requests") or {}).items():
        if name in limits:
            errors += _bounded_errors(field, name, requested, limits[name])
        elif _is_extended(name):
            errors.append(field_required(f"{field}.limits", "Limit must be set for non overcommitable resources"))
    return errors


def _quantity_errors(field: str, value: Any) -> list[FieldError]:
    try:
        quantity = parse_quantity(value)
    except ValueError:
        return [field_invalid(field, value, WRONG_FORMAT)]
    return [field_invalid(field, str(value), "must be greater than or equal to 0")] if quantity < 0 else []


def _bounded_errors(field: str, name: str, requested: Any, limit: Any) -> list[FieldError]:
    if _is_extended(name) and parse_quantity(requested) != parse_quantity(limit):
        return [field_invalid(f"{field}.requests", requested, f"must be equal to {name} limit of {limit}")]
    if parse_quantity(requested) > parse_quantity(limit):
        return [field_invalid(f"{field}.requests", requested, f"must be less than or equal to {name} limit of {limit}")]
    return []


def _is_extended(name: str) -> bool:
    return name not in _OVERCOMMITTED and "/" in name and not name.startswith("kubernetes.io/")
