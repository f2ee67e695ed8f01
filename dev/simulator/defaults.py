"""Defaults that clients see, as the API server fills them in on every write: in place, and nothing else."""

import base64
from collections.abc import Callable, Mapping

from dev.simulator import kinds
from dev.simulator.kinds import Kind
from dev.simulator.objects import Object, dig, labels_of
from dev.simulator.pod_defaults import canonical_resources, default_pod_spec, request_what_is_limited


def apply_defaults(kind: Kind, obj: Object) -> None:
    """Fill in defaults, in place. Fields of a wrong type are left for validation to name."""
    default = _DEFAULTS.get(kind)
    if default is not None:
        default(obj)


def _spec(obj: Object) -> Object:
    spec = obj.setdefault("spec", {})
    return spec if isinstance(spec, dict) else {}


def _template(spec: Object) -> None:
    if isinstance(dig(spec, "template", "spec"), dict):
        default_pod_spec(spec["template"]["spec"])
        spec["template"].setdefault("metadata", {})


def _deployment(obj: Object) -> None:
    spec = _spec(obj)
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    strategy = spec.setdefault("strategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")
    _template(spec)


def _replica_set(obj: Object) -> None:
    spec = _spec(obj)
    spec.setdefault("replicas", 1)
    _template(spec)


def _stateful_set(obj: Object) -> None:
    spec = _spec(obj)
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("podManagementPolicy", "OrderedReady")
    strategy = spec.setdefault("updateStrategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        strategy.setdefault("rollingUpdate", {}).setdefault("partition", 0)
    retention = spec.setdefault("persistentVolumeClaimRetentionPolicy", {})
    retention.setdefault("whenDeleted", "Retain")
    retention.setdefault("whenScaled", "Retain")
    for claim in spec.get("volumeClaimTemplates") or ():
        claim.update({"apiVersion": "v1", "kind": "PersistentVolumeClaim"})
        _claim(claim)
    _template(spec)


def _daemon_set(obj: Object) -> None:
    spec = _spec(obj)
    spec.setdefault("revisionHistoryLimit", 10)
    strategy = spec.setdefault("updateStrategy", {})
    if strategy.setdefault("type", "RollingUpdate") == "RollingUpdate":
        rolling = strategy.setdefault("rollingUpdate", {})
        rolling.setdefault("maxUnavailable", 1)
        rolling.setdefault("maxSurge", 0)
    _template(spec)


def _job(obj: Object) -> None:
    _job_spec(_spec(obj))
    labels = dig(obj, "spec", "template", "metadata", "labels")
    if labels and not labels_of(obj):
        obj["metadata"]["labels"] = dict(labels)


def _job_spec(spec: Object) -> None:
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("backoffLimit", 6)
    spec.setdefault("completionMode", "NonIndexed")
    spec.setdefault("suspend", False)
    spec.setdefault("manualSelector", False)
    spec.setdefault("podReplacementPolicy", "TerminatingOrFailed")
    _template(spec)


def _cron_job(obj: Object) -> None:
    spec = _spec(obj)
    spec.setdefault("concurrencyPolicy", "Allow")
    spec.setdefault("suspend", False)
    spec.setdefault("successfulJobsHistoryLimit", 3)
    spec.setdefault("failedJobsHistoryLimit", 1)
    template = dig(spec, "jobTemplate", "spec", "template", "spec")
    if isinstance(template, dict):
        default_pod_spec(template)


def _pod(obj: Object) -> None:
    spec = _spec(obj)
    default_pod_spec(spec)
    request_what_is_limited(spec)
    spec.setdefault("enableServiceLinks", True)
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    spec.setdefault("priority", 0)
    obj.setdefault("status", {}).setdefault("phase", "Pending")


def _service(obj: Object) -> None:
    spec = _spec(obj)
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    if spec["type"] != "ExternalName":
        spec.setdefault("internalTrafficPolicy", "Cluster")
        # A headless Service without selector has endpoints of any family.
        anywhere = spec.get("clusterIP") == "None" and not spec.get("selector")
        spec.setdefault("ipFamilies", ["IPv4", "IPv6"] if anywhere else ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "RequireDualStack" if anywhere else "SingleStack")
    if spec["type"] in {"NodePort", "LoadBalancer"}:
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if spec["type"] == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        if "targetPort" not in port and "port" in port:
            port["targetPort"] = port["port"]
    obj.setdefault("status", {}).setdefault("loadBalancer", {})


def _claim(obj: Object) -> None:
    spec = _spec(obj)
    spec.setdefault("volumeMode", "Filesystem")
    canonical_resources(spec.get("resources"))
    obj.setdefault("status", {}).setdefault("phase", "Pending")


def _volume(obj: Object) -> None:
    spec = _spec(obj)
    spec.setdefault("volumeMode", "Filesystem")
    spec.setdefault("persistentVolumeReclaimPolicy", "Retain")
    capacity = {"limits": spec.get("capacity")}
    canonical_resources(capacity)
    if capacity["limits"] is not None:
        spec["capacity"] = capacity["limits"]
    obj.setdefault("status", {}).setdefault("phase", "Pending")


def _secret(obj: Object) -> None:
    obj.setdefault("type", "Opaque")
    plain = obj.pop("stringData", None)
    if plain:
        encoded = {key: base64.b64encode(str(value).encode()).decode() for key, value in plain.items()}
        obj["data"] = {**(obj.get("data") or {}), **encoded}


def _namespace(obj: Object) -> None:
    spec = _spec(obj)
    spec.setdefault("finalizers", ["kubernetes"])
    obj.setdefault("status", {}).setdefault("phase", "Active")
    labels = {**labels_of(obj), "kubernetes.io/metadata.name": obj["metadata"].get("name", "")}
    obj["metadata"]["labels"] = labels


def _node(obj: Object) -> None:
    _spec(obj)
    status = obj.setdefault("status", {})
    for field in ("allocatable", "capacity"):
        resources = {"limits": status.get(field)}
        canonical_resources(resources)
        if resources["limits"] is not None:
            status[field] = resources["limits"]
    if "capacity" in status:
        status.setdefault("allocatable", status["capacity"])


def _ingress(obj: Object) -> None:
    for rule in _spec(obj).get("rules") or ():
        for path in dig(rule, "http", "paths") or ():
            path.setdefault("path", "")
            if path["path"] == "":
                del path["path"]


def _network_policy(obj: Object) -> None:
    spec = _spec(obj)
    spec.setdefault("podSelector", {})
    for rule in (*(spec.get("ingress") or ()), *(spec.get("egress") or ())):
        for port in rule.get("ports") or ():
            port.setdefault("protocol", "TCP")
    spec.setdefault("policyTypes", ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])


def _binding(obj: Object) -> None:
    role = obj.get("roleRef")
    if isinstance(role, dict):
        role.setdefault("apiGroup", kinds.ROLE.group)
    for subject in obj.get("subjects") or ():
        subject.setdefault("apiGroup", "" if subject.get("kind") == "ServiceAccount" else kinds.ROLE.group)
        if not subject["apiGroup"]:
            del subject["apiGroup"]


def _storage_class(obj: Object) -> None:
    obj.setdefault("reclaimPolicy", "Delete")
    obj.setdefault("volumeBindingMode", "Immediate")


def _autoscaler(obj: Object) -> None:
    _spec(obj).setdefault("minReplicas", 1)


def _event(obj: Object) -> None:
    obj.setdefault("source", {})
    for field in ("eventTime", "firstTimestamp", "lastTimestamp"):
        obj.setdefault(field, None)
    for field in ("reportingComponent", "reportingInstance"):
        obj.setdefault(field, "")


_DEFAULTS: Mapping[Kind, Callable[[Object], None]] = {
    kinds.DEPLOYMENT: _deployment,
    kinds.REPLICA_SET: _replica_set,
    kinds.STATEFUL_SET: _stateful_set,
    kinds.DAEMON_SET: _daemon_set,
    kinds.JOB: _job,
    kinds.CRON_JOB: _cron_job,
    kinds.POD: _pod,
    kinds.SERVICE: _service,
    kinds.CLAIM: _claim,
    kinds.VOLUME: _volume,
    kinds.SECRET: _secret,
    kinds.NAMESPACE: _namespace,
    kinds.NODE: _node,
    kinds.INGRESS: _ingress,
    kinds.NETWORK_POLICY: _network_policy,
    kinds.ROLE_BINDING: _binding,
    kinds.CLUSTER_ROLE_BINDING: _binding,
    kinds.STORAGE_CLASS: _storage_class,
    kinds.AUTOSCALER: _autoscaler,
    kinds.EVENT: _event,
}
