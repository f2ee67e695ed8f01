"""Defaults of pod specs, as k8s.io/kubernetes/pkg/apis/core/v1/defaults.go sets them."""

from typing import Any

from dev.simulator.objects import Object
from dev.simulator.quantities import canonical_quantity

_DEFAULT_MODE = 420
_COMPUTE = frozenset(("cpu", "memory"))
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")


def default_pod_spec(spec: Object) -> None:
    """Fill in what the API server would, in place."""
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("securityContext", {})
    account = spec.get("serviceAccountName") or spec.get("serviceAccount")
    if account:
        spec["serviceAccountName"] = spec["serviceAccount"] = account
    for container in _maps(spec.get("initContainers")):
        _default_container(container)
    for container in _maps(spec.get("containers")):
        _default_container(container)
    for volume in _maps(spec.get("volumes")):
        _default_volume(volume)


def _maps(value: Any) -> list[Object]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _default_container(container: Object) -> None:
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    container.setdefault("imagePullPolicy", _pull_policy(str(container.get("image", ""))))
    for port in _maps(container.get("ports")):
        port.setdefault("protocol", "TCP")
    for variable in _maps(container.get("env")):
        field = (variable.get("valueFrom") or {}).get("fieldRef")
        if isinstance(field, dict):
            field.setdefault("apiVersion", "v1")
    for name in _PROBES:
        if isinstance(container.get(name), dict):
            _default_probe(container[name])
    canonical_resources(container.setdefault("resources", {}))


def canonical_resources(resources: Any) -> None:
    """Write quantities as they are stored, in place."""
    if not isinstance(resources, dict):
        return
    for field in ("limits", "requests"):
        if isinstance(resources.get(field), dict):
            resources[field] = {name: _canonical(value) for name, value in resources[field].items()}


def request_what_is_limited(spec: Object) -> None:
    """Request what is limited and not requested, in place: in pods, while templates stay as they are."""
    for container in (*_maps(spec.get("initContainers")), *_maps(spec.get("containers"))):
        resources = container.get("resources")
        if isinstance(resources, dict) and resources.get("limits"):
            resources["requests"] = {**resources["limits"], **(resources.get("requests") or {})}


def _canonical(value: Any) -> Any:
    try:
        return canonical_quantity(value)
    except ValueError:
        return value  # validation names the field


def _pull_policy(image: str) -> str:
    if "@" in image:
        return "IfNotPresent"
    _, colon, tag = image.rpartition(":")
    return "IfNotPresent" if colon and "/" not in tag and tag != "latest" else "Always"


def _default_probe(probe: Object) -> None:
    probe.setdefault("timeoutSeconds", 1)
    probe.setdefault("periodSeconds", 10)
    probe.setdefault("successThreshold", 1)
    probe.setdefault("failureThreshold", 3)
    if isinstance(probe.get("httpGet"), dict):
        probe["httpGet"].setdefault("path", "/")
        probe["httpGet"].setdefault("scheme", "HTTP")
    if isinstance(probe.get("grpc"), dict):
        probe["grpc"].setdefault("service", "")


def _default_volume(volume: Object) -> None:
    if set(volume) == {"name"}:
        volume["emptyDir"] = {}
    for source in ("configMap", "secret", "projected", "downwardAPI"):
        if isinstance(volume.get(source), dict):
            volume[source].setdefault("defaultMode", _DEFAULT_MODE)
    if isinstance(volume.get("hostPath"), dict):
        volume["hostPath"].setdefault("type", "")


def qos_class(pod: Object) -> str:
    """Return the quality-of-service class of a pod (k8s.io/kubernetes/pkg/apis/core/v1/helper/qos)."""
    containers = [*_maps(pod["spec"].get("containers")), *_maps(pod["spec"].get("initContainers"))]
    resources = [container.get("resources") or {} for container in containers]
    amounts = {amount for one in resources for section in ("requests", "limits") for amount in one.get(section) or ()}
    if _COMPUTE.isdisjoint(amounts):
        return "BestEffort"
    guaranteed = all(
        set(one.get("limits") or {}) >= _COMPUTE and one.get("limits") == one.get("requests") for one in resources
    )
    return "Guaranteed" if guaranteed else "Burstable"
