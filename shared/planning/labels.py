"""Puts our labels and annotations onto what a component rendered."""

import re
from collections.abc import Mapping
from typing import Any

from shared.contracts import annotations
from shared.contracts.identity import AppRef, AppUid, StepId
from shared.contracts.naming import NAME_MAX
from shared.contracts.plan import Finding, Manifest
from shared.jobtypes.base import RenderContext
from shared.jobtypes.templates import pod_template
from shared.planning.trees import path_text

_OWN_DOMAINS = ("kubemin.dev/", "app.oam.dev/", "kubectl.kubernetes.io/")
"""What an Application says in these is about itself, not about its objects."""
_OF_EXECUTOR = (annotations.ANNOTATION_DIGEST, annotations.ANNOTATION_GENERATION, annotations.ANNOTATION_RULE)

_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?\Z")
_PREFIX = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\Z")


def check_inherited(labels: Mapping[str, str], annotations_: Mapping[str, str]) -> list[Finding]:
    """What Kubernetes would refuse on every object that inherits it."""
    findings: list[Finding] = []
    for field, given in (("labels", labels), ("annotations", annotations_)):
        for key, value in inherited(given).items():
            path = path_text(f"metadata.{field}", key)
            if not _is_key(key):
                message = f"{key!r} is no key: 63 letters, digits, '-', '_' and '.' at most, after a DNS name and '/'"
                findings.append(Finding(path=path, code="InvalidName", message=message))
            elif field == "labels" and value and (len(value) > NAME_MAX or not _NAME.match(value)):
                message = (
                    "is no label value: at most 63 letters, digits, '-', '_' and '.', a letter or digit at both ends"
                )
                findings.append(Finding(path=path, code="InvalidFormat", message=message))
    return findings


def _is_key(key: str) -> bool:
    prefix, slash, name = key.rpartition("/")
    prefix_fits = not slash or (len(prefix) <= 253 and _PREFIX.match(prefix) is not None)
    return prefix_fits and len(name) <= NAME_MAX and _NAME.match(name) is not None


def inherited(given: Mapping[str, str]) -> dict[str, str]:
    """The labels or annotations of an Application that its objects get too."""
    return {key: value for key, value in given.items() if not key.startswith(_OWN_DOMAINS)}


def label_object(manifest: Manifest, context: RenderContext, labels: Mapping[str, str]) -> None:
    """Label a top-level object; its own labels win over the Application's, and ours over both."""
    metadata = manifest["metadata"]
    metadata["labels"] = {
        **labels,
        **metadata.get("labels", {}),
        annotations.LABEL_APP: context.app_name,
        annotations.LABEL_COMPONENT: context.component,
        annotations.LABEL_MANAGED_BY: annotations.MANAGED_BY,
    }


def annotate_object(manifest: Manifest, app: AppRef, uid: AppUid, step: StepId, given: Mapping[str, str]) -> None:
    """Say on a top-level object whose it is. What only the executor may write is taken off."""
    metadata = manifest["metadata"]
    own = {k: v for k, v in metadata.get("annotations", {}).items() if k not in _OF_EXECUTOR}
    metadata["annotations"] = {
        **given,
        **own,
        annotations.ANNOTATION_TENANT: app.tenant,
        annotations.ANNOTATION_NAMESPACE: app.namespace,
        annotations.ANNOTATION_APP: app.name,
        annotations.ANNOTATION_APP_UID: uid,
        annotations.ANNOTATION_STEP: step,
    }


def label_pods(manifest: Manifest, context: RenderContext) -> list[str]:
    """Give pods the labels that selectors name; returns the keys where the author wants another value."""
    template = pod_template(manifest)
    if template is None:
        return []
    metadata: dict[str, Any] = template.get("metadata") or {}
    template["metadata"] = metadata
    labels = metadata.get("labels") or {}
    contradicted = [key for key, value in context.selector.items() if labels.get(key, value) != value]
    metadata["labels"] = {**labels, **context.selector}
    return contradicted
