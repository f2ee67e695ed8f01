"""Looks at the cluster itself, past the proxy, and remembers every state that our objects were ever in."""

import asyncio
import hashlib
import json
from collections import defaultdict
from contextlib import aclosing
from typing import NamedTuple

from shared.contracts.annotations import ANNOTATION_GENERATION, LABEL_MANAGED_BY, MANAGED_BY
from shared.kube import Changed, GroupVersionKind, KubeApi, Listed, watch_kind
from shared.kube.kinds import Object

_KINDS = ("apps/v1/Deployment", "batch/v1/Job", "v1/ConfigMap")
_OURS = f"{LABEL_MANAGED_BY}={MANAGED_BY}"
_PREFIX = "kubemin.dev/"
BY_HAND = "somebody"
"""Field manager of whoever changes objects of ours: what is written then is not looked at."""


class Sight(NamedTuple):
    """What one write left behind."""

    generation: int
    """Of the application, as the object bears it."""
    content: str


class Witness:
    """Watches every object of ours."""

    def __init__(self, api: KubeApi) -> None:
        self._api = api
        self._sights: dict[tuple[str, str], list[Sight]] = defaultdict(list)
        """By namespace/name and uid, each state once, in order."""
        self._jobs: dict[str, set[str]] = defaultdict(set)

    async def watch(self, stopping: asyncio.Event) -> None:
        """Watch until the stop."""
        async with asyncio.TaskGroup() as group:
            for kind in _KINDS:
                group.create_task(self._follow(GroupVersionKind.parse(kind), stopping), name=kind)

    def check(self, namespace: str) -> None:
        """No generation of an object had two contents, none came back, and no Job was made twice."""
        seen = {key: sights for key, sights in self._sights.items() if key[0].startswith(f"{namespace}/")}
        assert seen, f"nothing was seen in {namespace}"
        for (name, uid), sights in seen.items():
            generations = [sight.generation for sight in sights]
            assert generations == sorted(set(generations)), f"{name} ({uid}) was written as {sights}"
        twice = {job: uids for job, uids in self._jobs.items() if job.startswith(f"{namespace}/") and len(uids) > 1}
        assert not twice, f"Jobs that were made twice: {twice}"

    async def _follow(self, gvk: GroupVersionKind, stopping: asyncio.Event) -> None:
        items = watch_kind(self._api, gvk, stopping=stopping, label_selector=_OURS)
        async with aclosing(items):
            async for item in items:
                match item:
                    case Listed(objects=objects):
                        for obj in objects:
                            self._see(gvk, obj)
                    case Changed(object=obj):
                        self._see(gvk, obj)
                    case _:
                        continue

    def _see(self, gvk: GroupVersionKind, obj: Object) -> None:
        metadata = obj["metadata"]
        generation = (metadata.get("annotations") or {}).get(ANNOTATION_GENERATION)
        # ReplicaSets' and Jobs' pods bear our labels, but only what we apply bears a generation.
        if generation is None or any(entry["manager"] == BY_HAND for entry in metadata.get("managedFields", ())):
            return
        name = f"{metadata['namespace']}/{gvk.kind}/{metadata['name']}"
        if gvk.kind == "Job":
            self._jobs[name].add(metadata["uid"])
        sight = Sight(int(generation), _content(obj))
        sights = self._sights[name, metadata["uid"]]
        if not sights or sights[-1] != sight:
            sights.append(sight)


def _content(obj: Object) -> str:
    """A digest of what we write: not of what controllers add."""
    annotations = obj["metadata"].get("annotations") or {}
    ours = {name: value for name, value in annotations.items() if name.startswith(_PREFIX)}
    written = [ours, obj["metadata"].get("labels"), obj.get("spec"), obj.get("data")]
    return hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()[:12]
