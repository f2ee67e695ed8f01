"""The object store: the present objects, the log of changes, and who is told of them."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from dev.simulator.errors import ApiError, expired
from dev.simulator.kinds import KINDS, Kind
from dev.simulator.objects import Object, name_of, namespace_of, uid_of
from dev.simulator.selectors import Predicate
from dev.simulator.watches import Change, Watcher

Listener = Callable[[Change], None]


class Key(NamedTuple):
    """Where an object is stored."""

    kind: Kind
    namespace: str
    name: str


def key_of(kind: Kind, obj: Object) -> Key:
    """Return where an object is stored."""
    return Key(kind, namespace_of(obj), name_of(obj))


class Store:
    """All objects of the cluster. Objects go in and come out as they are: nobody changes one in place."""

    def __init__(self, *, history: int = 20_000) -> None:
        """Keep that many changes of each kind for watches that start in the past."""
        # A restarted simulator is another cluster: revisions of the previous one must be too old here, not too new.
        self.revision = int(time.time()) * 1000
        self._first_revision = self.revision
        self._objects: dict[Kind, dict[str, dict[str, Object]]] = {kind: {} for kind in KINDS}
        self._history: dict[Kind, deque[Change]] = {kind: deque(maxlen=history) for kind in KINDS}
        self._forgotten: dict[Kind, int] = dict.fromkeys(KINDS, self._first_revision)
        self._watchers: dict[Kind, set[Watcher]] = {kind: set() for kind in KINDS}
        self._listeners: list[Listener] = []
        self._keys: dict[str, Key] = {}
        self._dependents: dict[str, dict[str, Key]] = {}

    def get(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """Return an object, or None."""
        return self._objects[kind].get(namespace, {}).get(name)

    def by_uid(self, uid: str) -> Key | None:
        """Return where the object with this uid is stored, or None."""
        return self._keys.get(uid)

    def all(self, kind: Kind, namespace: str = "", predicate: Predicate | None = None) -> list[Object]:
        """Return the objects of a kind (of one namespace), ordered by namespace and name as etcd does."""
        spaces = self._objects[kind]
        chosen = ([namespace] if namespace in spaces else []) if namespace else sorted(spaces)
        found = (spaces[space][name] for space in chosen for name in sorted(spaces[space]))
        return [obj for obj in found if predicate is None or predicate(obj)]

    def dependents(self, uid: str, kind: Kind | None = None) -> list[Object]:
        """Return the objects (of one kind) that name this uid as an owner."""
        keys = [key for key in self._dependents.get(uid, {}).values() if kind is None or key.kind is kind]
        return [self._objects[key.kind][key.namespace][key.name] for key in keys]

    def dependent_keys(self, uid: str) -> list[Key]:
        """Return where the objects that name this uid as an owner are stored."""
        return list(self._dependents.get(uid, {}).values())

    def put(self, kind: Kind, obj: Object) -> Object:
        """Commit an object, new or changed, under the next revision; returns it as stored."""
        self.revision += 1
        obj["metadata"]["resourceVersion"] = str(self.revision)
        namespace, name = namespace_of(obj), name_of(obj)
        space = self._objects[kind].setdefault(namespace, {})
        old = space.get(name)
        space[name] = obj
        if old is not None:
            self._unlink(old)
        self._link(key_of(kind, obj), obj)
        self._publish(Change(kind, self.revision, old, obj, obj))
        return obj

    def remove(self, kind: Kind, obj: Object) -> Object:
        """Remove an object; returns its final state under the revision of its removal."""
        self.revision += 1
        namespace, name = namespace_of(obj), name_of(obj)
        old = self._objects[kind][namespace].pop(name)
        self._unlink(old)
        last = {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(self.revision)}}
        self._publish(Change(kind, self.revision, old, None, last))
        return last

    def _link(self, key: Key, obj: Object) -> None:
        uid = uid_of(obj)
        self._keys[uid] = key
        for reference in obj["metadata"].get("ownerReferences") or ():
            self._dependents.setdefault(reference["uid"], {})[uid] = key

    def _unlink(self, obj: Object) -> None:
        uid = uid_of(obj)
        del self._keys[uid]
        for reference in obj["metadata"].get("ownerReferences") or ():
            siblings = self._dependents[reference["uid"]]
            siblings.pop(uid, None)
            if not siblings:
                del self._dependents[reference["uid"]]

    def _publish(self, change: Change) -> None:
        history = self._history[change.kind]
        if len(history) == history.maxlen:
            self._forgotten[change.kind] = history[0].revision
        history.append(change)
        for watcher in self._watchers[change.kind]:
            watcher.offer(change)
        for listener in self._listeners:
            listener(change)

    def listen(self, listener: Listener) -> None:
        """Have a function called with every change, synchronously: it must only take note."""
        self._listeners.append(listener)

    def watch(
        self,
        kind: Kind,
        namespace: str,
        predicate: Predicate | None = None,
        *,
        since: int | None = None,
        metadata_only: bool = False,
    ) -> Watcher:
        """Open a watch: from the present objects on (None), or with the changes since a revision.

        Raises:
            ApiError: 410, the revision is older than the history that is kept.
        """
        watcher = Watcher(kind, namespace, predicate, metadata_only=metadata_only)
        if since is None:
            watcher.offer_present(iter(self.all(kind, namespace, predicate)))
        else:
            if since < self._forgotten[kind]:
                raise self._too_old(kind, since)
            for change in self._changes_after(kind, since):
                watcher.offer(change)
        self._watchers[kind].add(watcher)
        return watcher

    def _too_old(self, kind: Kind, since: int) -> ApiError:
        return expired(f"too old resource version: {since} ({self._forgotten[kind]})")

    def _changes_after(self, kind: Kind, since: int) -> Iterator[Change]:
        recent: list[Change] = []
        for change in reversed(self._history[kind]):
            if change.revision <= since:
                break
            recent.append(change)
        return reversed(recent)

    def unwatch(self, watcher: Watcher) -> None:
        """Close a watch and forget it."""
        watcher.close()
        self._watchers[watcher.kind].discard(watcher)

    def close_watches(self) -> None:
        """Close every watch, as a server that stops does."""
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.close()

    def forget_history(self) -> None:
        """Compact: watches that want to start in the past are answered 410 from now on."""
        for kind in KINDS:
            self._history[kind].clear()
            self._forgotten[kind] = self.revision
