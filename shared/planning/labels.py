"""Puts our labels and annotations onto what a component rendered."""

from collections.abc import Mapping
from typing import Any

from shared.contracts import annotations, formats
from shared.contracts.identity import AppRef, AppUid, StepId
from shared.contracts.plan import Finding, Manifest, PlannedObject
from shared.contracts.stamps import stamps
from shared.jobtypes.base import RenderContext
from shared.jobtypes.templates import pod_template
from shared.planning.trees import mapping, path_text

_OWN_DOMAINS = ("kubemin.dev/", "app.oam.dev/", "kubectl.kubernetes.io/")
"""What an Application says in these is about itself, not about its objects."""
_MOST_BYTES = 256 * 1024
"""Of the annotations of one object, keys and values. Source: `TotalAnnotationSizeLimitB` of k8s.io/apimachinery."""
_OF_EXECUTOR = (annotations.ANNOTATION_DIGEST, annotations.ANNOTATION_GENERATION, annotations.ANNOTATION_RULE)


def check_inherited(labels: Mapping[str, str], annotations_: Mapping[str, str]) -> list[Finding]:
    """What Kubernetes would refuse on every object that inherits it."""
    findings: list[Finding] = []
    for field, given, form in (
        ("labels", labels, formats.LABEL_KEY),
        ("annotations", annotations_, formats.ANNOTATION_KEY),
    ):
        for key, value in inherited(given).items():
            path = path_text(f"metadata.{field}", key)
            if not form.takes(key):
                findings.append(Finding(path=path, code="InvalidFormat", message=form.words))
            elif field == "labels" and not formats.LABEL_VALUE.takes(value):
                findings.append(Finding(path=path, code="InvalidFormat", message=formats.LABEL_VALUE.words))
    if annotation_bytes(inherited(annotations_)) > _MOST_BYTES:
        findings.append(too_many_bytes("metadata.annotations", "the annotations that objects inherit"))
    return findings


def annotation_bytes(given: Mapping[str, str]) -> int:
    """As Kubernetes counts them."""
    return sum(len(key.encode()) + len(value.encode()) for key, value in given.items())


def too_large(obj: PlannedObject) -> Mapping[str, str] | None:
    """The annotations of the object, or of its pods, that are more than Kubernetes takes; None where they are not."""
    own: Mapping[str, str] = obj.manifest["metadata"]["annotations"]
    size = annotation_bytes(own)
    # Far from the limit what the executor adds is not worked out.
    if size > _MOST_BYTES // 2:
        size += annotation_bytes(stamps(obj.digest, 1, obj.rule, obj.treatment))
    if size > _MOST_BYTES:
        return own
    of_pods = mapping(mapping(mapping(pod_template(obj.manifest)).get("metadata")).get("annotations"))
    texts = {key: value for key, value in of_pods.items() if isinstance(value, str)}
    return texts if annotation_bytes(texts) > _MOST_BYTES else None


def too_many_bytes(path: str, whose: str) -> Finding:
    """The finding of it."""
    message = f"{whose} have more than {_MOST_BYTES // 1024} KiB together, and Kubernetes refuses that"
    remedy = "Shorten them; data has its place in a ConfigMap."
    return Finding(path=path, code="AnnotationsTooLarge", message=message, remedy=remedy)


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
