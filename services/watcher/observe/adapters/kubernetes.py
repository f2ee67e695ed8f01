"""The cluster behind the Kubernetes API."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from services.watcher.observe.domain.intake import read
from services.watcher.observe.ports import All, Blind, Gone, Item, Put, Source
from shared.contracts.identity import ObjectKey
from shared.kube import (
    Changed,
    GroupVersionKind,
    Interrupted,
    KindUnknown,
    KubeApi,
    KubeError,
    Listed,
    Selection,
    follow_kind,
)
from shared.logging import get_logger
from shared.runtime.stopping import Stopping

logger = get_logger(__name__)

_KUBE_SYSTEM = ObjectKey(api_version="v1", kind="Namespace", namespace="", name="kube-system")


class KubernetesCluster:
    """Reads one cluster."""

    def __init__(self, api: KubeApi, stopping: Stopping) -> None:
        self._api = api
        self._stopping = stopping

    async def follow(self, source: Source) -> AsyncGenerator[Item, None]:
        """See `ports.Cluster`."""
        selection = Selection(
            label_selector=source.label_selector,
            field_selector=source.field_selector,
            metadata_only=source.metadata_only,
        )
        items = follow_kind(self._api, source.gvk, keep=read, stopping=self._stopping, selection=selection)
        async with aclosing(items):
            async for item in items:
                match item:
                    case Listed(objects=seen):
                        yield All(seen)
                    case Changed(type="DELETED", object=seen):
                        yield Gone(seen)
                    case Changed(object=seen):
                        yield Put(seen)
                    case Interrupted(error=error):
                        yield Blind(str(error), unserved=isinstance(error, KindUnknown))

    async def incarnation(self) -> str:
        """See `ports.Cluster`."""
        return str((await self._api.get(_KUBE_SYSTEM, metadata_only=True))["metadata"]["uid"])

    async def git_version(self) -> str:
        """See `ports.Cluster`."""
        return str((await self._api.version()).get("gitVersion", ""))

    async def kinds_in_use(self, label_selector: str, but: frozenset[GroupVersionKind]) -> list[GroupVersionKind]:
        """See `ports.Cluster`."""
        listable = (r for r in await self._api.resources() if {"list", "watch"} <= r.verbs)
        return [r.gvk for r in listable if r.gvk not in but and await self._used(r.gvk, label_selector)]

    async def _used(self, gvk: GroupVersionKind, label_selector: str) -> bool:
        pages = self._api.list_pages(gvk, label_selector=label_selector, metadata_only=True, page_size=1)
        try:
            async with aclosing(pages):
                async for page in pages:
                    return bool(page.objects)
        except KubeError as error:
            # One kind that we may not read, or whose server is away, is no reason to miss the others.
            logger.info("kind_not_searched", kind=str(gvk), error=str(error))
        return False
