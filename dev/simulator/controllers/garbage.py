"""Garbage collection: what has lost its owners is deleted, and owners deleted in the foreground go last."""

from dev.simulator import kinds
from dev.simulator.controllers.controller import Controller, delete_options
from dev.simulator.deletion import delete
from dev.simulator.lifecycle import FOREGROUND, ORPHAN
from dev.simulator.objects import Object, is_deleting, uid_of
from dev.simulator.options import DeleteOptions
from dev.simulator.store import Key, key_of
from dev.simulator.watches import Change

_FINALIZERS = frozenset((FOREGROUND, ORPHAN))


class GarbageCollector(Controller):
    """The garbage collector."""

    def observe(self, change: Change) -> None:
        """Look at the dependents of what was removed, at what names owners, and at owners that wait to go."""
        if change.kind is kinds.EVENT:
            return
        if change.new is None:
            for key in self.store.dependent_keys(uid_of(change.last)):
                self.queue.add(key)
            for reference in change.last["metadata"].get("ownerReferences") or ():
                owner = self.store.by_uid(reference["uid"])
                if owner is not None:
                    self.queue.add(owner)
        elif not _FINALIZERS.isdisjoint(change.new["metadata"].get("finalizers") or ()) or (
            change.old is None and change.new["metadata"].get("ownerReferences")
        ):
            self.queue.add(key_of(change.kind, change.new))

    def reconcile(self, key: Key) -> float | None:
        """Delete an object without owners; finish a deletion in the foreground."""
        obj = self.store.get(*key)
        if obj is None:
            return None
        references = obj["metadata"].get("ownerReferences") or []
        present = [reference for reference in references if self.store.by_uid(reference["uid"])]
        if references and not present and not is_deleting(obj):
            delete(self.cluster, key, delete_options(obj))
        elif len(present) < len(references):
            metadata = {**obj["metadata"], "ownerReferences": present}
            if not present:
                del metadata["ownerReferences"]
            self.cluster.write(key.kind, {**obj, "metadata": metadata})
        elif is_deleting(obj):
            self._finish_deletion(key, obj)
        return None

    def _finish_deletion(self, key: Key, owner: Object) -> None:
        finalizers = owner["metadata"].get("finalizers") or []
        if ORPHAN in finalizers:
            self._orphan_dependents(owner)
            self._drop_finalizer(key, owner, ORPHAN)
        elif FOREGROUND in finalizers:
            self._finish_foreground(key, owner)

    def _orphan_dependents(self, owner: Object) -> None:
        for key in self.store.dependent_keys(uid_of(owner)):
            dependent = self.cluster.get(*key)
            references = [one for one in dependent["metadata"]["ownerReferences"] if one["uid"] != uid_of(owner)]
            metadata = {**dependent["metadata"], "ownerReferences": references}
            if not references:
                del metadata["ownerReferences"]
            self.cluster.write(key.kind, {**dependent, "metadata": metadata})

    def _drop_finalizer(self, key: Key, owner: Object, finalizer: str) -> None:
        finalizers = [one for one in owner["metadata"]["finalizers"] if one != finalizer]
        metadata = {**owner["metadata"], "finalizers": finalizers}
        if not finalizers:
            del metadata["finalizers"]
        self.cluster.write(key.kind, {**owner, "metadata": metadata})

    def _finish_foreground(self, key: Key, owner: Object) -> None:
        dependents = self.store.dependent_keys(uid_of(owner))
        for dependent in dependents:
            present = self.cluster.get(*dependent)
            if not is_deleting(present):
                # A dependent with dependents of its own waits for them in turn.
                policy = "Foreground" if self.store.dependent_keys(uid_of(present)) else "Background"
                delete(self.cluster, dependent, DeleteOptions(uid=uid_of(present), propagation=policy))
        if not self.store.dependent_keys(uid_of(owner)):
            self._drop_finalizer(key, owner, FOREGROUND)
