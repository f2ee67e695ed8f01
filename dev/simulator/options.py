"""The options of writes and deletions, read from query parameters and bodies."""

from dataclasses import dataclass

from dev.simulator.objects import Object


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """The options of a write."""

    manager: str = ""
    """The field manager; empty for the simulator's own controllers, which are not tracked."""
    dry_run: bool = False
    force: bool = False


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """The options of a deletion."""

    uid: str | None = None
    resource_version: str | None = None
    propagation: str | None = None
    grace_s: int | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Deleted:
    """The answer to a deletion."""

    obj: Object
    removed: bool
    warning: str = ""


UNTRACKED = WriteOptions()
AT_ONCE = DeleteOptions(propagation="Background", grace_s=0)
