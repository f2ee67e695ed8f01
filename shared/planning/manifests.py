"""Checks what a component rendered, and completes its namespace: above all objects that were given as they are."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from shared.contracts.identity import Namespace
from shared.contracts.naming import CRON_JOB_MAX, NAME_MAX
from shared.contracts.plan import Finding, Manifest
from shared.jobtypes.objects import CLUSTER_SCOPED, SERVER_FIELDS, group_kind
from shared.jobtypes.templates import TEMPLATES, pod_template
from shared.planning.trees import mapping


class _NameRule(NamedTuple):
    limit: int
    pattern: re.Pattern[str]
    words: str


_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?\Z")
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")
_RFC1035 = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?\Z")
_PATH_SEGMENT = re.compile(r"(?!\.{1,2}\Z)[^/%]+\Z")
_SUBDOMAIN_WORDS = "lower-case letters, digits, '-' and '.'"
_NAME_RULES = {
    "Service": _NameRule(NAME_MAX, _RFC1035, "lower-case letters, digits and '-', beginning with a letter"),
    # The label controller-revision-hash is the name and 11 more characters.
    "StatefulSet": _NameRule(NAME_MAX - 11, _LABEL, "lower-case letters, digits and '-'"),
    "DaemonSet": _NameRule(NAME_MAX, _SUBDOMAIN, _SUBDOMAIN_WORDS),
    "Job": _NameRule(NAME_MAX, _SUBDOMAIN, _SUBDOMAIN_WORDS),
    "CronJob": _NameRule(CRON_JOB_MAX, _SUBDOMAIN, _SUBDOMAIN_WORDS),
    **dict.fromkeys(
        ("Deployment", "ConfigMap", "Secret", "PersistentVolumeClaim", "ServiceAccount", "Ingress", "Pod"),
        _NameRule(253, _SUBDOMAIN, _SUBDOMAIN_WORDS),
    ),
}
_ANY_NAME = _NameRule(253, _PATH_SEGMENT, "no '/' and no '%'")


def move(manifest: Manifest, namespace: Namespace) -> None:
    """Put an object into a namespace, whatever it says itself; what belongs to the whole cluster stays as it is."""
    metadata = mapping(manifest.get("metadata"))
    if (
        metadata.get("namespace")
        and isinstance(manifest.get("apiVersion"), str)
        and isinstance(manifest.get("kind"), str)
    ):
        metadata["namespace"] = namespace


def prepare(manifest: Manifest, namespace: Namespace, path: str) -> list[Finding]:
    """Complete a manifest in place, or say why it cannot be applied."""
    problem = _form_problem(manifest)
    if problem is not None:
        return [Finding(path=path, code="InvalidObject", message=problem)]
    metadata = manifest["metadata"]
    for field in SERVER_FIELDS:
        metadata.pop(field, None)
    for field in ("labels", "annotations"):
        metadata[field] = metadata.get(field) or {}
    if group_kind(manifest) in CLUSTER_SCOPED or metadata.get("namespace") == "":
        metadata.pop("namespace", None)
    else:
        metadata.setdefault("namespace", namespace)
    return _name_problems(manifest, path)


def _form_problem(manifest: Any) -> str | None:
    match manifest:
        case {"apiVersion": str(api_version), "kind": str(kind), "metadata": dict()} if api_version and kind:
            return next(_form_problems(manifest), None)
        case _:
            return "every object needs the texts `apiVersion` and `kind` and the map `metadata`"


def _form_problems(manifest: Manifest) -> Iterator[str]:
    kind, metadata = manifest["kind"], manifest["metadata"]
    if kind.endswith("List") and isinstance(manifest.get("items"), list):
        yield f"a {kind} is not one object: give its items one by one"
    if metadata.get("generateName"):
        yield "`generateName` would make another object each time: give it a `name`"
    if not isinstance(metadata.get("name"), str) or not metadata["name"]:
        yield f"the {kind} needs a `metadata.name`"
    if not isinstance(metadata.get("namespace") or "", str):
        yield f"`metadata.namespace` of the {kind} must be a text"
    for field in ("labels", "annotations"):
        given = metadata.get(field) or {}
        if not isinstance(given, dict) or not all(isinstance(v, str) for v in given.values()):
            yield f"`metadata.{field}` of the {kind} must be a map of texts"
    template = pod_template(manifest) or {}
    if not isinstance(mapping(template.get("metadata")).get("labels") or {}, dict):
        yield f"the labels of the {kind}'s pod template must be a map"


def _name_problems(manifest: Manifest, path: str) -> list[Finding]:
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    rule = _NAME_RULES.get(kind, _ANY_NAME)
    if len(name) > rule.limit:
        message = f"the name {name!r} of the {kind} has {len(name)} characters, {rule.limit} are allowed"
        return [Finding(path=path, code="NameTooLong", message=message, remedy="Choose a shorter name.")]
    if not rule.pattern.match(name):
        message = f"{name!r} is no name for a {kind}: {rule.words}"
        return [Finding(path=path, code="InvalidName", message=message)]
    return []


def template_problems(manifest: Manifest, path: str, *, partial: bool) -> list[Finding]:
    """What Kubernetes refuses of the workload's pods, but only after others were applied.

    `partial`: the object is there already, and the manifest names only what it changes.
    """
    kind = manifest["kind"]
    template = pod_template(manifest)
    if template is not None:
        return _selector_problems(manifest, template, path)
    if partial or kind not in TEMPLATES:
        return []
    return [Finding(path=path, code="InvalidObject", message=f"the {kind} has no pod template")]


def _selector_problems(manifest: Manifest, template: Mapping[str, Any], path: str) -> list[Finding]:
    if manifest["kind"] not in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet"):
        return []
    wanted = mapping(mapping(mapping(manifest.get("spec")).get("selector")).get("matchLabels"))
    labels = mapping(mapping(template.get("metadata")).get("labels"))
    missed = sorted(key for key, value in wanted.items() if labels.get(key) != value)
    if not missed:
        return []
    message = f"the selector of the {manifest['kind']} asks for labels that its pods do not have: {', '.join(missed)}"
    return [Finding(path=path, code="SelectorMismatch", message=message, remedy="Give the pod template these labels.")]
