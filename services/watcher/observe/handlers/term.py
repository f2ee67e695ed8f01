"""One term of leading: from the first list to the last fact. Nothing of it outlives the loss of the Lease."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from services.watcher.observe.domain.dirty import Dirty
from services.watcher.observe.domain.owned import Owned
from services.watcher.observe.domain.picture import Picture, StepKey, Touched
from services.watcher.observe.handlers.following import NEVER_SWEPT, OURS, Follower
from services.watcher.observe.handlers.stating import Chatter, Speaker, Statements, Voice
from services.watcher.observe.ports import Cluster
from shared.contracts import subjects
from shared.contracts.facts import AgentBeat
from shared.contracts.identity import PREPARE, PRUNE
from shared.contracts.nudge import Nudge
from shared.errors import Retryable
from shared.kube.kinds import GroupVersionKind
from shared.kube.version import is_simulated
from shared.logging import get_logger
from shared.metrics import Metrics
from shared.runtime.stopping import Stopping

logger = get_logger(__name__)

_PART: Literal["observe"] = "observe"
_LISTING_S = 0.2
"""In the version of a cluster that is a simulation and says so."""
_OBJECT_HOLD_S = 0.05
"""Between two facts of one object: a Deployment of a thousand pods changes with each of them."""
_CHATTER_HOLD_S = 0.5
_LOST_PAUSE_S = 1.0
"""While streams are missing, every message says so anew."""
_WHOLE_APPLICATION = frozenset({PREPARE, PRUNE})


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How often, in seconds, and how much at a time."""

    restate_s: float = 300.0
    """Everything is stated anew, whatever got lost."""
    sweep_s: float = 600.0
    """The cluster is asked for kinds that hold objects of ours and that nobody told us of."""
    beat_s: float = 5.0
    concurrency: int = 32
    """Messages at a time."""


@dataclass(frozen=True, kw_only=True)
class About:
    """What every beat says."""

    git_version: str
    version: str
    """Of KubeMin."""
    started_at: datetime


class Term:
    """Follows, judges and states, as long as it lasts."""

    def __init__(
        self,
        cluster: Cluster,
        voice: Voice,
        *,
        about: About,
        pace: Pace,
        metrics: Metrics,
        before: Mapping[str, Owned] = MappingProxyType({}),
    ) -> None:
        """`before` is what the last term of this process knew: what is not there any more is told as gone."""
        self._cluster = cluster
        self._before = before
        self._voice = voice
        self._about = about
        self._pace = pace
        self._picture = Picture()
        self._follower = Follower(cluster, self._picture, touched=self._mark)
        self._statements = Statements(self._picture, voice, metrics)
        self._chatter = Chatter(self._picture, voice)
        self._objects: Speaker[str] = Speaker(
            Dirty[str](), self._statements.say, concurrency=pace.concurrency, hold_s=_OBJECT_HOLD_S
        )
        self._steps: Speaker[StepKey] = Speaker(
            Dirty[StepKey](), self._chatter.say, concurrency=max(1, pace.concurrency // 4), hold_s=_CHATTER_HOLD_S
        )
        self._beat_problem = ""
        self._gauges = (
            metrics.gauge("observe_objects", "Objects of ours that are observed"),
            metrics.gauge("observe_pods", "Pods that are kept, also of others"),
        )

    @property
    def problems(self) -> list[str]:
        """Why this term does not do all of its work at the moment."""
        return [*self._follower.problems, *([self._beat_problem] if self._beat_problem else [])]

    @property
    def known(self) -> Mapping[str, Owned]:
        """The objects that are there, and those that nobody has been told are gone."""
        return {**self._before, **self._picture.vanished, **self._picture.objects}

    async def run(self, stopping: Stopping) -> None:
        """Work until the stop, then finish what is being said; cancel it when the Lease is lost."""
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            endless = [
                group.create_task(task(), name=name)
                for name, task in (
                    ("follow", self._follower.run),
                    ("sweep", self._sweep),
                    ("beat", self._beat),
                    ("restate", self._restate),
                    ("lost", self._after_loss),
                )
            ]
            speaking = group.create_task(self._speak(stop), name="speak")
            await stopping.wait()
            stop.set()
            if not self._follower.settled.is_set():
                speaking.cancel()
            self._objects.wake()
            self._steps.wake()
            for task in endless:
                task.cancel()

    def nudged(self, nudge: Nudge) -> None:
        """State what the command was about, and begin to follow the kinds that it names.

        The picture may be older than what the executor has just done: the watch tells of it, and then it is stated
        as a change.
        """
        for kind in nudge.kinds:
            self._follower.want(GroupVersionKind.parse(kind))
        if not nudge.restate:
            return
        uids = self._picture.of_app(nudge.uid)
        if nudge.step not in _WHOLE_APPLICATION:
            uids = frozenset(uid for uid in uids if self._picture.objects[uid].step == nudge.step)
        for uid in uids:
            self._objects.mark(uid, again=True)
        for step in self._picture.steps_of(uids):
            self._steps.mark(step, again=True)

    def restate(self) -> None:
        """State everything anew, behind what has changed."""
        for uid in self._statements.owe_all():
            self._objects.mark(uid, again=True, urgent=False)
        for step in self._picture.steps_of(self._picture.objects):
            self._steps.mark(step, again=True, urgent=False)

    def _mark(self, touched: Touched) -> None:
        for uid in touched.objects:
            self._objects.mark(uid)
        for step in touched.steps:
            self._steps.mark(step)

    async def _speak(self, stop: asyncio.Event) -> None:
        # Not before all is listed: a Deployment without its pods would be told as one that has not started.
        await self._follower.settled.wait()
        logger.info("cluster_listed", objects=len(self._picture.objects), pods=self._picture.pod_count)
        gone, self._before = self._follower.missing(self._before), {}
        self._picture.vanished.update(gone)
        for uid in gone:
            self._objects.mark(uid)
        self.restate()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._objects.run(stop), name="facts")
            group.create_task(self._steps.run(stop), name="chatter")

    async def _restate(self) -> None:
        while True:
            await asyncio.sleep(self._pace.restate_s)
            if self._follower.settled.is_set():
                self.restate()

    async def _after_loss(self) -> None:
        while True:
            await self._voice.outbox.lost()
            logger.info("bus_lost_restating")
            if self._follower.settled.is_set():
                self.restate()
            await asyncio.sleep(_LOST_PAUSE_S)

    async def _sweep(self) -> None:
        await self._follower.settled.wait()
        while True:
            known = self._follower.kinds | NEVER_SWEPT
            try:
                for gvk in await self._cluster.kinds_in_use(OURS, known):
                    logger.info("kind_discovered", kind=str(gvk))
                    self._follower.want(gvk)
            except Retryable as error:
                logger.info("sweep_failed", error=str(error))
            await asyncio.sleep(self._pace.sweep_s)

    async def _beat(self) -> None:
        while True:
            objects, pods = self._gauges
            objects.set(len(self._picture.objects))
            pods.set(self._picture.pod_count)
            if self._follower.synced and self._voice.leading():
                try:
                    await self._voice.outbox.publish(subjects.beat(self._voice.cluster, _PART), self._present())
                    self._beat_problem = ""
                except Retryable as error:
                    self._beat_problem = f"bus: {error}"
            # The first as soon as there is something to say: until then the cluster counts as unreachable.
            await asyncio.sleep(self._pace.beat_s if self._follower.synced else min(_LISTING_S, self._pace.beat_s))

    def _present(self) -> AgentBeat:
        return AgentBeat(
            cluster=self._voice.cluster,
            part=_PART,
            incarnation=self._voice.orders.incarnation,
            kubernetes_version=self._about.git_version,
            simulated=is_simulated(self._about.git_version),
            version=self._about.version,
            started_at=self._about.started_at,
            at=self._voice.now(),
            restated=self._statements.restated,
        )
