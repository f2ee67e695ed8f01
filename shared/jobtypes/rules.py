"""Completion rules by kind, as data, after kstatus: what each object waits for, and what ends it for good.

Source: https://github.com/kubernetes-sigs/cli-utils/tree/master/pkg/kstatus
"""

from collections.abc import Callable
from typing import Literal

from shared.contracts.completion import (
    AllOf,
    AnyOf,
    Compare,
    CompletionRule,
    FieldOperand,
    Not,
    Scalar,
    ValueOperand,
    read_path,
)
from shared.contracts.plan import Manifest
from shared.jobtypes.objects import group_kind

ANNOTATION_NO_HEALTH_CHECK = "app.oam.dev/disable-health-check"
"""KubeVela's: the object is done once it is there."""

_Condition = Compare | AllOf | AnyOf | Not


def rule_for(manifest: Manifest) -> CompletionRule | None:
    """Return the rule of an object by group and kind; None for what is done as soon as it is there.

    Kinds that nobody here has heard of get the generic rule of kstatus.
    """
    kind = group_kind(manifest)
    if kind in _DONE_ONCE_THERE:
        return None
    annotations = read_path(manifest, "metadata.annotations")
    if isinstance(annotations, dict) and ANNOTATION_NO_HEALTH_CHECK in annotations:
        return _PRESENT
    rule = _BY_KIND.get(kind, _GENERIC)
    return rule if isinstance(rule, CompletionRule) else rule(manifest)


def _field(path: str, default: Scalar = None) -> FieldOperand:
    return FieldOperand(path=path, default=default)


def _is(path: str, value: Scalar, default: Scalar = None) -> Compare:
    return Compare(left=_field(path, default), comparison="==", right=ValueOperand(value=value))


def _equal(left: FieldOperand, right: FieldOperand) -> Compare:
    return Compare(left=left, comparison="==", right=right)


def _condition(type_: str, status: Literal["True", "False"]) -> Compare:
    return _is(f"status.conditions[type={type_}].status", status)


def _all(*of: _Condition) -> AllOf:
    return AllOf(of=of)


def _any(*of: _Condition) -> AnyOf:
    return AnyOf(of=of)


_OBSERVED = Compare(
    left=_field("status.observedGeneration", 0), comparison=">=", right=_field("metadata.generation", 0)
)
"""The status is about the present spec: an older one says neither success nor failure."""
_REPLICAS = _field("spec.replicas", 1)
_READY_REPLICAS = _field("status.readyReplicas", 0)

_PRESENT = CompletionRule(success=_all(), health_only=True)
"""Done once it is there; that it goes missing is seen."""

_DEPLOYMENT = CompletionRule(
    success=_all(
        _OBSERVED,
        _equal(_field("status.updatedReplicas", 0), _REPLICAS),
        _equal(_READY_REPLICAS, _REPLICAS),
        _equal(_field("status.replicas", 0), _REPLICAS),
    ),
    failure=_all(
        _OBSERVED,
        _condition("Progressing", "False"),
        _is("status.conditions[type=Progressing].reason", "ProgressDeadlineExceeded"),
    ),
    ready=_READY_REPLICAS,
    desired=_REPLICAS,
)

_REPLICA_SET = CompletionRule(
    success=_all(_OBSERVED, _equal(_READY_REPLICAS, _REPLICAS), _equal(_field("status.replicas", 0), _REPLICAS)),
    ready=_READY_REPLICAS,
    desired=_REPLICAS,
)


def _stateful_set(manifest: Manifest) -> CompletionRule:
    """Pods that an OnDelete strategy or a partition leaves at the old revision are not waited for."""
    replicas = (_OBSERVED, _equal(_READY_REPLICAS, _REPLICAS), _equal(_field("status.replicas", 0), _REPLICAS))
    updated = _equal(_field("status.updatedReplicas", 0), _REPLICAS)
    strategy = "spec.updateStrategy"
    partial = read_path(manifest, f"{strategy}.rollingUpdate.partition") or _updates_on_delete(manifest)
    return CompletionRule(
        success=_all(*replicas) if partial else _all(*replicas, updated), ready=_READY_REPLICAS, desired=_REPLICAS
    )


def _daemon_set(manifest: Manifest) -> CompletionRule:
    """Pods that an OnDelete strategy leaves at the old revision are not waited for."""
    desired = _field("status.desiredNumberScheduled", 0)
    ready = _field("status.numberReady", 0)
    placed = (_OBSERVED, _equal(ready, desired), _equal(_field("status.currentNumberScheduled", 0), desired))
    updated = _equal(_field("status.updatedNumberScheduled", 0), desired)
    success = _all(*placed) if _updates_on_delete(manifest) else _all(*placed, updated)
    return CompletionRule(success=success, ready=ready, desired=desired)


def _updates_on_delete(manifest: Manifest) -> bool:
    return bool(read_path(manifest, "spec.updateStrategy.type") == "OnDelete")


# spec.completions has no default here: a Job without it is a work queue, and only its condition says when it is done.
_JOB = CompletionRule(
    success=_any(
        _condition("Complete", "True"),
        Compare(left=_field("status.succeeded", 0), comparison=">=", right=_field("spec.completions")),
    ),
    failure=_condition("Failed", "True"),
    ready=_field("status.succeeded", 0),
    desired=_field("spec.completions", 1),
)

_POD = CompletionRule(
    success=_any(_is("status.phase", "Succeeded"), _all(_is("status.phase", "Running"), _condition("Ready", "True"))),
    failure=_is("status.phase", "Failed"),
)

# Binding may wait for the first consumer, so the step is done when the claim is created.
_CLAIM = CompletionRule(success=_is("status.phase", "Bound"), failure=_is("status.phase", "Lost"), health_only=True)

_HAS_ADDRESS = CompletionRule(success=Not(of=_is("status.loadBalancer.ingress[0]", None)))


def _service(manifest: Manifest) -> CompletionRule:
    return _HAS_ADDRESS if read_path(manifest, "spec.type") == "LoadBalancer" else _PRESENT


_DEFINITION = CompletionRule(success=_condition("Established", "True"), failure=_condition("NamesAccepted", "False"))
_API_SERVICE = CompletionRule(success=_condition("Available", "True"))
_NAMESPACE = CompletionRule(success=_is("status.phase", "Active"))
_AUTOSCALER = CompletionRule(
    success=_all(Not(of=_condition("AbleToScale", "False")), Not(of=_condition("ScalingActive", "False"))),
    health_only=True,
)
_SCALED_OBJECT = CompletionRule(success=_condition("Ready", "True"), health_only=True)
_DISRUPTION_BUDGET = CompletionRule(
    success=_all(
        _OBSERVED,
        Compare(left=_field("status.currentHealthy", 0), comparison=">=", right=_field("status.desiredHealthy", 0)),
    ),
    ready=_field("status.currentHealthy", 0),
    desired=_field("status.desiredHealthy", 0),
    health_only=True,
)

_STATUS_IS_CURRENT = _any(_is("status.observedGeneration", None), _OBSERVED)
_GENERIC = CompletionRule(
    success=_all(
        _STATUS_IS_CURRENT,
        _any(_is("status.conditions[type=Ready].status", None), _condition("Ready", "True")),
        Not(of=_condition("Reconciling", "True")),
        Not(of=_condition("Stalled", "True")),
    ),
    failure=_all(_STATUS_IS_CURRENT, _any(_condition("Failed", "True"), _condition("Stalled", "True"))),
)

_BY_KIND: dict[tuple[str, str], CompletionRule | Callable[[Manifest], CompletionRule]] = {
    ("apps", "Deployment"): _DEPLOYMENT,
    ("apps", "ReplicaSet"): _REPLICA_SET,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("", "ReplicationController"): _REPLICA_SET,
    ("batch", "Job"): _JOB,
    ("batch", "CronJob"): _PRESENT,
    ("", "Pod"): _POD,
    ("", "PersistentVolumeClaim"): _CLAIM,
    ("", "Service"): _service,
    ("", "Namespace"): _NAMESPACE,
    ("networking.k8s.io", "Ingress"): _PRESENT,
    ("autoscaling", "HorizontalPodAutoscaler"): _AUTOSCALER,
    ("keda.sh", "ScaledObject"): _SCALED_OBJECT,
    ("policy", "PodDisruptionBudget"): _DISRUPTION_BUDGET,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _DEFINITION,
    ("apiregistration.k8s.io", "APIService"): _API_SERVICE,
}

_DONE_ONCE_THERE: frozenset[tuple[str, str]] = frozenset(
    {
        ("", "ConfigMap"),
        ("", "Secret"),
        ("", "ServiceAccount"),
        ("", "Endpoints"),
        ("", "LimitRange"),
        ("", "ResourceQuota"),
        ("", "PersistentVolume"),
        ("", "PodTemplate"),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("coordination.k8s.io", "Lease"),
        ("discovery.k8s.io", "EndpointSlice"),
        ("networking.k8s.io", "IngressClass"),
        ("networking.k8s.io", "NetworkPolicy"),
        ("node.k8s.io", "RuntimeClass"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("rbac.authorization.k8s.io", "Role"),
        ("rbac.authorization.k8s.io", "RoleBinding"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("storage.k8s.io", "StorageClass"),
    }
)
"""Kubernetes' own kinds that have no status to wait for."""
