"""The reason behind a state, and the one table that says which of several reasons is told.

Conditions and container states come before Events: they say what is, an Event says what was.
"""

from collections.abc import Iterable
from typing import NamedTuple

from shared.contracts.phases import Reason

MESSAGE_LIMIT_BYTES = 1024


class Cause(NamedTuple):
    """A reason with its words."""

    reason: Reason
    message: str


PRECEDENCE: tuple[Reason, ...] = (
    # Where there is no pod on a node yet, nothing further can be true of it.
    Reason.UNSCHEDULABLE,
    Reason.VOLUME_PENDING,
    # The image, in the order in which the kubelet meets the trouble.
    Reason.INVALID_IMAGE_NAME,
    Reason.IMAGE_PULL_BACK_OFF,
    Reason.ERR_IMAGE_PULL,
    # The container could not be made.
    Reason.CREATE_CONTAINER_CONFIG_ERROR,
    Reason.CREATE_CONTAINER_ERROR,
    Reason.RUN_CONTAINER_ERROR,
    # The container ended: why it ended comes before how often.
    Reason.OOM_KILLED,
    Reason.CRASH_LOOP_BACK_OFF,
    Reason.CONTAINER_FAILED,
    Reason.EVICTED,
    # The controller speaks.
    Reason.REPLICA_FAILURE,
    Reason.BACKOFF_LIMIT_EXCEEDED,
    Reason.DEADLINE_EXCEEDED,
    Reason.PROGRESS_DEADLINE_EXCEEDED,
    Reason.FAILED,
    # Not there yet, which is no trouble in itself.
    Reason.NOT_READY,
    Reason.PROGRESSING,
)
"""The most telling first: of several pods, and of pods and their controller, the first reason in this table is told."""

_RANK = {reason: rank for rank, reason in enumerate(PRECEDENCE)}


def rank(cause: Cause) -> int:
    """How early its reason stands in the table; the last place for one that is not in it."""
    return _RANK.get(cause.reason, len(PRECEDENCE))


def first(causes: Iterable[Cause]) -> Cause | None:
    """The most telling cause; of equals the one whose message sorts first, so that the choice does not flicker."""
    return min(causes, key=lambda cause: (rank(cause), cause.message), default=None)


def clipped(message: str, limit_bytes: int = MESSAGE_LIMIT_BYTES) -> str:
    """The message within a number of UTF-8 bytes, never cut inside a character."""
    raw = message.encode()
    if len(raw) <= limit_bytes:
        return message
    return raw[: limit_bytes - 3].decode(errors="ignore") + "…"
