"""ReplicaSets: as many pods as desired, and a truthful status."""

from dev.simulator import kinds
from dev.simulator.cluster import Cluster
from dev.simulator.controllers.controller import Controller, delete_options
from dev.simulator.controllers.pods import (
    available_in,
    is_active,
    is_ready,
    new_pod,
    pods_of,
    set_condition,
    without_zeros,
    worth,
)
from dev.simulator.controllers.recorder import EventRecorder
from dev.simulator.deletion import delete
from dev.simulator.errors import ApiError
from dev.simulator.objects import Object, dig, is_deleting, labels_of, name_of
from dev.simulator.store import Key, key_of
from dev.simulator.timing import Timing
from dev.simulator.watches import Change


class ReplicaSets(Controller):
    """The ReplicaSet controller."""

    def __init__(self, cluster: Cluster, timing: Timing) -> None:
        super().__init__(cluster, timing)
        self._events = EventRecorder(cluster, "replicaset-controller")

    def observe(self, change: Change) -> None:
        """Look at a ReplicaSet when it or one of its pods changes."""
        if change.kind is kinds.REPLICA_SET and change.new is not None:
            self.queue.add(key_of(change.kind, change.new))
        elif change.kind is kinds.POD:
            self.enqueue_controller(change.last, "ReplicaSet")

    def reconcile(self, key: Key) -> float | None:
        """Create or delete pods, then state what there is."""
        replica_set = self.store.get(*key)
        if replica_set is None:
            return None
        failure: ApiError | None = None
        if not is_deleting(replica_set):
            try:
                self._scale(replica_set)
            except ApiError as error:
                failure = error
                self._events.warning(replica_set, "FailedCreate", f"Error creating: {error.message}")
        recheck_s = self._state(replica_set, failure)
        return self.timing.retry_s if failure else recheck_s

    def _scale(self, replica_set: Object) -> None:
        active = [pod for pod in pods_of(self.store, replica_set) if is_active(pod)]
        missing = replica_set["spec"]["replicas"] - len(active)
        for _ in range(missing):
            pod = new_pod(replica_set, replica_set["spec"]["template"])
            created = self.cluster.create(kinds.POD, replica_set["metadata"]["namespace"], pod)
            self._events.normal(replica_set, "SuccessfulCreate", f"Created pod: {name_of(created)}")
        for pod in sorted(active, key=worth)[: max(-missing, 0)]:
            delete(self.cluster, key_of(kinds.POD, pod), delete_options(pod))
            self._events.normal(replica_set, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")

    def _state(self, replica_set: Object, failure: ApiError | None) -> float | None:
        now = self.cluster.now()
        active = [pod for pod in pods_of(self.store, replica_set) if is_active(pod)]
        min_ready_s = replica_set["spec"].get("minReadySeconds", 0)
        waits = [wait for pod in active if (wait := available_in(pod, min_ready_s, now)) is not None]
        labels = (dig(replica_set, "spec", "template", "metadata", "labels") or {}).items()
        status = without_zeros(
            {
                "fullyLabeledReplicas": sum(labels <= labels_of(pod).items() for pod in active),
                "readyReplicas": sum(is_ready(pod) for pod in active),
                "availableReplicas": waits.count(0),
                "conditions": self._conditions(replica_set, failure),
            }
        )
        status["replicas"] = len(active)
        status["terminatingReplicas"] = sum(is_deleting(pod) for pod in pods_of(self.store, replica_set))
        status["observedGeneration"] = replica_set["metadata"]["generation"]
        self.cluster.write_status(kinds.REPLICA_SET, replica_set, status)
        return min((wait for wait in waits if wait), default=None)

    def _conditions(self, replica_set: Object, failure: ApiError | None) -> list[Object]:
        if failure is None:
            return []
        condition = {
            "type": "ReplicaFailure",
            "status": "True",
            "reason": "FailedCreate",
            "message": failure.message,
        }
        return set_condition(dig(replica_set, "status", "conditions") or [], condition, self.cluster.timestamp())
