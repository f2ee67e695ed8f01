"""Follows the sources and keeps the picture by what they tell."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from services.watcher.observe.domain.intake import Seen
from services.watcher.observe.domain.owned import Owned
from services.watcher.observe.domain.picture import Picture, Touched
from services.watcher.observe.ports import All, Blind, Cluster, Gone, Item, Put, Source
from shared.contracts.annotations import LABEL_MANAGED_BY, MANAGED_BY
from shared.kube.kinds import GroupVersionKind
from shared.logging import get_logger

logger = get_logger(__name__)

OURS = f"{LABEL_MANAGED_BY}={MANAGED_BY}"

POD = GroupVersionKind("v1", "Pod")
EVENT = GroupVersionKind("v1", "Event")

# Whole kinds of the whole cluster: pods are reached by their owners, because those of verbatim objects bear no label of
# ours, and an owner may be seen after its pods. A watch per namespace would be four connections for each of them.
# What is kept of a pod that is not ours is a few hundred bytes.
JOINING: tuple[Source, ...] = (
    Source(POD),
    Source(GroupVersionKind("apps/v1", "ReplicaSet")),
    Source(GroupVersionKind("batch/v1", "Job")),
    Source(EVENT, field_selector="type=Warning"),
)

LABELLED: tuple[Source, ...] = (
    *(
        Source(GroupVersionKind.parse(kind), label_selector=OURS)
        for kind in (
            "apps/v1/Deployment",
            "apps/v1/StatefulSet",
            "apps/v1/DaemonSet",
            "batch/v1/CronJob",
            "v1/Service",
            "v1/PersistentVolumeClaim",
            "networking.k8s.io/v1/Ingress",
            "autoscaling/v2/HorizontalPodAutoscaler",
        )
    ),
    # They have succeeded by being there; what they hold is none of our business.
    *(
        Source(GroupVersionKind.parse(kind), label_selector=OURS, metadata_only=True)
        for kind in ("v1/ConfigMap", "v1/Secret", "v1/ServiceAccount")
    ),
)

NEVER_SWEPT: frozenset[GroupVersionKind] = frozenset(
    GroupVersionKind.parse(kind)
    for kind in (
        "v1/Endpoints",
        "events.k8s.io/v1/Event",
        "discovery.k8s.io/v1/EndpointSlice",
        "apps/v1/ControllerRevision",
        "coordination.k8s.io/v1/Lease",
    )
)
"""Controllers copy our labels onto these; none of them is ours."""


@dataclass
class _Following:
    """How it stands with one source."""

    source: Source
    required: bool
    held: set[str] = field(default_factory=set)
    """uids of what the picture has from it."""
    settled: bool = False
    listed: bool = False
    """It has told all that it has, once; not so a kind that is not served."""
    problem: str = "not listed yet"


class Follower:
    """Follows any number of sources; more may be wanted at any time."""

    def __init__(self, cluster: Cluster, picture: Picture, *, touched: Callable[[Touched], None]) -> None:
        self._cluster = cluster
        self._picture = picture
        self._touched = touched
        self._following: dict[GroupVersionKind, _Following] = {}
        self._group: asyncio.TaskGroup | None = None
        self._wanted: set[GroupVersionKind] = set()
        """Before there was a group to follow them in."""
        self.settled = asyncio.Event()
        """Every source that we always follow has told all that it has, once."""

    @property
    def kinds(self) -> frozenset[GroupVersionKind]:
        """The kinds that are followed."""
        return frozenset(self._following)

    @property
    def problems(self) -> list[str]:
        """What is not seen at the moment of what we always follow; a kind that only one application has is logged."""
        return [f"{gvk}: {f.problem}" for gvk, f in self._following.items() if f.problem and f.required]

    @property
    def synced(self) -> bool:
        """Whether all that we always follow is seen at the moment."""
        return bool(self._following) and not self.problems

    async def run(self) -> None:
        """Follow until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for source in (*JOINING, *LABELLED):
                self._begin(group, source, required=True)
            for gvk in self._wanted:
                self.want(gvk)

    def missing(self, known: Mapping[str, Owned]) -> dict[str, Owned]:
        """What was known before and is not there now, of the kinds that are listed."""
        held = {gvk: f.held for gvk, f in self._following.items() if f.listed}
        return {uid: owned for uid, owned in known.items() if uid not in held.get(_kind(owned), {uid})}

    def want(self, gvk: GroupVersionKind) -> None:
        """Follow objects of ours of one more kind."""
        if gvk in self._following or gvk in NEVER_SWEPT:
            return
        if self._group is None:
            self._wanted.add(gvk)
        else:
            self._begin(self._group, Source(gvk, label_selector=OURS), required=False)

    def _begin(self, group: asyncio.TaskGroup, source: Source, *, required: bool) -> None:
        following = self._following[source.gvk] = _Following(source, required)
        group.create_task(self._follow(following), name=f"follow {source.gvk}")

    async def _follow(self, following: _Following) -> None:
        async with aclosing(self._cluster.follow(following.source)) as items:
            async for item in items:
                self._take(following, item)

    def _take(self, following: _Following, item: Item) -> None:
        match item:
            case All(seen=seen):
                self._replace(following, seen)
                following.listed = True
                self._settle(following, "")
            case Put(seen=seen):
                self._put(following, seen)
            case Gone(seen=seen):
                self._drop(following, seen.uid, seen)
            case Blind(unserved=True):
                self._settle(following, "")
            case Blind(problem=problem):
                if problem != following.problem:
                    logger.warning("watch_interrupted", kind=str(following.source.gvk), error=problem)
                following.problem = problem

    def _replace(self, following: _Following, seen: Iterable[Seen]) -> None:
        gone = set(following.held)
        for each in seen:
            gone.discard(each.uid)
            self._put(following, each)
        for uid in gone:
            self._drop(following, uid, None)

    def _put(self, following: _Following, seen: Seen) -> None:
        if seen.problem:
            logger.warning("object_malformed", object=seen.name, problem=seen.problem)
        if seen.other_version is not None:
            # Its rule and its key are of that version; what another source has of it stays.
            following.held.discard(seen.uid)
            self.want(GroupVersionKind(*seen.other_version))
            return
        if seen.empty:
            if seen.uid not in following.held:
                return
            following.held.discard(seen.uid)
        else:
            following.held.add(seen.uid)
        self._touched(self._picture.put(seen))

    def _drop(self, following: _Following, uid: str, last: Seen | None) -> None:
        if uid in following.held:
            following.held.discard(uid)
            self._touched(self._picture.drop(uid, last))

    def _settle(self, following: _Following, problem: str) -> None:
        following.problem, following.settled = problem, True
        if all(f.settled for f in self._following.values() if f.required):
            self.settled.set()


def _kind(owned: Owned) -> GroupVersionKind:
    return GroupVersionKind(owned.key.api_version, owned.key.kind)
