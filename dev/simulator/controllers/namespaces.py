"""Namespaces: each gets its default ServiceAccount, and takes its content with it when it is deleted."""

from dev.simulator import kinds
from dev.simulator.controllers.controller import Controller, delete_options
from dev.simulator.deletion import delete
from dev.simulator.objects import Object, is_deleting, name_of
from dev.simulator.store import Key, key_of
from dev.simulator.watches import Change

_DEFAULT = "default"


class Namespaces(Controller):
    """The namespace controller and the service account controller."""

    def observe(self, change: Change) -> None:
        """Look at a Namespace when it changes, or when something in it is gone."""
        if change.kind is kinds.NAMESPACE:
            if change.new is not None:
                self.queue.add(key_of(change.kind, change.new))
        elif change.new is None and change.kind.namespaced:
            namespace = self.store.get(kinds.NAMESPACE, "", change.namespace)
            if namespace is not None and (is_deleting(namespace) or change.kind is kinds.SERVICE_ACCOUNT):
                self.queue.add(key_of(kinds.NAMESPACE, namespace))

    def reconcile(self, key: Key) -> float | None:
        """Make the ServiceAccount, or empty the Namespace."""
        namespace = self.store.get(*key)
        if namespace is None:
            return None
        if is_deleting(namespace):
            self._empty(namespace)
        elif self.store.get(kinds.SERVICE_ACCOUNT, name_of(namespace), _DEFAULT) is None:
            self.cluster.create(kinds.SERVICE_ACCOUNT, name_of(namespace), {"metadata": {"name": _DEFAULT}})
        return None

    def _empty(self, namespace: Object) -> None:
        name = name_of(namespace)
        left = False
        for kind in kinds.KINDS:
            if kind.namespaced:
                for obj in self.store.all(kind, name):
                    if not is_deleting(obj):
                        delete(self.cluster, key_of(kind, obj), delete_options(obj))
                left = left or bool(self.store.all(kind, name))
        if not left:
            spec = {**namespace["spec"], "finalizers": []}
            self.cluster.write(kinds.NAMESPACE, {**namespace, "spec": spec})
