"""What an API server tells of a namespace, change by change: nothing that was there for a moment escapes."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from shared.contracts.annotations import ANNOTATION_GENERATION
from shared.kube import KubeApi
from shared.kube.informer import Changed, Listed, watch_kind
from shared.kube.kinds import GroupVersionKind
from tests.support.waiting import eventually

DEPLOYMENT = GroupVersionKind("apps/v1", "Deployment")
JOB = GroupVersionKind("batch/v1", "Job")
POD = GroupVersionKind("v1", "Pod")


@dataclass(frozen=True)
class Sight:
    """One object at one moment."""

    change: str
    """`ADDED`, `MODIFIED` or `DELETED`."""
    kind: str
    name: str
    object: dict[str, Any]

    @property
    def uid(self) -> str:
        uid: str = self.object["metadata"]["uid"]
        return uid

    @property
    def generation(self) -> int:
        """Of the application."""
        return int(self.object["metadata"].get("annotations", {}).get(ANNOTATION_GENERATION, 0))

    @property
    def image(self) -> str:
        """Of the first container."""
        image: str = self.object["spec"]["template"]["spec"]["containers"][0]["image"]
        return image

    @property
    def applied_at(self) -> tuple[str, ...]:
        """When our field managers' applies last changed anything; an apply that changes nothing leaves it."""
        entries = self.object["metadata"].get("managedFields", [])
        return tuple(e["time"] for e in entries if e["operation"] == "Apply" and e["manager"].startswith("kubemin:"))


@dataclass
class Witness:
    """Everything since the watch began."""

    sights: list[Sight] = field(default_factory=list)
    interruptions: int = 0
    _listed: set[str] = field(default_factory=set)

    def of(self, kind: GroupVersionKind, name: str = "") -> list[Sight]:
        """What was seen of a kind, or of one object."""
        return [s for s in self.sights if s.kind == kind.kind and name in ("", s.name)]

    def images(self, name: str) -> list[str]:
        """Of a Deployment, each change once."""
        found = [sight.image for sight in self.of(DEPLOYMENT, name) if sight.change != "DELETED"]
        return [image for before, image in zip(["", *found], found, strict=False) if image != before]

    def check_whole(self) -> None:
        """Fail where something may have been missed."""
        assert self.interruptions == 0

    async def _follow(self, api: KubeApi, kind: GroupVersionKind, namespace: str, stop: asyncio.Event) -> None:
        async with aclosing(watch_kind(api, kind, stopping=stop, namespace=namespace)) as items:
            async for item in items:
                match item:
                    case Listed(objects=objects):
                        self._listed.add(kind.kind)
                        self.sights += [_sight("ADDED", kind, obj) for obj in objects]
                    case Changed(type=change, object=obj):
                        self.sights.append(_sight(change, kind, obj))
                    case _:
                        self.interruptions += 1


def _sight(change: str, kind: GroupVersionKind, obj: dict[str, Any]) -> Sight:
    return Sight(change, kind.kind, obj["metadata"]["name"], obj)


@asynccontextmanager
async def witness(
    api: KubeApi, namespace: str, kinds: Iterable[GroupVersionKind] = (DEPLOYMENT, JOB)
) -> AsyncIterator[Witness]:
    """Watch a namespace for the scope."""
    seen, stop, wanted = Witness(), asyncio.Event(), list(kinds)

    async def listed() -> int:
        return len(seen._listed)

    async with asyncio.TaskGroup() as group:
        for kind in wanted:
            group.create_task(seen._follow(api, kind, namespace, stop), name=f"witness {kind}")
        try:
            await eventually(listed, lambda count: count == len(wanted))
            yield seen
        finally:
            stop.set()
