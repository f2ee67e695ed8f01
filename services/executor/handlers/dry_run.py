"""A cluster in which nothing is written: what applies an object for real applies it here in server-side dry run."""

from services.executor.ports import DryRunCluster
from shared.contracts.identity import ObjectKey
from shared.kube.connection import Impersonation
from shared.kube.kinds import GroupVersionKind, Object, Resource


class DryRun:
    """The port `Cluster` for one object, which remembers what would have become of it."""

    def __init__(self, cluster: DryRunCluster, live: Object | None) -> None:
        """`live` is the object as it was just read, None where it is not there."""
        self._cluster = cluster
        self._just_read = True
        self.live = live
        """As it was last read."""
        self.result: Object | None = None
        """As the server says that it would be; None: nothing would be written."""
        self.deleted = False
        """It would be deleted first."""

    async def resource(self, gvk: GroupVersionKind) -> Resource:
        """How the kind is served."""
        return await self._cluster.resource(gvk)

    async def may(self, verb: str, gvk: GroupVersionKind, namespace: str, *, acting_as: Impersonation) -> bool:
        """Whether an account has a right."""
        return await self._cluster.may(verb, gvk, namespace, acting_as=acting_as)

    async def find(
        self, key: ObjectKey, *, acting_as: Impersonation | None = None, metadata_only: bool = False
    ) -> Object | None:
        """The object, unless it would have been deleted by now."""
        # All of it, whatever was asked for: the differences are told against what was read last.
        del metadata_only
        if self.deleted:
            return None
        if not self._just_read:
            self.live = await self._cluster.find(key, acting_as=acting_as)
        self._just_read = False
        return self.live

    async def create(self, manifest: Object, *, field_manager: str, acting_as: Impersonation | None = None) -> Object:
        """Create in dry run."""
        self.result = await self._cluster.create(
            manifest, field_manager=field_manager, acting_as=acting_as, dry_run=True
        )
        return self.result

    async def apply(
        self, manifest: Object, *, field_manager: str, force: bool, acting_as: Impersonation | None = None
    ) -> Object:
        """Apply in dry run; what was deleted or replaced in one is still there as it was, so nothing is asked then."""
        if self.deleted:
            self.result = manifest
            return {**manifest, "metadata": {**manifest["metadata"], "uid": ""}}
        if self.result is None:
            self.result = await self._cluster.apply(
                manifest, field_manager=field_manager, force=force, acting_as=acting_as, dry_run=True
            )
        return self.result

    async def patch(
        self, key: ObjectKey, patch: Object, *, field_manager: str, acting_as: Impersonation | None = None
    ) -> Object:
        """Patch in dry run."""
        self.result = await self._cluster.patch(
            key, patch, field_manager=field_manager, acting_as=acting_as, dry_run=True
        )
        return self.result

    async def replace(self, manifest: Object, *, field_manager: str, acting_as: Impersonation | None = None) -> Object:
        """Replace in dry run."""
        self.result = await self._cluster.replace(
            manifest, field_manager=field_manager, acting_as=acting_as, dry_run=True
        )
        return self.result

    async def delete(
        self,
        key: ObjectKey,
        *,
        uid: str = "",
        propagation: str = "Background",
        acting_as: Impersonation | None = None,
    ) -> None:
        """Delete in dry run."""
        await self._cluster.delete(key, uid=uid, propagation=propagation, acting_as=acting_as, dry_run=True)
        self.deleted = True
