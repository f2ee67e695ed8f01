"""Leader election on a Lease: of several processes, one works.

Source: https://kubernetes.io/docs/concepts/architecture/leases/
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from shared.contracts.identity import ObjectKey
from shared.kube.api import KubeApi
from shared.kube.errors import AlreadyExists, Conflict, KubeError
from shared.kube.kinds import Object
from shared.logging import get_logger
from shared.runtime.stoppable import Stopping, sleep_unless_stopped

logger = get_logger(__name__)

_API_VERSION = "coordination.k8s.io/v1"
_TRANSITIONS_SINCE = datetime(2020, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class LeaseTimes:
    """How long a Lease counts, in seconds: Kubernetes' own defaults for its controllers."""

    duration_s: float = 15.0
    """Others wait so long after the last renewal that they saw."""
    renew_deadline_s: float = 10.0
    """A leader that could not renew for so long stops: before others may take over."""
    retry_s: float = 2.0
    """Between two attempts to renew or to acquire."""


@dataclass(frozen=True)
class Leadership:
    """One term of leading."""

    transitions: int
    """`leaseTransitions`: rises with every term, so that a later leader's facts are told from an earlier one's."""


_TIMES = LeaseTimes()


class LeaseElection:
    """Takes part in the election for one Lease. `identity` must be unique per process, restarts included."""

    def __init__(self, api: KubeApi, *, namespace: str, name: str, identity: str, times: LeaseTimes = _TIMES) -> None:
        self._api = api
        self._key = ObjectKey(api_version=_API_VERSION, kind="Lease", namespace=namespace, name=name)
        self._identity = identity
        self._times = times
        self._seen: tuple[object, ...] = ()
        self._seen_at = 0.0
        self._last_transitions = 0
        self.leadership: Leadership | None = None
        """The present term, None while another process leads."""

    async def run(self, work: Callable[[Leadership], Awaitable[None]], stopping: Stopping) -> None:
        """Run the work whenever we lead, until the stop; it is cancelled as soon as the Lease may be another's.

        The work ends by itself on the stop; then the Lease is given back. Returns when the work does.
        """
        while not stopping.is_set():
            lease = await self._try_acquire()
            if lease is None:
                await sleep_unless_stopped(stopping, self._times.retry_s)
                continue
            transitions = lease["spec"]["leaseTransitions"]
            self.leadership = Leadership(transitions)
            logger.info("lease_acquired", lease=str(self._key), transitions=transitions)
            try:
                if await self._lead(work, self.leadership, lease):
                    await self._release()
                    return
            finally:
                self.leadership = None
                logger.info("lease_left", lease=str(self._key), transitions=transitions)

    async def _lead(self, work: Callable[[Leadership], Awaitable[None]], term: Leadership, lease: Object) -> bool:
        """Whether the work ended by itself; False when the Lease was lost first."""
        done = asyncio.Event()

        async def until_done() -> None:
            try:
                await work(term)
            finally:
                done.set()

        try:
            async with asyncio.TaskGroup() as group:
                working = group.create_task(until_done(), name="leading")
                kept = await self._renew_until(done, lease)
                if not kept:
                    working.cancel()
        except ExceptionGroup as failed:
            # The work is the only task: its error is the group's only one.
            raise failed.exceptions[0] from failed
        return kept

    async def _renew_until(self, done: asyncio.Event, lease: Object) -> bool:
        """Renew until the work is done; False when the Lease is lost before."""
        renewed_at = time.monotonic()
        while not done.is_set():
            await sleep_unless_stopped(done, self._times.retry_s)
            left_s = renewed_at + self._times.renew_deadline_s - time.monotonic()
            try:
                # The time is taken before the call: the Lease counts from when we asked, not from the answer.
                asked_at = time.monotonic()
                async with asyncio.timeout(max(left_s, 0.0)):
                    renewed = await self._renew(lease)
            except (KubeError, TimeoutError) as error:
                logger.warning("lease_not_renewed", lease=str(self._key), error=str(error))
                if time.monotonic() - renewed_at >= self._times.renew_deadline_s:
                    return False
                continue
            if renewed is None:
                return False
            lease, renewed_at = renewed, asked_at
        return True

    async def _renew(self, lease: Object) -> Object | None:
        try:
            return await self._write(lease, lease["spec"]["leaseTransitions"])
        except Conflict:
            # Somebody wrote to it: lost only if it names another holder now.
            present = await self._api.find(self._key)
            if present is None or present["spec"].get("holderIdentity") != self._identity:
                return None
            return await self._write(present, lease["spec"]["leaseTransitions"])

    async def _try_acquire(self) -> Object | None:
        try:
            present = await self._api.find(self._key)
            if present is None:
                return await self._create()
            if not self._free(present):
                return None
            transitions = max(_transitions(present), self._last_transitions) + 1
            return await self._write(present, transitions)
        except (AlreadyExists, Conflict):
            return None
        except KubeError as error:
            logger.warning("lease_not_acquired", lease=str(self._key), error=str(error))
            return None

    def _free(self, lease: Object) -> bool:
        """Judged by our own clock since we saw it change, so that clocks of different machines need not agree."""
        spec = lease["spec"]
        seen = (lease["metadata"]["uid"], spec.get("holderIdentity"), spec.get("renewTime"), _transitions(lease))
        if seen != self._seen:
            self._seen, self._seen_at = seen, time.monotonic()
        holder = spec.get("holderIdentity")
        if not holder or holder == self._identity:
            return True
        return time.monotonic() - self._seen_at > float(spec.get("leaseDurationSeconds") or self._times.duration_s)

    async def _create(self) -> Object:
        # Not from 0: a Lease that was deleted and made again must not count lower than the one before. Terms are longer
        # than a second, so the clock is ahead of any count; the field is an int32, which lasts until 2088.
        seconds = int((datetime.now(UTC) - _TRANSITIONS_SINCE).total_seconds())
        transitions = max(seconds, self._last_transitions + 1)
        lease = self._spec(transitions)
        created = await self._api.create(lease, field_manager=self._manager)
        self._last_transitions = transitions
        return created

    async def _write(self, lease: Object, transitions: int) -> Object:
        metadata = {"resourceVersion": lease["metadata"]["resourceVersion"]}
        manifest = self._spec(transitions)
        manifest["metadata"] |= metadata
        if transitions == _transitions(lease) and lease["spec"].get("acquireTime"):
            manifest["spec"]["acquireTime"] = lease["spec"]["acquireTime"]
        written = await self._api.replace(manifest, field_manager=self._manager)
        self._last_transitions = transitions
        return written

    async def _release(self) -> None:
        try:
            lease = await self._api.get(self._key)
            if lease["spec"].get("holderIdentity") == self._identity:
                lease["spec"] |= {"holderIdentity": "", "renewTime": _now(), "leaseDurationSeconds": 1}
                await self._api.replace(lease, field_manager=self._manager)
        except KubeError as error:
            # It runs out by itself.
            logger.info("lease_not_released", lease=str(self._key), error=str(error))

    def _spec(self, transitions: int) -> Object:
        now = _now()
        return {
            "apiVersion": _API_VERSION,
            "kind": "Lease",
            "metadata": {"namespace": self._key.namespace, "name": self._key.name},
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": max(1, round(self._times.duration_s)),
                "acquireTime": now,
                "renewTime": now,
                "leaseTransitions": transitions,
            },
        }

    @property
    def _manager(self) -> str:
        return f"kubemin-{self._key.name}"


def _transitions(lease: Object) -> int:
    return int(lease["spec"].get("leaseTransitions") or 0)


def _now() -> str:
    """As a MicroTime."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
