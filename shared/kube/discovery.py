"""Which resources the API server serves: asked once per group and version, again when a kind is missing."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from shared.kube.errors import KindUnknown, KubeError, NotFound
from shared.kube.kinds import GroupVersionKind, Resource, group_version_path
from shared.logging import get_logger

logger = get_logger(__name__)


class Discovery:
    """A cache of the API server's resource lists."""

    def __init__(self, read: Callable[[str], Awaitable[dict[str, Any]]]) -> None:
        """`read` gets a path from the API server."""
        self._read = read
        self._lists: dict[str, dict[str, Resource]] = {}
        self._begun_at: dict[str, float] = {}
        self._locks: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def resource(self, gvk: GroupVersionKind) -> Resource:
        """How the kind is served; raises KindUnknown, or what reading the list raises."""
        found = self._lists.get(gvk.api_version, {}).get(gvk.kind)
        if found is None:
            await self._refresh(gvk.api_version)
            found = self._lists.get(gvk.api_version, {}).get(gvk.kind)
        if found is None:
            raise KindUnknown(gvk.api_version, gvk.kind)
        return found

    async def named(self, group: str, plural: str) -> Resource:
        """How a resource is served, in the version that its group prefers; raises KindUnknown.

        Raises also what reading the lists raises.
        """
        for api_version in await self._versions(group):
            found = self._plural(api_version, plural)
            if found is None:
                await self._refresh(api_version)
                found = self._plural(api_version, plural)
            if found is not None:
                return found
        raise KindUnknown(group or "v1", plural)

    def _plural(self, api_version: str, plural: str) -> Resource | None:
        served = self._lists.get(api_version, {}).values()
        return next((resource for resource in served if resource.plural == plural), None)

    async def _versions(self, group: str) -> list[str]:
        """Of a group, the preferred one first; none where there is no such group."""
        if not group:
            return [str(version) for version in (await self._read("/api")).get("versions") or ()]
        try:
            found = await self._read(f"/apis/{quote(group, safe='')}")
        except NotFound:
            return []
        versions = [found["preferredVersion"], *found["versions"]]
        return list(dict.fromkeys(str(version["groupVersion"]) for version in versions))

    async def _refresh(self, api_version: str) -> None:
        """Read a list anew; all who miss something while it is being read share the next reading.

        However new the list is, a definition may have been installed since: a run would be rejected for want of it.
        """
        missed_at = time.monotonic()
        async with self._locks[api_version]:
            if self._begun_at.get(api_version, 0.0) > missed_at:
                return
            begun_at = time.monotonic()
            try:
                listed = await self._read(group_version_path(api_version))
            except NotFound:
                listed = {}
            self._begun_at[api_version] = begun_at
            self._lists[api_version] = _resources(api_version, listed)

    async def preferred(self) -> list[Resource]:
        """Every kind in the version that its group prefers; raises what reading the list of groups raises.

        A group whose server is away is left out.
        """
        core = await self._read("/api")
        groups = await self._read("/apis")
        versions = [str(v) for v in core.get("versions") or ()]
        versions += [str(g["preferredVersion"]["groupVersion"]) for g in groups.get("groups") or ()]
        found: list[Resource] = []
        for api_version in versions:
            try:
                listed = await self._read(group_version_path(api_version))
            except KubeError as error:
                logger.info("group_not_listed", api_version=api_version, error=str(error))
                continue
            found += _resources(api_version, listed).values()
        return found


def _resources(api_version: str, listed: dict[str, Any]) -> dict[str, Resource]:
    return {
        entry["kind"]: Resource(
            gvk=GroupVersionKind(api_version, entry["kind"]),
            plural=entry["name"],
            namespaced=bool(entry["namespaced"]),
            verbs=frozenset(entry.get("verbs") or ()),
        )
        for entry in listed.get("resources") or ()
        # A subresource such as deployments/scale names another kind under a resource of its own.
        if "/" not in entry["name"]
    }
