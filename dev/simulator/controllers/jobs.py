"""Jobs: pods until enough have succeeded, or too many have failed, or it took too long."""

import asyncio
from dataclasses import dataclass, field

from dev.simulator import kinds
from dev.simulator.cluster import Cluster
from dev.simulator.controllers.controller import Controller, delete_options
from dev.simulator.controllers.job_status import Failure, failure_of, finished_at, is_complete, job_status, pods_wanted
from dev.simulator.controllers.pods import is_active, new_pod, phase, pods_of
from dev.simulator.controllers.recorder import EventRecorder
from dev.simulator.deletion import delete
from dev.simulator.errors import ApiError
from dev.simulator.objects import Object, controller_of, is_deleting, name_of, namespace_of, seconds_between, uid_of
from dev.simulator.store import Key, key_of
from dev.simulator.timing import Timing
from dev.simulator.watches import Change


@dataclass(slots=True)
class Tally:
    """The pods of a Job that have ended, by uid: they count also after they are gone."""

    succeeded: set[str] = field(default_factory=set)
    failed: set[str] = field(default_factory=set)
    ignored: set[str] = field(default_factory=set)
    """Those that the controller itself has stopped."""
    not_before: float = 0.0
    """When the next pod may start, after a failure, on the loop's clock."""


class Jobs(Controller):
    """The Job controller."""

    def __init__(self, cluster: Cluster, timing: Timing) -> None:
        super().__init__(cluster, timing)
        self._events = EventRecorder(cluster, "job-controller")
        self._tallies: dict[str, Tally] = {}

    def observe(self, change: Change) -> None:
        """Look at a Job when it or one of its pods changes."""
        if change.kind is kinds.JOB:
            if change.new is None:
                self._tallies.pop(uid_of(change.last), None)
            else:
                self.queue.add(key_of(change.kind, change.new))
        elif change.kind is kinds.POD:
            owner = controller_of(change.last)
            if owner is not None and owner["kind"] == "Job" and self.store.by_uid(owner["uid"]):
                self._count(self._tally(owner["uid"]), change.last, removed=change.new is None)
                self.enqueue_controller(change.last, "Job")

    def _tally(self, uid: str) -> Tally:
        return self._tallies.setdefault(uid, Tally())

    def _count(self, tally: Tally, pod: Object, *, removed: bool) -> None:
        uid = uid_of(pod)
        if uid in tally.ignored or uid in tally.failed:
            return
        if phase(pod) == "Succeeded":
            tally.succeeded.add(uid)
        elif phase(pod) == "Failed" or removed or is_deleting(pod):
            tally.failed.add(uid)
            backoff_s = self.timing.job_backoff_s * 2 ** (len(tally.failed) - 1)
            tally.not_before = asyncio.get_running_loop().time() + min(backoff_s, self.timing.max_job_backoff_s)

    def reconcile(self, key: Key) -> float | None:
        """Start or stop pods, then state what there is."""
        job = self.store.get(*key)
        if job is None or is_deleting(job):
            return None
        if (end := finished_at(job)) is not None:
            return self._expire(job, end)
        tally = self._tally(uid_of(job))
        now = self.cluster.timestamp()
        if job["spec"]["suspend"]:
            self._stop(job, tally.ignored)
        failure = failure_of(job, self._pods(job), failed=len(tally.failed), now=self.cluster.now())
        ended = failure is not None or is_complete(job, self._pods(job), succeeded=len(tally.succeeded))
        if ended:
            self._stop(job, tally.failed if failure else tally.ignored)
        delay_s: float | None = None
        if not ended and not job["spec"]["suspend"]:
            delay_s = self._manage(job, tally)
        status = job_status(
            job,
            self._pods(job),
            succeeded=len(tally.succeeded),
            failed=len(tally.failed),
            failure=failure,
            ended=ended,
            now=now,
        )
        self.cluster.write_status(kinds.JOB, job, status)
        if finished_at({"status": status}) is not None:
            self._announce(job, failure)
        deadline_s = self._deadline_in(job, status)
        return min((wait for wait in (delay_s, deadline_s) if wait is not None), default=None)

    def _pods(self, job: Object) -> list[Object]:
        return pods_of(self.store, job)

    def _announce(self, job: Object, failure: Failure | None) -> None:
        if failure is None:
            self._events.normal(job, "Completed", "Job completed")
        else:
            self._events.warning(job, failure.reason, failure.message)

    def _expire(self, job: Object, end: str) -> float | None:
        ttl_s = job["spec"].get("ttlSecondsAfterFinished")
        if ttl_s is None:
            return None
        left_s = ttl_s - seconds_between(end, self.cluster.now())
        if left_s > 0:
            return float(left_s)
        delete(self.cluster, key_of(kinds.JOB, job), delete_options(job))
        return None

    def _deadline_in(self, job: Object, status: Object) -> float | None:
        limit_s, start = job["spec"].get("activeDeadlineSeconds"), status.get("startTime")
        if limit_s is None or start is None or finished_at({"status": status}) is not None:
            return None
        return float(max(limit_s - seconds_between(start, self.cluster.now()), 0))

    def _stop(self, job: Object, counted: set[str]) -> None:
        """Delete the active pods, and note how they count."""
        for pod in self._pods(job):
            if is_active(pod):
                counted.add(uid_of(pod))
                delete(self.cluster, key_of(kinds.POD, pod), delete_options(pod))
                self._events.normal(job, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")

    def _manage(self, job: Object, tally: Tally) -> float | None:
        """Bring the number of active pods to what is wanted; returns the back-off that is left."""
        active = [pod for pod in self._pods(job) if is_active(pod)]
        missing = pods_wanted(job, active=len(active), succeeded=len(tally.succeeded)) - len(active)
        for pod in active[: max(-missing, 0)]:
            tally.ignored.add(uid_of(pod))
            delete(self.cluster, key_of(kinds.POD, pod), delete_options(pod))
        left_s = tally.not_before - asyncio.get_running_loop().time()
        if missing > 0 and left_s > 0:
            return left_s
        try:
            for _ in range(missing):
                pod = self.cluster.create(kinds.POD, namespace_of(job), new_pod(job, job["spec"]["template"]))
                self._events.normal(job, "SuccessfulCreate", f"Created pod: {name_of(pod)}")
        except ApiError as error:
            self._events.warning(job, "FailedCreate", f"Error creating: {error.message}")
            return self.timing.retry_s
        return None
