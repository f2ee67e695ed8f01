"""Counts Jobs and their pods on the API servers, those that were deleted meanwhile included."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from shared.contracts import annotations
from shared.kube import KubeApi
from shared.kube.informer import Changed, Interrupted, Listed, watch_kind
from shared.kube.kinds import GroupVersionKind
from shared.runtime.stopping import Stopping
from tests.support.waiting import eventually

_JOB = GroupVersionKind("batch/v1", "Job")
_POD = GroupVersionKind("v1", "Pod")
_KINDS = (_JOB, _POD)


class JobName(NamedTuple):
    """A Job is its own ledger: its name is of component, template and attempt."""

    cluster: str
    namespace: str
    name: str


@dataclass
class Ledger:
    """What was ever seen of Jobs, from before the first delivery on."""

    namespaces: Collection[str]
    uids: dict[JobName, set[str]] = field(default_factory=lambda: defaultdict(set))
    names: dict[tuple[str, str, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    """The Jobs of each (cluster, namespace, component)."""
    pods: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    """The pods of each Job, by uid."""
    gaps: list[str] = field(default_factory=list)
    """Where a watch broke: something may have come and gone unseen."""
    listed: set[tuple[str, GroupVersionKind]] = field(default_factory=set)
    """What is being watched by now."""

    async def follow(self, cluster: str, api: KubeApi, gvk: GroupVersionKind, stopping: Stopping) -> None:
        """Count the Jobs or the pods of a cluster until the stop."""
        async with aclosing(watch_kind(api, gvk, stopping=stopping)) as changes:
            async for change in changes:
                match change:
                    case Listed(objects=objects):
                        self.listed.add((cluster, gvk))
                        for obj in objects:
                            self._count(cluster, gvk, obj)
                    case Changed(object=obj):
                        self._count(cluster, gvk, obj)
                    case Interrupted(error=error):
                        self.gaps.append(f"{cluster}/{gvk.kind}: {error}")

    @property
    def again(self) -> list[str]:
        """Jobs that were made more than once."""
        return [f"{job}: {len(uids)} times" for job, uids in self.uids.items() if len(uids) > 1]

    @property
    def crowded(self) -> list[str]:
        """Jobs that had more than the one pod that they ask for."""
        return [f"Job {uid}: {len(pods)} pods" for uid, pods in self.pods.items() if len(pods) > 1]

    def _count(self, cluster: str, gvk: GroupVersionKind, obj: dict[str, Any]) -> None:
        metadata = obj["metadata"]
        if metadata["namespace"] not in self.namespaces:
            return
        if gvk == _JOB:
            job = JobName(cluster, metadata["namespace"], metadata["name"])
            self.uids[job].add(metadata["uid"])
            component = metadata["labels"][annotations.LABEL_COMPONENT]
            self.names[cluster, metadata["namespace"], component].add(metadata["name"])
            return
        for owner in metadata.get("ownerReferences", []):
            if owner["kind"] == "Job":
                self.pods[owner["uid"]].add(metadata["uid"])


@asynccontextmanager
async def counting(clusters: Mapping[str, KubeApi], *namespaces: str) -> AsyncIterator[Ledger]:
    """Count in the scope; it begins once everything is being watched."""
    ledger, stopping = Ledger(frozenset(namespaces)), Stopping()

    async def listed() -> int:
        return len(ledger.listed)

    async with asyncio.TaskGroup() as group:
        for cluster, api in clusters.items():
            for kind in _KINDS:
                group.create_task(ledger.follow(cluster, api, kind, stopping), name=f"count/{cluster}/{kind.kind}")
        try:
            await eventually(listed, lambda count: count == len(clusters) * len(_KINDS))
            yield ledger
        finally:
            stopping.request()
