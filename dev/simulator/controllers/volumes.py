"""Claims and volumes: binding, provisioning, protection while in use, and reclaiming."""

import asyncio
from collections.abc import Iterator

from dev.simulator import kinds
from dev.simulator.cluster import Cluster
from dev.simulator.controllers.controller import Controller, delete_options
from dev.simulator.controllers.pods import phase
from dev.simulator.controllers.recorder import EventRecorder
from dev.simulator.controllers.scheduler import SELECTED_NODE
from dev.simulator.deletion import delete
from dev.simulator.objects import Object, annotations_of, dig, is_deleting, name_of, namespace_of, uid_of
from dev.simulator.quantities import parse_quantity
from dev.simulator.store import Key, key_of
from dev.simulator.timing import Timing
from dev.simulator.watches import Change

PROVISIONER = "kubemin.dev/dev"

_CLAIM_PROTECTION = "kubernetes.io/pvc-protection"
_VOLUME_PROTECTION = "kubernetes.io/pv-protection"
_BOUND = "pv.kubernetes.io/bind-completed"
_BOUND_BY_CONTROLLER = "pv.kubernetes.io/bound-by-controller"
_PROVISIONER = "volume.kubernetes.io/storage-provisioner"
_BETA_PROVISIONER = "volume.beta.kubernetes.io/storage-provisioner"
_PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"


class Volumes(Controller):
    """The binder, the provisioner and the protection controllers in one."""

    def __init__(self, cluster: Cluster, timing: Timing) -> None:
        super().__init__(cluster, timing)
        self._events = EventRecorder(cluster, "persistentvolume-controller")
        self._provisioned_at: dict[str, float] = {}

    def observe(self, change: Change) -> None:
        """Look at claims and volumes when they, a class, or a pod that uses a claim changes."""
        if change.kind in {kinds.CLAIM, kinds.VOLUME}:
            if change.new is not None:
                self.queue.add(key_of(change.kind, change.new))
            if change.kind is kinds.CLAIM and (volume := change.last["spec"].get("volumeName")):
                self.queue.add(Key(kinds.VOLUME, "", volume))
            elif change.kind is kinds.VOLUME:
                self._queue_pending()
        elif change.kind is kinds.STORAGE_CLASS:
            self._queue_pending()
        elif change.kind is kinds.POD and (change.new is None or phase(change.new) in {"Succeeded", "Failed"}):
            for name in _claim_names(change.last):
                self.queue.add(Key(kinds.CLAIM, change.namespace, name))

    def _queue_pending(self) -> None:
        for claim in self.store.all(kinds.CLAIM):
            if dig(claim, "status", "phase") == "Pending":
                self.queue.add(key_of(kinds.CLAIM, claim))

    def reconcile(self, key: Key) -> float | None:
        """Bring a claim or a volume one step on."""
        obj = self.store.get(*key)
        if obj is None:
            return None
        if key.kind is kinds.VOLUME:
            self._sync_volume(obj)
            return None
        if is_deleting(obj):
            self._release_claim(obj)
            return None
        return None if dig(obj, "status", "phase") == "Bound" else self._bind(obj)

    def _release_claim(self, claim: Object) -> None:
        """Let a deleted claim go once no pod uses it."""
        name, namespace = name_of(claim), namespace_of(claim)
        users = (pod for pod in self.store.all(kinds.POD, namespace) if phase(pod) not in {"Succeeded", "Failed"})
        if not any(name in _claim_names(pod) for pod in users):
            self._drop_finalizer(kinds.CLAIM, claim, _CLAIM_PROTECTION)

    def _drop_finalizer(self, kind: kinds.Kind, obj: Object, finalizer: str) -> None:
        finalizers = [one for one in obj["metadata"].get("finalizers") or () if one != finalizer]
        self.cluster.write(kind, {**obj, "metadata": {**obj["metadata"], "finalizers": finalizers}})

    def _bind(self, claim: Object) -> float | None:
        if (volume := self._matching_volume(claim)) is not None:
            self._join(claim, volume)
            return None
        name = claim["spec"].get("storageClassName")
        if not name:
            message = "no persistent volumes available for this claim and no storage class is set"
            self._events.normal(claim, "FailedBinding", message)
            return None
        storage_class = self.store.get(kinds.STORAGE_CLASS, "", name)
        if storage_class is None:
            message = f'storageclass.storage.k8s.io "{name}" not found'
            self._events.warning(claim, "ProvisioningFailed", message)
            return None
        if storage_class["volumeBindingMode"] == "WaitForFirstConsumer" and SELECTED_NODE not in annotations_of(claim):
            message = "waiting for first consumer to be created before binding"
            self._events.normal(claim, "WaitForFirstConsumer", message)
            return None
        if storage_class["provisioner"] != PROVISIONER:
            message = f"Waiting for a volume to be created by the external provisioner '{storage_class['provisioner']}'"
            self._events.normal(claim, "ExternalProvisioning", message)
            return None
        return self._provision(claim, storage_class)

    def _matching_volume(self, claim: Object) -> Object | None:
        found = sorted(
            (volume for volume in self.store.all(kinds.VOLUME) if _fits(claim, volume)),
            key=lambda volume: parse_quantity(volume["spec"]["capacity"]["storage"]),
        )
        return found[0] if found else None

    def _provision(self, claim: Object, storage_class: Object) -> float | None:
        now = asyncio.get_running_loop().time()
        due = self._provisioned_at.setdefault(uid_of(claim), now + self.timing.provision_s)
        if due > now:
            return due - now
        del self._provisioned_at[uid_of(claim)]
        volume = self.cluster.create(
            kinds.VOLUME,
            "",
            {
                "metadata": {
                    "name": f"pvc-{uid_of(claim)}",
                    "annotations": {_PROVISIONED_BY: PROVISIONER},
                },
                "spec": {
                    "storageClassName": name_of(storage_class),
                    "persistentVolumeReclaimPolicy": storage_class["reclaimPolicy"],
                    "accessModes": claim["spec"]["accessModes"],
                    "capacity": {"storage": claim["spec"]["resources"]["requests"]["storage"]},
                    "volumeMode": claim["spec"]["volumeMode"],
                    "hostPath": {"path": f"/simulated/{uid_of(claim)}"},
                },
            },
        )
        self._join(claim, volume)
        return None

    def _join(self, claim: Object, volume: Object) -> None:
        reference = {
            "kind": claim["kind"],
            "apiVersion": claim["apiVersion"],
            "namespace": namespace_of(claim),
            "name": name_of(claim),
            "uid": uid_of(claim),
            "resourceVersion": claim["metadata"]["resourceVersion"],
        }
        spec = {**volume["spec"], "claimRef": reference}
        self.cluster.write(kinds.VOLUME, {**volume, "spec": spec, "status": {"phase": "Bound"}})
        annotations = {**annotations_of(claim), _BOUND: "yes", _BOUND_BY_CONTROLLER: "yes"}
        if _PROVISIONED_BY in annotations_of(volume):
            annotations |= {_PROVISIONER: PROVISIONER, _BETA_PROVISIONER: PROVISIONER}
        status = {
            "phase": "Bound",
            "accessModes": volume["spec"]["accessModes"],
            "capacity": volume["spec"]["capacity"],
        }
        bound = {
            **claim,
            "metadata": {**claim["metadata"], "annotations": annotations},
            "spec": {**claim["spec"], "volumeName": name_of(volume)},
            "status": status,
        }
        self.cluster.write(kinds.CLAIM, bound)

    def _sync_volume(self, volume: Object) -> None:
        reference = volume["spec"].get("claimRef")
        claim = self.store.by_uid(reference["uid"]) if reference and "uid" in reference else None
        if is_deleting(volume):
            if claim is None:
                self._drop_finalizer(kinds.VOLUME, volume, _VOLUME_PROTECTION)
        elif reference is None or "uid" not in reference:
            self.cluster.write_status(kinds.VOLUME, volume, {"phase": "Available"})
        elif claim is None:
            released = self.cluster.write_status(kinds.VOLUME, volume, {"phase": "Released"})
            if released["spec"]["persistentVolumeReclaimPolicy"] == "Delete":
                delete(self.cluster, key_of(kinds.VOLUME, released), delete_options(released))


def _claim_names(pod: Object) -> Iterator[str]:
    for volume in pod["spec"].get("volumes") or ():
        if name := dig(volume, "persistentVolumeClaim", "claimName"):
            yield name


def _fits(claim: Object, volume: Object) -> bool:
    """Tell whether a volume is free and what the claim asks for."""
    spec, wanted = volume["spec"], claim["spec"]
    reference = spec.get("claimRef")
    if reference is not None:
        meant = (reference.get("namespace"), reference.get("name")) == (namespace_of(claim), name_of(claim))
        if not meant or reference.get("uid", uid_of(claim)) != uid_of(claim):
            return False
    if is_deleting(volume) or dig(volume, "status", "phase") not in {"Available", "Pending"}:
        return False
    if wanted.get("volumeName") and wanted["volumeName"] != name_of(volume):
        return False
    return (
        (spec.get("storageClassName") or "") == (wanted.get("storageClassName") or "")
        and set(wanted["accessModes"]) <= set(spec["accessModes"])
        and spec["volumeMode"] == wanted["volumeMode"]
        and parse_quantity(spec["capacity"]["storage"]) >= parse_quantity(wanted["resources"]["requests"]["storage"])
    )
