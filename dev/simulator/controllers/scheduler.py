"""The scheduler: gives each pod a node that has room for it, or says why there is none."""

from collections import Counter

from dev.simulator import kinds
from dev.simulator.cluster import Cluster
from dev.simulator.controllers.controller import Controller
from dev.simulator.controllers.placement import (
    NO_MATCH,
    UNSCHEDULABLE,
    allocatable,
    refused,
    requested,
    selector_mismatch,
    tolerates_unschedulable,
    unplaceable,
    untolerated_taint,
)
from dev.simulator.controllers.pods import phase, set_condition
from dev.simulator.controllers.recorder import EventRecorder
from dev.simulator.objects import (
    Object,
    annotations_of,
    condition_is,
    dig,
    is_deleting,
    name_of,
    namespace_of,
    uid_of,
)
from dev.simulator.store import Key, key_of
from dev.simulator.timing import Timing
from dev.simulator.watches import Change

SELECTED_NODE = "volume.kubernetes.io/selected-node"

# Whose appearance or change may make room for a pod that found none.
_HELPFUL = frozenset((kinds.NODE, kinds.CLAIM, kinds.VOLUME, kinds.STORAGE_CLASS))


class Scheduler(Controller):
    """kube-scheduler with its filters for resources, selectors, taints and volumes, and no scores but emptiness."""

    def __init__(self, cluster: Cluster, timing: Timing) -> None:
        super().__init__(cluster, timing)
        self._events = EventRecorder(cluster, "default-scheduler", series=True)
        self._placed: dict[str, tuple[str, Counter[str]]] = {}
        self._used: dict[str, Counter[str]] = {}
        self._room: dict[str, Counter[str]] = {}
        self._waiting: dict[Key, None] = {}

    def observe(self, change: Change) -> None:
        """Queue pods without a node, count what the others use, and try again when something made room."""
        if change.kind is kinds.POD:
            self._observe_pod(change)
        elif change.kind in _HELPFUL:
            if change.kind is kinds.NODE:
                self._room.pop(name_of(change.last), None)
            self._retry()

    def _observe_pod(self, change: Change) -> None:
        pod, key = change.last, key_of(kinds.POD, change.last)
        node = pod["spec"].get("nodeName")
        if change.new is None or phase(pod) in {"Succeeded", "Failed"}:
            self._waiting.pop(key, None)
            placed = self._placed.pop(uid_of(pod), None)
            if placed is not None:
                self._used[placed[0]].subtract(placed[1])
                self._retry()
        elif node and uid_of(pod) not in self._placed:
            self._place(pod, node)
        elif not node and change.old is None:
            self.queue.add_after(key, self.timing.schedule_s)

    def _place(self, pod: Object, node: str) -> None:
        wanted = requested(pod)
        self._placed[uid_of(pod)] = (node, wanted)
        self._used.setdefault(node, Counter()).update(wanted)

    def _retry(self) -> None:
        for key in self._waiting:
            self.queue.add(key)
        self._waiting.clear()

    def reconcile(self, key: Key) -> float | None:
        """Give a pod a node."""
        pod = self.store.get(*key)
        if pod is None or pod["spec"].get("nodeName") or is_deleting(pod) or phase(pod) in {"Succeeded", "Failed"}:
            return None
        if pod["spec"]["schedulerName"] != "default-scheduler" or pod["spec"].get("schedulingGates"):
            return None
        nodes = self.store.all(kinds.NODE)
        why = self._claims_refuse(pod, len(nodes))
        chosen: str | None = None
        if why is None:
            chosen, why = self._choose(pod, nodes)
        if chosen is None:
            self._cannot_place(pod, why or "")
        elif not self._volumes_follow(pod, chosen):
            self._waiting[key] = None
        else:
            self._bind(pod, chosen)
        return None

    def _claims_of(self, pod: Object) -> list[tuple[str, Object | None]]:
        names = (dig(volume, "persistentVolumeClaim", "claimName") for volume in pod["spec"].get("volumes") or ())
        return [(name, self.store.get(kinds.CLAIM, namespace_of(pod), name)) for name in names if name]

    def _claims_refuse(self, pod: Object, nodes: int) -> str | None:
        for name, claim in self._claims_of(pod):
            if claim is None:
                return refused(nodes, f'persistentvolumeclaim "{name}" not found')
            if is_deleting(claim):
                return refused(nodes, f'persistentvolumeclaim "{name}" is being deleted')
        unbound = [claim for _, claim in self._claims_of(pod) if claim and dig(claim, "status", "phase") != "Bound"]
        if any(not self._waits_for_consumer(claim) for claim in unbound):
            return refused(nodes, "pod has unbound immediate PersistentVolumeClaims")
        return None

    def _waits_for_consumer(self, claim: Object) -> bool:
        storage_class = self.store.get(kinds.STORAGE_CLASS, "", claim["spec"].get("storageClassName") or "")
        return storage_class is not None and storage_class["volumeBindingMode"] == "WaitForFirstConsumer"

    def _volumes_follow(self, pod: Object, node: str) -> bool:
        """Tell whether all claims are bound; those that waited for a consumer are told where it will run."""
        bound = True
        for _, claim in self._claims_of(pod):
            if claim is not None and dig(claim, "status", "phase") != "Bound":
                annotations = {**annotations_of(claim), SELECTED_NODE: node}
                self.cluster.write(
                    kinds.CLAIM, {**claim, "metadata": {**claim["metadata"], "annotations": annotations}}
                )
                bound = False
        return bound

    def _choose(self, pod: Object, nodes: list[Object]) -> tuple[str | None, str]:
        wanted = requested(pod)
        reasons: list[tuple[str, bool]] = []
        fitting: list[tuple[int, str]] = []
        for node in nodes:
            name = name_of(node)
            reason = self._reason_against(pod, node, wanted)
            if reason is None:
                fitting.append((self._used.get(name, Counter())["pods"], name))
            else:
                reasons.append(reason)
        return (min(fitting)[1], "") if fitting else (None, unplaceable(reasons))

    def _reason_against(self, pod: Object, node: Object, wanted: Counter[str]) -> tuple[str, bool] | None:
        if node["spec"].get("unschedulable") and not tolerates_unschedulable(pod):
            return UNSCHEDULABLE, False
        if taint := untolerated_taint(pod, node):
            return f"node(s) had untolerated taint {{{taint['key']}: {taint.get('value', '')}}}", False
        if selector_mismatch(pod, node):
            return NO_MATCH, False
        name = name_of(node)
        room = self._room.setdefault(name, allocatable(node))
        used = self._used.get(name, Counter())
        for resource, amount in wanted.items():
            if amount > room[resource] - used[resource]:
                reason = "Too many pods" if resource == "pods" else f"Insufficient {resource}"
                return reason, amount <= room[resource]
        return None

    def _cannot_place(self, pod: Object, message: str) -> None:
        self._waiting[key_of(kinds.POD, pod)] = None
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": message,
            "observedGeneration": pod["metadata"]["generation"],
            "lastProbeTime": None,
        }
        present = dig(pod, "status", "conditions") or []
        conditions = set_condition(present, condition, self.cluster.timestamp())
        if conditions != present:
            self.cluster.write_status(kinds.POD, pod, {**pod["status"], "conditions": conditions})
            self._events.warning(pod, "FailedScheduling", message, action="Scheduling")

    def _bind(self, pod: Object, node: str) -> None:
        condition = {"type": "PodScheduled", "status": "True", "lastProbeTime": None}
        conditions = dig(pod, "status", "conditions") or []
        if not condition_is(pod, "PodScheduled"):
            conditions = set_condition(conditions, condition, self.cluster.timestamp())
        spec = {**pod["spec"], "nodeName": node}
        status = {**pod["status"], "conditions": conditions}
        self.cluster.write(kinds.POD, {**pod, "spec": spec, "status": status})
        message = f"Successfully assigned {namespace_of(pod)}/{name_of(pod)} to {node}"
        self._events.normal(pod, "Scheduled", message, action="Binding")
