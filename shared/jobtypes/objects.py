"""Building blocks of every rendered object."""

from collections.abc import Mapping
from typing import Any

from shared.contracts.cloning import clone
from shared.contracts.plan import Manifest
from shared.jobtypes.base import RenderContext, RenderError

SERVER_FIELDS = ("creationTimestamp", "generation", "managedFields", "resourceVersion", "selfLink", "uid")
"""Of metadata: written by the API server, and misunderstood or refused when they are applied."""

CLUSTER_SCOPED = frozenset(
    {
        ("", "Namespace"),
        ("", "Node"),
        ("", "PersistentVolume"),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("apiregistration.k8s.io", "APIService"),
        ("certificates.k8s.io", "CertificateSigningRequest"),
        ("networking.k8s.io", "IngressClass"),
        ("node.k8s.io", "RuntimeClass"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("storage.k8s.io", "CSIDriver"),
        ("storage.k8s.io", "StorageClass"),
        ("storage.k8s.io", "VolumeAttachment"),
    }
)
"""Kubernetes' own kinds that live in no namespace; of others it is the cluster that knows."""


def present(**fields: Any) -> dict[str, Any]:
    """Copy the fields that are given: None stands for an absent parameter."""
    return {name: clone(value) for name, value in fields.items() if value is not None}


def new_object(context: RenderContext, api_version: str, kind: str, name: str = "") -> Manifest:
    """Begin an object in the application's namespace; it bears the component's name unless it has another."""
    return {
        "apiVersion": api_version,
        "kind": kind,
        "metadata": {"name": name or context.component, "namespace": context.namespace},
    }


def group_kind(manifest: Mapping[str, Any]) -> tuple[str, str]:
    """Return the API group, empty for the core group, and the kind."""
    group, slash, _version = str(manifest.get("apiVersion", "")).partition("/")
    return (group if slash else ""), str(manifest.get("kind", ""))


def is_secret(manifest: Mapping[str, Any]) -> bool:
    """Whether it is a Secret of Kubernetes, of whatever version: its values are nobody's business."""
    return group_kind(manifest) == ("", "Secret")


def entries(owner: Mapping[str, Any], field: str) -> list[dict[str, Any]]:
    """Return a list of maps, empty where there is none; raises RenderError for anything else.

    Objects that documents write out may hold anything.
    """
    found = owner.get(field) or []
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise RenderError(
            "", "ObjectMalformed", f"{field} of the object to change is no list of maps", f"Correct {field}"
        )
    return found


def mapping(owner: Mapping[str, Any], field: str) -> dict[str, Any]:
    """Return a map, empty where there is none; raises RenderError for anything else."""
    found = owner.get(field) or {}
    if not isinstance(found, dict):
        raise RenderError("", "ObjectMalformed", f"{field} of the object to change is no map", f"Correct {field}")
    return found
