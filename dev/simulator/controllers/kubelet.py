"""The kubelets of all nodes: pods start, get ready, crash, end and go, without any container being run."""

import asyncio
from dataclasses import dataclass, field

from dev.simulator import kinds
from dev.simulator.cluster import Cluster
from dev.simulator.controllers.container_status import container_status, waiting
from dev.simulator.controllers.controller import Controller
from dev.simulator.controllers.pod_life import Script, Step, Warned, initial, life
from dev.simulator.controllers.pods import set_condition
from dev.simulator.controllers.recorder import EventRecorder
from dev.simulator.controllers.references import missing_environment, missing_volume
from dev.simulator.deletion import delete
from dev.simulator.objects import Object, dig, is_deleting, name_of, uid_of
from dev.simulator.options import AT_ONCE
from dev.simulator.store import Key, key_of
from dev.simulator.timing import Timing
from dev.simulator.watches import Change


@dataclass(slots=True)
class _Playing:
    """Where a pod stands in its script."""

    script: Script
    due: float = 0.0
    """When the next status is due, on the loop's clock."""
    begun: bool = False


@dataclass(slots=True)
class _Addresses:
    """Pod addresses, each given once."""

    given: int = field(default=0)

    def take(self) -> str:
        self.given += 1
        return f"10.{244 + self.given // 65536 % 12}.{self.given // 256 % 256}.{self.given % 256}"


class Kubelet(Controller):
    """Plays the pods of every node."""

    def __init__(self, cluster: Cluster, timing: Timing) -> None:
        super().__init__(cluster, timing)
        self._events = EventRecorder(cluster, "kubelet")
        self._playing: dict[str, _Playing] = {}
        self._blocked: dict[str, dict[Key, None]] = {}
        self._addresses = _Addresses()

    def observe(self, change: Change) -> None:
        """Look at pods that got a node or are deleted, and at those that wait for what has appeared."""
        if change.kind is kinds.POD:
            self._observe_pod(change)
        elif change.kind in {kinds.CONFIG_MAP, kinds.SECRET}:
            for key in self._blocked.pop(change.namespace, {}):
                self.queue.add(key)
        elif change.kind is kinds.NODE and change.new is None:
            for pod in self.store.all(kinds.POD, "", lambda pod: pod["spec"].get("nodeName") == name_of(change.last)):
                self.queue.add(key_of(kinds.POD, pod))

    def _observe_pod(self, change: Change) -> None:
        pod, key = change.last, key_of(kinds.POD, change.last)
        if change.new is None:
            self._playing.pop(uid_of(pod), None)
            self._blocked.get(change.namespace, {}).pop(key, None)
        elif is_deleting(pod):
            if change.old is None or not is_deleting(change.old):
                self.queue.add_after(key, self.timing.stop_s)
        elif pod["spec"].get("nodeName") and (change.old is None or not change.old["spec"].get("nodeName")):
            self.queue.add(key)

    def reconcile(self, key: Key) -> float | None:
        """Take the next step of a pod."""
        pod = self.store.get(*key)
        if pod is None or not pod["spec"].get("nodeName"):
            return None
        node = self.store.get(kinds.NODE, "", pod["spec"]["nodeName"])
        if is_deleting(pod) or node is None:
            delete(self.cluster, key, AT_ONCE)
            return None
        playing = self._playing.get(uid_of(pod))
        if playing is None:
            pod = self._write(pod, initial(pod), self._identity(node))
            playing = _Playing(life(pod, self.timing, self.cluster.timestamp))
            self._playing[uid_of(pod)] = playing
        if not playing.begun and self._lacks_something(pod):
            self._blocked.setdefault(key.namespace, {})[key] = None
            return None
        playing.begun = True
        return self._play(pod, playing)

    def _identity(self, node: Object) -> Object:
        addresses = dig(node, "status", "addresses") or []
        host = next((one["address"] for one in addresses if one["type"] == "InternalIP"), "10.250.0.1")
        return {"hostIP": host, "hostIPs": [{"ip": host}], "startTime": self.cluster.timestamp()}

    def _play(self, pod: Object, playing: _Playing) -> float | None:
        """State what is due by now; returns the delay before what comes next, None at the end of the script."""
        now = asyncio.get_running_loop().time()
        if playing.due > now:
            return playing.due - now
        for item in playing.script:
            if isinstance(item, Step):
                pod = self._write(pod, item, self._address(pod))
            else:
                playing.due = now + item
                return item
        return None

    def _address(self, pod: Object) -> Object:
        if "podIP" in pod["status"]:
            return {}
        ip = self._addresses.take()
        return {"podIP": ip, "podIPs": [{"ip": ip}]}

    def _lacks_something(self, pod: Object) -> bool:
        """Say what keeps the containers from starting, if anything does."""
        volume = missing_volume(self.store, pod)
        if volume is not None:
            message = f'MountVolume.SetUp failed for volume "{volume.volume}" : {volume.message}'
            self._events.warning(pod, "FailedMount", message)
            return True
        for section in ("initContainers", "containers"):
            containers = pod["spec"].get(section) or []
            missing = {one["name"]: missing_environment(self.store, pod, one) for one in containers}
            if any(missing.values()):
                self._cannot_create(pod, section, missing)
                return True
        return False

    def _cannot_create(self, pod: Object, section: str, missing: dict[str, str | None]) -> None:
        step = initial(pod)
        statuses = []
        for container in pod["spec"][section]:
            message = missing[container["name"]]
            state = waiting("CreateContainerConfigError", message) if message else waiting("ContainerCreating")
            statuses.append(container_status(container, state))
        first = next(message for message in missing.values() if message)
        warned = Warned("Failed", f"Error: {first}")
        containers = statuses if section == "containers" else step.containers
        inits = statuses if section == "initContainers" else step.init_containers
        self._write(pod, Step("Pending", containers, {}, inits, warned), {})

    def _write(self, pod: Object, step: Step, identity: Object) -> Object:
        now = self.cluster.timestamp()
        conditions = dig(pod, "status", "conditions") or []
        for condition in step.conditions.values():
            conditions = set_condition(conditions, condition, now)
        status = {
            **pod["status"],
            **identity,
            "phase": step.phase,
            "conditions": conditions,
            "containerStatuses": step.containers,
            "observedGeneration": pod["metadata"]["generation"],
        }
        if step.init_containers:
            status["initContainerStatuses"] = step.init_containers
        if step.warned is not None:
            self._events.warning(pod, step.warned.reason, step.warned.message)
        return self.cluster.write_status(kinds.POD, pod, status)
