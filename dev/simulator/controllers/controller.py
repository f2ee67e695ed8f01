"""What all controllers have in common: they take note of changes, and look at one object after another."""

import asyncio
from abc import ABC, abstractmethod

import structlog

from dev.simulator.cluster import Cluster
from dev.simulator.controllers.queues import WorkQueue
from dev.simulator.objects import Object, controller_of, namespace_of
from dev.simulator.options import DeleteOptions
from dev.simulator.store import Key
from dev.simulator.timing import Timing
from dev.simulator.watches import Change

_log = structlog.get_logger(__name__)


class Controller(ABC):
    """One controller. `observe` is called inside every commit, `reconcile` from the controller's own task."""

    def __init__(self, cluster: Cluster, timing: Timing) -> None:
        self.cluster = cluster
        self.store = cluster.store
        self.timing = timing
        self.queue: WorkQueue[Key] = WorkQueue()
        self.failures: list[Exception] = []
        """What went wrong in reconcile although it should not have; empty unless the simulator has a defect."""

    @property
    def name(self) -> str:
        """The name of the controller's task."""
        return type(self).__name__

    @abstractmethod
    def observe(self, change: Change) -> None:
        """Take note of a committed change: queue what has to be looked at."""

    @abstractmethod
    def reconcile(self, key: Key) -> float | None:
        """Bring an object nearer to its desired state; returns after how many seconds to look again."""

    async def run(self) -> None:
        """Look at queued objects for ever."""
        while True:
            key = await self.queue.get()
            try:
                delay_s = self.reconcile(key)
            except Exception as error:  # noqa: BLE001 - a defect met with one object must not stop the whole cluster
                _log.exception("simulator_reconcile_failed", controller=self.name, object=f"{key.namespace}/{key.name}")
                self.failures.append(error)
                delay_s = self.timing.retry_s
            if delay_s is not None:
                self.queue.add_after(key, delay_s)
            await asyncio.sleep(0)  # Requests and the other controllers come in between.

    def enqueue_controller(self, obj: Object, kind_name: str) -> Key | None:
        """Queue the controlling owner of an object if it is of a kind; returns its key."""
        reference = controller_of(obj)
        if reference is None or reference["kind"] != kind_name:
            return None
        key = self.store.by_uid(reference["uid"])
        if key is not None and key.namespace == namespace_of(obj):
            self.queue.add(key)
        return key


def delete_options(obj: Object) -> DeleteOptions:
    """Delete exactly this object, dependents in the background."""
    return DeleteOptions(uid=obj["metadata"]["uid"], propagation="Background")
