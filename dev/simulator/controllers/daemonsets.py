"""DaemonSets: one pod on every node that takes it."""

from dev.simulator import kinds
from dev.simulator.cluster import Cluster
from dev.simulator.controllers.controller import Controller, delete_options
from dev.simulator.controllers.placement import UNSCHEDULABLE_TAINT, selector_mismatch, untolerated_taint
from dev.simulator.controllers.pods import (
    REVISION_LABEL,
    available_in,
    is_active,
    is_ready,
    new_pod,
    phase,
    pods_of,
    template_hash,
)
from dev.simulator.controllers.recorder import EventRecorder
from dev.simulator.deletion import delete
from dev.simulator.errors import ApiError
from dev.simulator.lifecycle import TEMPLATE_GENERATION
from dev.simulator.objects import Object, annotations_of, dig, is_deleting, labels_of, name_of, namespace_of
from dev.simulator.store import Key, key_of
from dev.simulator.timing import Timing
from dev.simulator.watches import Change

_TOLERATIONS = [
    {"key": key, "operator": "Exists", "effect": effect}
    for key, effect in (
        ("node.kubernetes.io/not-ready", "NoExecute"),
        ("node.kubernetes.io/unreachable", "NoExecute"),
        ("node.kubernetes.io/disk-pressure", "NoSchedule"),
        ("node.kubernetes.io/memory-pressure", "NoSchedule"),
        ("node.kubernetes.io/pid-pressure", "NoSchedule"),
        (UNSCHEDULABLE_TAINT, "NoSchedule"),
    )
]


class DaemonSets(Controller):
    """The DaemonSet controller."""

    def __init__(self, cluster: Cluster, timing: Timing) -> None:
        super().__init__(cluster, timing)
        self._events = EventRecorder(cluster, "daemonset-controller")

    def observe(self, change: Change) -> None:
        """Look at a DaemonSet when it, one of its pods or any node changes."""
        if change.kind is kinds.DAEMON_SET and change.new is not None:
            self.queue.add(key_of(change.kind, change.new))
        elif change.kind is kinds.POD:
            self.enqueue_controller(change.last, "DaemonSet")
        elif change.kind is kinds.NODE:
            for daemon_set in self.store.all(kinds.DAEMON_SET):
                self.queue.add(key_of(kinds.DAEMON_SET, daemon_set))

    def reconcile(self, key: Key) -> float | None:
        """Create and delete pods, then state what there is."""
        daemon_set = self.store.get(*key)
        if daemon_set is None:
            return None
        probe = {"spec": _pod_spec(daemon_set, "")}
        nodes = {name_of(node) for node in self.store.all(kinds.NODE) if _takes(node, probe)}
        retry_s: float | None = None
        if not is_deleting(daemon_set):
            try:
                self._sync(daemon_set, nodes)
            except ApiError as error:
                self._events.warning(daemon_set, "FailedCreate", f"Error creating: {error.message}")
                retry_s = self.timing.retry_s
        return retry_s or self._state(daemon_set, nodes)

    def _sync(self, daemon_set: Object, nodes: set[str]) -> None:
        present: set[str] = set()
        revision = template_hash(daemon_set["spec"]["template"])
        outdated: list[Object] = []
        for pod in pods_of(self.store, daemon_set):
            node = _node_of(pod)
            if is_deleting(pod):
                present.add(node)  # Its successor waits until it has gone.
            elif node not in nodes or node in present or phase(pod) in {"Succeeded", "Failed"}:
                self._delete(pod)
            else:
                present.add(node)
                if labels_of(pod).get(REVISION_LABEL) != revision:
                    outdated.append(pod)
        for node in sorted(nodes - present):
            labels = {REVISION_LABEL: revision, "pod-template-generation": _template_generation(daemon_set)}
            pod = new_pod(daemon_set, daemon_set["spec"]["template"], labels=labels)
            pod["spec"] = _pod_spec(daemon_set, node)
            created = self.cluster.create(kinds.POD, namespace_of(daemon_set), pod)
            self._events.normal(daemon_set, "SuccessfulCreate", f"Created pod: {name_of(created)}")
        if daemon_set["spec"]["updateStrategy"]["type"] == "RollingUpdate":
            self._roll(daemon_set, outdated, len(nodes))

    def _roll(self, daemon_set: Object, outdated: list[Object], nodes: int) -> None:
        limit = dig(daemon_set, "spec", "updateStrategy", "rollingUpdate", "maxUnavailable") or 1
        if isinstance(limit, str):
            limit = max(-(-int(limit.removesuffix("%")) * nodes // 100), 1)
        unavailable = nodes - sum(is_ready(pod) for pod in pods_of(self.store, daemon_set) if is_active(pod))
        for pod in outdated:
            if is_ready(pod):
                if unavailable >= limit:
                    continue
                unavailable += 1
            self._delete(pod)

    def _delete(self, pod: Object) -> None:
        delete(self.cluster, key_of(kinds.POD, pod), delete_options(pod))

    def _state(self, daemon_set: Object, nodes: set[str]) -> float | None:
        now = self.cluster.now()
        active = [pod for pod in pods_of(self.store, daemon_set) if is_active(pod)]
        placed = [pod for pod in active if _node_of(pod) in nodes]
        revision = template_hash(daemon_set["spec"]["template"])
        min_ready_s = daemon_set["spec"].get("minReadySeconds", 0)
        waits = [wait for pod in placed if (wait := available_in(pod, min_ready_s, now)) is not None]
        status = {
            "currentNumberScheduled": len(placed),
            "desiredNumberScheduled": len(nodes),
            "numberMisscheduled": len(active) - len(placed),
            "numberReady": sum(is_ready(pod) for pod in placed),
            "observedGeneration": daemon_set["metadata"]["generation"],
        }
        updated = sum(labels_of(pod).get(REVISION_LABEL) == revision for pod in placed)
        available = waits.count(0)
        optional = {
            "updatedNumberScheduled": updated,
            "numberAvailable": available,
            "numberUnavailable": len(nodes) - available,
        }
        status |= {field: count for field, count in optional.items() if count}
        self.cluster.write_status(kinds.DAEMON_SET, daemon_set, status)
        return min((wait for wait in waits if wait), default=None)


def _pod_spec(daemon_set: Object, node: str) -> Object:
    """Return the spec of a pod that is bound for one node by affinity, as the scheduler expects it."""
    spec = dict(daemon_set["spec"]["template"]["spec"])
    spec["tolerations"] = [*(spec.get("tolerations") or ()), *_TOLERATIONS]
    if node:
        terms = [{"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}]
        required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
        spec["affinity"] = {**(spec.get("affinity") or {}), "nodeAffinity": required}
    return spec


def _template_generation(daemon_set: Object) -> str:
    return annotations_of(daemon_set).get(TEMPLATE_GENERATION, "1")


def _takes(node: Object, probe: Object) -> bool:
    return not selector_mismatch(probe, node) and untolerated_taint(probe, node) is None


def _node_of(pod: Object) -> str:
    """Return the node that a pod runs on or is bound for."""
    if bound := pod["spec"].get("nodeName"):
        return str(bound)
    required = pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]
    return str(required["nodeSelectorTerms"][0]["matchFields"][0]["values"][0])
