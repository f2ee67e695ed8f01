"""Deployments: one ReplicaSet for each pod template, rolled from one to the next."""

from dev.simulator import kinds
from dev.simulator.cluster import Cluster
from dev.simulator.controllers.controller import Controller, delete_options
from dev.simulator.controllers.deployment_status import complete, deployment_status, progress_deadline_in
from dev.simulator.controllers.pods import HASH_LABEL, pods_of, template_hash
from dev.simulator.controllers.recorder import EventRecorder
from dev.simulator.controllers.rollout import Bounds, Revision, bounds, roll
from dev.simulator.deletion import delete
from dev.simulator.objects import (
    Object,
    annotations_of,
    controller_reference,
    dig,
    is_deleting,
    labels_of,
    name_of,
    namespace_of,
    uid_of,
)
from dev.simulator.store import Key, key_of
from dev.simulator.timing import Timing
from dev.simulator.watches import Change
from shared.contracts import annotations
from shared.contracts.cloning import clone

_REVISION = "deployment.kubernetes.io/revision"
_DESIRED = "deployment.kubernetes.io/desired-replicas"
_MOST = "deployment.kubernetes.io/max-replicas"
_NOT_HANDED_DOWN = frozenset((_REVISION, annotations.ANNOTATION_LAST_APPLIED))


class Deployments(Controller):
    """The Deployment controller."""

    def __init__(self, cluster: Cluster, timing: Timing) -> None:
        super().__init__(cluster, timing)
        self._events = EventRecorder(cluster, "deployment-controller")

    def observe(self, change: Change) -> None:
        """Look at a Deployment when it or one of its ReplicaSets changes."""
        if change.kind is kinds.DEPLOYMENT and change.new is not None:
            self.queue.add(key_of(change.kind, change.new))
        elif change.kind is kinds.REPLICA_SET:
            self.enqueue_controller(change.last, "Deployment")
        elif change.kind is kinds.POD and change.new is None:
            # A Recreate rollout waits for the last old pod.
            replica_set = self._replica_set_of(change.last)
            if replica_set is not None:
                self.enqueue_controller(replica_set, "Deployment")

    def _replica_set_of(self, pod: Object) -> Object | None:
        for reference in pod["metadata"].get("ownerReferences") or ():
            key = self.store.by_uid(reference["uid"])
            if key is not None and key.kind is kinds.REPLICA_SET:
                return self.store.get(*key)
        return None

    def reconcile(self, key: Key) -> float | None:
        """Move the ReplicaSets one step on, then state what there is."""
        deployment = self.store.get(*key)
        if deployment is None:
            return None
        if not is_deleting(deployment):
            self._sync(deployment)
        return self._state(key)

    def _replica_sets(self, deployment: Object) -> list[Object]:
        owned = self.store.dependents(uid_of(deployment), kinds.REPLICA_SET)
        return sorted((one for one in owned if not is_deleting(one)), key=_revision_of)

    def _sync(self, deployment: Object) -> None:
        owned = self._replica_sets(deployment)
        hash_ = template_hash(deployment["spec"]["template"])
        new = next((one for one in owned if labels_of(one).get(HASH_LABEL) == hash_), None)
        old = [one for one in owned if one is not new]
        if deployment["spec"].get("paused"):
            if new is not None and not any(one["spec"]["replicas"] for one in old):
                self._scale(deployment, new, deployment["spec"]["replicas"])
            return
        newest = max((_revision_of(one) for one in old), default=0)
        if new is None:
            new = self._create(deployment, hash_, newest + 1, _first_size(deployment, old))
        else:
            new = self._hand_down(deployment, new, max(newest + 1, _revision_of(new)))
        if deployment["spec"]["strategy"]["type"] == "Recreate":
            self._recreate(deployment, new, old)
        else:
            self._roll(deployment, new, old)
        self._clean_up(deployment, old)

    def _create(self, deployment: Object, hash_: str, revision: int, size: int) -> Object:
        template = clone(deployment["spec"]["template"])
        labels = {**(dig(template, "metadata", "labels") or {}), HASH_LABEL: hash_}
        template["metadata"]["labels"] = labels
        selector = clone(deployment["spec"]["selector"])
        selector["matchLabels"] = {**(selector.get("matchLabels") or {}), HASH_LABEL: hash_}
        spec = {"replicas": size, "selector": selector, "template": template}
        if "minReadySeconds" in deployment["spec"]:
            spec["minReadySeconds"] = deployment["spec"]["minReadySeconds"]
        body = {
            "metadata": {
                "name": f"{name_of(deployment)}-{hash_}",
                "namespace": namespace_of(deployment),
                "labels": labels,
                "annotations": _handed_down(deployment, revision),
                "ownerReferences": [controller_reference(deployment)],
            },
            "spec": spec,
        }
        created = self.cluster.create(kinds.REPLICA_SET, namespace_of(deployment), body)
        if size:
            self._note_scaling(deployment, created, 0, size)
        return created

    def _scale(self, deployment: Object, replica_set: Object, size: int) -> None:
        present = replica_set["spec"]["replicas"]
        if size != present:
            self.cluster.write_spec(kinds.REPLICA_SET, replica_set, replicas=size)
            self._note_scaling(deployment, replica_set, present, size)

    def _note_scaling(self, deployment: Object, replica_set: Object, before: int, after: int) -> None:
        direction = "up" if after > before else "down"
        message = f"Scaled {direction} replica set {name_of(replica_set)} from {before} to {after}"
        self._events.normal(deployment, "ScalingReplicaSet", message)

    def _hand_down(self, deployment: Object, replica_set: Object, revision: int) -> Object:
        metadata = {**replica_set["metadata"], "annotations": _handed_down(deployment, revision)}
        spec = replica_set["spec"]
        if "minReadySeconds" in deployment["spec"]:
            spec = {**spec, "minReadySeconds": deployment["spec"]["minReadySeconds"]}
        return self.cluster.write(kinds.REPLICA_SET, {**replica_set, "metadata": metadata, "spec": spec})

    def _recreate(self, deployment: Object, new: Object, old: list[Object]) -> None:
        for one in old:
            self._scale(deployment, one, 0)
        if not any(pods_of(self.store, one) for one in old):
            self._scale(deployment, new, deployment["spec"]["replicas"])

    def _roll(self, deployment: Object, new: Object, old: list[Object]) -> None:
        limits = _bounds(deployment)
        by_name = {name_of(one): one for one in (*old, new)}
        # Every scaling makes the ReplicaSet change, and so brings us here again.
        for name, size in roll(_revision(new), [_revision(one) for one in old], limits).items():
            self._scale(deployment, by_name[name], size)

    def _clean_up(self, deployment: Object, old: list[Object]) -> None:
        limit = deployment["spec"]["revisionHistoryLimit"]
        if not complete(deployment, deployment.get("status") or {}):
            return
        idle = [one for one in old if not one["spec"]["replicas"] and not dig(one, "status", "replicas")]
        for one in idle[: max(len(idle) - limit, 0)]:
            delete(self.cluster, key_of(kinds.REPLICA_SET, one), delete_options(one))

    def _state(self, key: Key) -> float | None:
        deployment = self.cluster.get(*key)
        owned = self._replica_sets(deployment)
        hash_ = template_hash(deployment["spec"]["template"])
        new = next((one for one in owned if labels_of(one).get(HASH_LABEL) == hash_), None)
        now = self.cluster.now()
        status = deployment_status(deployment, new, owned, now)
        metadata = deployment["metadata"]
        if new is not None:
            annotations = {**annotations_of(deployment), _REVISION: annotations_of(new).get(_REVISION, "1")}
            metadata = {**metadata, "annotations": annotations}
        self.cluster.write(kinds.DEPLOYMENT, {**deployment, "metadata": metadata, "status": status})
        return progress_deadline_in(deployment, status, now)


def _bounds(deployment: Object) -> Bounds:
    spec = deployment["spec"]
    if spec["strategy"]["type"] == "Recreate":
        return Bounds(spec["replicas"], 0, 0)
    rolling = spec["strategy"].get("rollingUpdate") or {}
    return bounds(spec["replicas"], rolling.get("maxSurge", "25%"), rolling.get("maxUnavailable", "25%"))


def _first_size(deployment: Object, old: list[Object]) -> int:
    """Return how many replicas a new ReplicaSet starts with, beside the old ones."""
    limits = _bounds(deployment)
    room: int = limits.desired + limits.surge - sum(one["spec"]["replicas"] for one in old)
    return max(min(room, limits.desired), 0)


def _handed_down(deployment: Object, revision: int) -> dict[str, str]:
    own = {key: value for key, value in annotations_of(deployment).items() if key not in _NOT_HANDED_DOWN}
    limits = _bounds(deployment)
    sizes = {_DESIRED: str(limits.desired), _MOST: str(limits.desired + limits.surge)}
    return {**own, _REVISION: str(revision), **sizes}


def _revision_of(replica_set: Object) -> int:
    return int(annotations_of(replica_set).get(_REVISION, "0"))


def _revision(replica_set: Object) -> Revision:
    available = dig(replica_set, "status", "availableReplicas") or 0
    desired = replica_set["spec"]["replicas"]
    return Revision(name_of(replica_set), desired, min(available, desired))
