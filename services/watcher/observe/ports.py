"""What the observer's handlers need from outside."""

from collections.abc import AsyncGenerator, Sequence
from typing import NamedTuple, Protocol

from pydantic import BaseModel

from services.watcher.observe.domain.intake import Seen
from shared.kube.kinds import GroupVersionKind


class Source(NamedTuple):
    """What one watch follows."""

    gvk: GroupVersionKind
    label_selector: str = ""
    field_selector: str = ""
    metadata_only: bool = False
    """The server leaves out everything but the metadata, such as a Secret's values."""


class All(NamedTuple):
    """Everything that a source has now: what was known and is not among it is gone."""

    seen: Sequence[Seen]


class Put(NamedTuple):
    """An object was added or changed."""

    seen: Seen


class Gone(NamedTuple):
    """An object was deleted, or left the selector; its last state."""

    seen: Seen


class Blind(NamedTuple):
    """Nothing is seen until the next `All`."""

    problem: str
    unserved: bool
    """The cluster does not know the kind: there is nothing to miss."""


Item = All | Put | Gone | Blind


class Cluster(Protocol):
    """The cluster, to read."""

    def follow(self, source: Source) -> AsyncGenerator[Item, None]:
        """What happens to the objects of a source, for ever."""
        ...

    async def incarnation(self) -> str:
        """The uid of the namespace kube-system: another one is another cluster. Raises Retryable."""
        ...

    async def git_version(self) -> str:
        """The version as the server states it. Raises Retryable."""
        ...

    async def kinds_in_use(self, label_selector: str, but: frozenset[GroupVersionKind]) -> list[GroupVersionKind]:
        """The kinds with at least one object that bears the label, those in `but` left aside. Raises Retryable."""
        ...


class Outbox(Protocol):
    """The bus, to publish into its streams."""

    async def publish(self, subject: str, message: BaseModel) -> None:
        """Returns when it is stored; raises Retryable when it may not be."""
        ...

    async def lost(self) -> None:
        """Wait until messages may have been lost: the bus was away, or a stream was missing."""
        ...
