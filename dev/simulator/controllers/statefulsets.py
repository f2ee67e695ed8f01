"""StatefulSets: pods with a name and volumes of their own, made and replaced in order."""

from dev.simulator import kinds
from dev.simulator.cluster import Cluster
from dev.simulator.controllers.controller import Controller, delete_options
from dev.simulator.controllers.pods import (
    REVISION_LABEL,
    available_in,
    is_ready,
    new_pod,
    phase,
    pods_of,
    template_hash,
    without_zeros,
)
from dev.simulator.controllers.recorder import EventRecorder
from dev.simulator.deletion import delete
from dev.simulator.errors import ApiError
from dev.simulator.objects import Object, dig, is_deleting, labels_of, name_of, namespace_of, uid_of
from dev.simulator.store import Key, key_of
from dev.simulator.timing import Timing
from dev.simulator.watches import Change
from shared.contracts.cloning import clone


class StatefulSets(Controller):
    """The StatefulSet controller."""

    def __init__(self, cluster: Cluster, timing: Timing) -> None:
        super().__init__(cluster, timing)
        self._events = EventRecorder(cluster, "statefulset-controller")
        # What a partition keeps at the old revision is made from here; a real cluster keeps ControllerRevisions.
        self._templates: dict[tuple[str, str], Object] = {}

    def observe(self, change: Change) -> None:
        """Look at a StatefulSet when it or one of its pods changes."""
        if change.kind is kinds.STATEFUL_SET:
            if change.new is not None:
                self.queue.add(key_of(change.kind, change.new))
            else:
                uid = uid_of(change.last)
                self._templates = {key: value for key, value in self._templates.items() if key[0] != uid}
        elif change.kind is kinds.POD:
            self.enqueue_controller(change.last, "StatefulSet")

    def reconcile(self, key: Key) -> float | None:
        """Move the pods one step on, then state what there is."""
        stateful_set = self.store.get(*key)
        if stateful_set is None:
            return None
        update = self._revision(stateful_set)
        current = dig(stateful_set, "status", "currentRevision") or update
        retry_s: float | None = None
        if not is_deleting(stateful_set):
            try:
                self._sync(stateful_set, current, update)
            except ApiError as error:
                self._events.warning(stateful_set, "FailedCreate", f"create Pod failed error: {error.message}")
                retry_s = self.timing.retry_s
        return retry_s or self._state(stateful_set, current, update)

    def _revision(self, stateful_set: Object) -> str:
        template = stateful_set["spec"]["template"]
        revision = f"{name_of(stateful_set)}-{template_hash(template)}"
        self._templates[uid_of(stateful_set), revision] = template
        return revision

    def _pods(self, stateful_set: Object) -> dict[int, Object]:
        return {_ordinal(pod): pod for pod in pods_of(self.store, stateful_set)}

    def _sync(self, stateful_set: Object, current: str, update: str) -> None:
        spec = stateful_set["spec"]
        ordered = spec["podManagementPolicy"] == "OrderedReady"
        pods = self._pods(stateful_set)
        for ordinal in range(spec["replicas"]):
            pod = pods.get(ordinal)
            if pod is None:
                self._create(stateful_set, ordinal, current if ordinal < _partition(spec) else update)
            elif phase(pod) in {"Failed", "Succeeded"} and not is_deleting(pod):
                self._delete(pod)
            if ordered and not (pod is not None and self._is_available(stateful_set, pod)):
                return
        condemned = sorted((ordinal for ordinal in pods if ordinal >= spec["replicas"]), reverse=True)
        for ordinal in condemned:
            if not is_deleting(pods[ordinal]):
                self._delete(pods[ordinal])
            if ordered:
                return
        if spec["updateStrategy"]["type"] == "RollingUpdate" and not condemned:
            self._roll(stateful_set, pods, update)

    def _roll(self, stateful_set: Object, pods: dict[int, Object], update: str) -> None:
        """Replace the pod with the highest number that is not up to date, once those above it are available."""
        for ordinal in reversed(range(_partition(stateful_set["spec"]), stateful_set["spec"]["replicas"])):
            pod = pods.get(ordinal)
            if pod is None or is_deleting(pod):
                return
            if labels_of(pod).get(REVISION_LABEL) != update:
                self._delete(pod)
                return
            if not self._is_available(stateful_set, pod):
                return

    def _is_available(self, stateful_set: Object, pod: Object) -> bool:
        min_ready_s = stateful_set["spec"].get("minReadySeconds", 0)
        return not is_deleting(pod) and available_in(pod, min_ready_s, self.cluster.now()) == 0

    def _delete(self, pod: Object) -> None:
        delete(self.cluster, key_of(kinds.POD, pod), delete_options(pod))

    def _create(self, stateful_set: Object, ordinal: int, revision: str) -> None:
        set_name, namespace = name_of(stateful_set), namespace_of(stateful_set)
        name = f"{set_name}-{ordinal}"
        template = self._templates.get((uid_of(stateful_set), revision), stateful_set["spec"]["template"])
        labels = {
            REVISION_LABEL: revision,
            "statefulset.kubernetes.io/pod-name": name,
            "apps.kubernetes.io/pod-index": str(ordinal),
        }
        pod = new_pod(stateful_set, template, name, labels)
        pod["spec"]["hostname"] = name
        if service := stateful_set["spec"].get("serviceName"):
            pod["spec"]["subdomain"] = service
        volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or ()}
        for claim in stateful_set["spec"].get("volumeClaimTemplates") or ():
            claim_name = f"{name_of(claim)}-{name}"
            self._ensure_claim(stateful_set, claim, claim_name)
            volumes[name_of(claim)] = {
                "name": name_of(claim),
                "persistentVolumeClaim": {"claimName": claim_name},
            }
        if volumes:
            pod["spec"]["volumes"] = list(volumes.values())
        if self.store.get(kinds.POD, namespace, name) is None:
            self.cluster.create(kinds.POD, namespace, pod)
            message = f"Create Pod {name} in StatefulSet {set_name} successful"
            self._events.normal(stateful_set, "SuccessfulCreate", message)

    def _ensure_claim(self, stateful_set: Object, template: Object, name: str) -> None:
        namespace = namespace_of(stateful_set)
        if self.store.get(kinds.CLAIM, namespace, name) is not None:
            return
        metadata = clone(template["metadata"])
        selected = dig(stateful_set, "spec", "selector", "matchLabels") or {}
        metadata["labels"] = {**(metadata.get("labels") or {}), **selected}
        metadata |= {"name": name, "namespace": namespace}
        self.cluster.create(kinds.CLAIM, namespace, {"metadata": metadata, "spec": clone(template["spec"])})

    def _state(self, stateful_set: Object, current: str, update: str) -> float | None:
        now = self.cluster.now()
        spec = stateful_set["spec"]
        pods = list(self._pods(stateful_set).values())
        present = [pod for pod in pods if not is_deleting(pod)]
        waits = [
            wait for pod in present if (wait := available_in(pod, spec.get("minReadySeconds", 0), now)) is not None
        ]
        revisions = [labels_of(pod).get(REVISION_LABEL) for pod in present]
        updated, ready = revisions.count(update), sum(is_ready(pod) for pod in present)
        if updated == ready == len(pods) == spec["replicas"]:
            current = update
        status = without_zeros(
            {
                "observedGeneration": stateful_set["metadata"]["generation"],
                "readyReplicas": ready,
                "currentReplicas": revisions.count(current),
                "updatedReplicas": updated,
            }
        )
        status |= {
            "replicas": len(pods),
            "availableReplicas": waits.count(0),
            "collisionCount": 0,
            "currentRevision": current,
            "updateRevision": update,
        }
        self.cluster.write_status(kinds.STATEFUL_SET, stateful_set, status)
        return min((wait for wait in waits if wait), default=None)


def _ordinal(pod: Object) -> int:
    return int(name_of(pod).rpartition("-")[2])


def _partition(spec: Object) -> int:
    return int(dig(spec, "updateStrategy", "rollingUpdate", "partition") or 0)
