"""What the executor's handlers need from outside."""

from collections.abc import AsyncGenerator, Callable, Sequence
from datetime import datetime
from typing import Protocol

from shared.contracts.facts import Answer
from shared.contracts.identity import ObjectKey
from shared.contracts.nudge import Nudge
from shared.contracts.reads import Recipient
from shared.kube.api import Listing
from shared.kube.connection import Impersonation
from shared.kube.kinds import GroupVersionKind, Object, Resource
from shared.sealing import Place

SealFor = Callable[[bytes, Place, Sequence[Recipient]], str]
"""Seals a value in its place for others; an unchanged value can be told by its mark."""

Clock = Callable[[], datetime]
"""The present time in UTC."""

OpenSealed = Callable[[str, Place], bytes]
"""Opens a sealed text in its place in this cluster; raises SealedValueInvalid."""


class Meter(Protocol):
    """Counts what is done."""

    def answered(self, command: str, answer: str, seconds: float) -> None:
        """A command of this type was answered by a fact of that type, after so long."""
        ...


class ClusterReader(Protocol):
    """Reads of the Kubernetes API; each raises KubeError. `shared.kube.KubeApi` is one."""

    async def resource(self, gvk: GroupVersionKind) -> Resource:
        """How the kind is served; raises KindUnknown."""
        ...

    async def find(
        self, key: ObjectKey, *, acting_as: Impersonation | None = None, metadata_only: bool = False
    ) -> Object | None:
        """One object, None when it is not there."""
        ...

    async def may(self, verb: str, gvk: GroupVersionKind, namespace: str, *, acting_as: Impersonation) -> bool:
        """Whether an account has a right; raises Forbidden where it may not even ask."""
        ...


class ClusterObjects(ClusterReader, Protocol):
    """Reads of whatever objects there are."""

    async def resource_named(self, group: str, plural: str) -> Resource:
        """How a resource is served, in the version that its group prefers; raises KindUnknown."""
        ...

    def list_pages(
        self,
        gvk: GroupVersionKind,
        *,
        namespace: str = "",
        label_selector: str = "",
        page_size: int = 500,
        acting_as: Impersonation | None = None,
    ) -> AsyncGenerator[Listing, None]:
        """All objects of a kind, a page at a time."""
        ...


class Cluster(ClusterReader, Protocol):
    """Reads and writes of the Kubernetes API."""

    async def create(self, manifest: Object, *, field_manager: str, acting_as: Impersonation | None = None) -> Object:
        """Create an object; raises AlreadyExists."""
        ...

    async def apply(
        self, manifest: Object, *, field_manager: str, force: bool, acting_as: Impersonation | None = None
    ) -> Object:
        """Server-side apply; uid and resourceVersion in the manifest are preconditions, raises Conflict."""
        ...

    async def patch(
        self, key: ObjectKey, patch: Object, *, field_manager: str, acting_as: Impersonation | None = None
    ) -> Object:
        """JSON merge patch; uid and resourceVersion in it are preconditions, raises Conflict."""
        ...

    async def replace(self, manifest: Object, *, field_manager: str, acting_as: Impersonation | None = None) -> Object:
        """Write the whole object; uid and resourceVersion in it are preconditions, raises Conflict."""
        ...

    async def delete(
        self,
        key: ObjectKey,
        *,
        uid: str = "",
        propagation: str = "Background",
        acting_as: Impersonation | None = None,
    ) -> None:
        """Ask for deletion; raises NotFound, or Conflict for another uid."""
        ...


class DryRunCluster(ClusterReader, Protocol):
    """Writes of the Kubernetes API that can be asked for in dry run, when they change nothing."""

    async def create(
        self, manifest: Object, *, field_manager: str, acting_as: Impersonation | None = None, dry_run: bool = False
    ) -> Object:
        """As `Cluster.create`."""
        ...

    async def apply(
        self,
        manifest: Object,
        *,
        field_manager: str,
        force: bool,
        acting_as: Impersonation | None = None,
        dry_run: bool = False,
    ) -> Object:
        """As `Cluster.apply`."""
        ...

    async def patch(
        self,
        key: ObjectKey,
        patch: Object,
        *,
        field_manager: str,
        acting_as: Impersonation | None = None,
        dry_run: bool = False,
    ) -> Object:
        """As `Cluster.patch`."""
        ...

    async def replace(
        self, manifest: Object, *, field_manager: str, acting_as: Impersonation | None = None, dry_run: bool = False
    ) -> Object:
        """As `Cluster.replace`."""
        ...

    async def delete(
        self,
        key: ObjectKey,
        *,
        uid: str = "",
        propagation: str = "Background",
        acting_as: Impersonation | None = None,
        dry_run: bool = False,
    ) -> None:
        """As `Cluster.delete`."""
        ...


class Answers(Protocol):
    """Where answers go."""

    async def state(self, fact: Answer) -> None:
        """Publish a fact and wait until it is stored; raises Retryable."""
        ...

    async def nudge(self, nudge: Nudge) -> None:
        """Ask the observer of this cluster to state the facts again; lost without harm."""
        ...
