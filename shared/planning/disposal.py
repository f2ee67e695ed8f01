"""What becomes of an object that the newest plan does not have."""

from enum import StrEnum

from shared.contracts.plan import Collection, Disposal, Retention


class Fate(StrEnum):
    """The end of an object that is not wanted any more, or that it has none yet."""

    DELETED = "deleted"
    RELEASED = "released"
    """It stays, and nobody's marks are on it."""
    FORGOTTEN = "forgotten"
    """A volume that outlives the application."""
    KEPT = "kept"
    """Until the application is deleted."""


def fate(*, volume: bool, disposal: Disposal, collection: Collection, deleting: bool) -> Fate:
    """What policies say; `collection` is the newest plan's, `deleting` says that the application itself goes."""
    retention = disposal.retention
    if volume and retention in (Retention.DEFAULT, Retention.NEVER):
        return Fate.FORGOTTEN
    if not deleting and (collection.keep_legacy or retention is Retention.ON_APP_DELETE):
        return Fate.KEPT
    return Fate.RELEASED if retention is Retention.NEVER else Fate.DELETED
