"""Rules for names, labels and annotations (k8s.io/apimachinery/pkg/util/validation and pkg/api/validation)."""

import re
from typing import Any

from dev.simulator import kinds
from dev.simulator.errors import FieldError, field_invalid, field_required
from dev.simulator.kinds import Kind
from dev.simulator.objects import Object

_MAX_LABEL = 63
_MAX_SUBDOMAIN = 253
_MAX_CRON_JOB = 52
_MAX_ANNOTATIONS_BYTES = 256 * 1024

_LABEL_1123 = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_QUALIFIED = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")
_LABEL_VALUE = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?")
_CONFIG_KEY = re.compile(r"[-._a-zA-Z0-9]+")

_LABEL_1123_RULE = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    "an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
)
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
_QUALIFIED_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
_LABEL_VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    "'(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
_CONFIG_KEY_RULE = (
    "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or "
    "'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
)

_PATH_SEGMENT_KINDS = frozenset((kinds.ROLE, kinds.ROLE_BINDING, kinds.CLUSTER_ROLE, kinds.CLUSTER_ROLE_BINDING))
_LABEL_KINDS = frozenset((kinds.NAMESPACE, kinds.SERVICE, kinds.STATEFUL_SET))


def _too_long(limit: int, unit: str = "characters") -> str:
    return f"must be no more than {limit} {unit}"


def dns_label_errors(field: str, value: str) -> list[FieldError]:
    """Check an RFC 1123 label."""
    errors = [field_invalid(field, value, _too_long(_MAX_LABEL, "bytes"))] if len(value) > _MAX_LABEL else []
    return errors if _LABEL_1123.fullmatch(value) else [*errors, field_invalid(field, value, _LABEL_1123_RULE)]


def dns_subdomain_errors(field: str, value: str) -> list[FieldError]:
    """Check an RFC 1123 subdomain."""
    errors = [field_invalid(field, value, _too_long(_MAX_SUBDOMAIN, "bytes"))] if len(value) > _MAX_SUBDOMAIN else []
    return errors if _SUBDOMAIN.fullmatch(value) else [*errors, field_invalid(field, value, _SUBDOMAIN_RULE)]


def name_errors(kind: Kind, name: str) -> list[FieldError]:
    """Check metadata.name by the rule of the kind."""
    field = "metadata.name"
    if kind in _PATH_SEGMENT_KINDS:
        if name in {".", ".."}:
            return [field_invalid(field, name, f"may not be '{name}'")]
        return [field_invalid(field, name, f"may not contain '{sign}'") for sign in "/%" if sign in name]
    if kind in _LABEL_KINDS:
        return dns_label_errors(field, name)
    errors = dns_subdomain_errors(field, name)
    if kind is kinds.CRON_JOB and len(name) > _MAX_CRON_JOB:
        errors.append(field_invalid(field, name, _too_long(_MAX_CRON_JOB)))
    return errors


def label_errors(field: str, labels: Any) -> list[FieldError]:
    """Check the keys and values of labels."""
    errors: list[FieldError] = []
    for key, value in (labels or {}).items():
        errors += qualified_name_errors(field, key)
        if len(value) > _MAX_LABEL:
            errors.append(field_invalid(field, value, _too_long(_MAX_LABEL, "bytes")))
        if not _LABEL_VALUE.fullmatch(value):
            errors.append(field_invalid(field, value, _LABEL_VALUE_RULE))
    return errors


def qualified_name_errors(field: str, key: str) -> list[FieldError]:
    """Check a key such as `app.kubernetes.io/name`."""
    prefix, slash, name = key.rpartition("/")
    errors = []
    if slash and not _SUBDOMAIN.fullmatch(prefix):
        errors.append(field_invalid(field, key, f"prefix part {_SUBDOMAIN_RULE}"))
    if len(name) > _MAX_LABEL:
        errors.append(field_invalid(field, key, f"name part {_too_long(_MAX_LABEL, 'bytes')}"))
    if not _QUALIFIED.fullmatch(name):
        errors.append(field_invalid(field, key, _QUALIFIED_RULE))
    return errors


def config_key_errors(field: str, key: str) -> list[FieldError]:
    """Check a key of a ConfigMap or Secret."""
    where = f"{field}[{key}]"
    if len(key) > _MAX_SUBDOMAIN:
        return [field_invalid(where, key, _too_long(_MAX_SUBDOMAIN))]
    return (
        [] if _CONFIG_KEY.fullmatch(key) and key not in {".", ".."} else [field_invalid(where, key, _CONFIG_KEY_RULE)]
    )


def metadata_errors(kind: Kind, obj: Object) -> list[FieldError]:
    """Check the metadata of an object."""
    metadata = obj["metadata"]
    name = metadata.get("name", "")
    if not name:
        return [field_required("metadata.name", "name or generateName is required")]
    errors = name_errors(kind, name)
    errors += label_errors("metadata.labels", metadata.get("labels"))
    annotations = metadata.get("annotations") or {}
    for key in annotations:
        errors += qualified_name_errors("metadata.annotations", key.lower())
    if sum(len(key) + len(value.encode()) for key, value in annotations.items()) > _MAX_ANNOTATIONS_BYTES:
        errors.append(
            FieldError(
                "metadata.annotations",
                "FieldValueTooLong",
                f"Too long: may not be more than {_MAX_ANNOTATIONS_BYTES} bytes",
            )
        )
    for index, reference in enumerate(metadata.get("ownerReferences") or ()):
        errors += [
            field_required(f"metadata.ownerReferences[{index}].{field}")
            for field in ("apiVersion", "kind", "name", "uid")
            if not reference.get(field)
        ]
    return errors
