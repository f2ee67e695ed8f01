"""Events that controllers record; a repeated one is counted, and the oldest make room."""

import secrets
import uuid
from collections import OrderedDict

from dev.simulator import kinds
from dev.simulator.cluster import Cluster
from dev.simulator.objects import Object, micro_timestamp, name_of, namespace_of, uid_of
from dev.simulator.store import Key, key_of

_MAX_EVENTS = 5_000
_TO_SECONDS = len("2006-01-02T15:04:05")


class EventRecorder:
    """Records Events for one component."""

    def __init__(self, cluster: Cluster, component: str, *, series: bool = False) -> None:
        """Record core v1 Events, or those that events.k8s.io/v1 shows there: without count and first and last time."""
        self._cluster = cluster
        self._component = component
        self._series = series
        self._known: OrderedDict[tuple[str, str, str], Key] = OrderedDict()

    def warning(self, obj: Object, reason: str, message: str, *, action: str = "") -> None:
        """Record that something is wrong with an object."""
        self._record(obj, "Warning", reason, message, action=action)

    def normal(self, obj: Object, reason: str, message: str, *, action: str = "") -> None:
        """Record that something has happened to an object."""
        self._record(obj, "Normal", reason, message, action=action)

    def _record(self, obj: Object, type_: str, reason: str, message: str, *, action: str) -> None:
        identity = (uid_of(obj), reason, message)
        known = self._known.get(identity)
        present = self._cluster.store.get(*known) if known else None
        if present is not None:
            self._repeat(present)
            return
        namespace = namespace_of(obj) or "default"
        if self._cluster.store.get(kinds.NAMESPACE, "", namespace) is None:
            return  # The namespace has gone with its events.
        event = {
            "kind": kinds.EVENT.kind,
            "apiVersion": kinds.EVENT.api_version,
            "metadata": {
                "name": f"{name_of(obj)}.{secrets.token_hex(8)}",
                "namespace": namespace,
                "uid": str(uuid.uuid4()),
                "creationTimestamp": self._cluster.timestamp(),
            },
            "involvedObject": _reference(obj, namespace),
            "type": type_,
            "reason": reason,
            "message": message,
            "reportingComponent": self._component,
            **self._times(action),
        }
        # Complete as it is: admission and defaults would add nothing, and there are many of these.
        self._cluster.store.put(kinds.EVENT, event)
        self._known[identity] = key_of(kinds.EVENT, event)
        self._make_room()

    def _times(self, action: str) -> Object:
        if self._series:
            return {
                "source": {},
                "action": action,
                "reportingInstance": f"{self._component}-simulator",
                "firstTimestamp": None,
                "lastTimestamp": None,
                "eventTime": micro_timestamp(self._cluster.now()),
            }
        now = self._cluster.timestamp()
        return {
            "source": {"component": self._component},
            "reportingInstance": "",
            "firstTimestamp": now,
            "lastTimestamp": now,
            "eventTime": None,
            "count": 1,
        }

    def _repeat(self, event: Object) -> None:
        """Count an event again, once a second at most."""
        if self._series:
            now = micro_timestamp(self._cluster.now())
            series = event.get("series") or {"count": 1, "lastObservedTime": event["eventTime"]}
            if now[:_TO_SECONDS] != series["lastObservedTime"][:_TO_SECONDS]:
                series = {"count": series["count"] + 1, "lastObservedTime": now}
                self._cluster.write(kinds.EVENT, {**event, "series": series})
            return
        stamp = self._cluster.timestamp()
        if event["lastTimestamp"] != stamp:
            self._cluster.write(kinds.EVENT, {**event, "count": event["count"] + 1, "lastTimestamp": stamp})

    def _make_room(self) -> None:
        while len(self._known) > _MAX_EVENTS:
            _, key = self._known.popitem(last=False)
            oldest = self._cluster.store.get(*key)
            if oldest is not None:
                self._cluster.store.remove(kinds.EVENT, oldest)


def _reference(obj: Object, namespace: str) -> Object:
    reference = {
        "kind": obj["kind"],
        "apiVersion": obj["apiVersion"],
        "name": name_of(obj),
        "namespace": namespace,
        "uid": uid_of(obj),
        "resourceVersion": obj["metadata"]["resourceVersion"],
    }
    return {key: value for key, value in reference.items() if value}
