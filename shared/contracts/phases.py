"""Phases of steps, runs and applications, the reasons behind them, and the one table of legal transitions.

Phases may be skipped forward; a terminal phase is left by nothing. The order of members is the order of progress.
"""

from enum import StrEnum


class StepPhase(StrEnum):
    """Where one step of a run stands."""

    WAITING = "Waiting"
    QUEUED = "Queued"
    APPLYING = "Applying"
    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    REJECTED = "Rejected"
    ERROR = "Error"
    TIMED_OUT = "TimedOut"
    CANCELLED = "Cancelled"
    SKIPPED = "Skipped"

    @property
    def terminal(self) -> bool:
        """Nothing follows."""
        return not STEP_TRANSITIONS[self]


class RunPhase(StrEnum):
    """Where a run stands."""

    ACCEPTED = "Accepted"
    PREPARING = "Preparing"
    RUNNING = "Running"
    SUSPENDED = "Suspended"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    REJECTED = "Rejected"
    ERROR = "Error"
    TIMED_OUT = "TimedOut"
    CANCELLED = "Cancelled"

    @property
    def terminal(self) -> bool:
        """Nothing follows."""
        return not RUN_TRANSITIONS[self]


class AppPhase(StrEnum):
    """Where an application stands; `Deleted` is a tombstone."""

    ACTIVE = "Active"
    DELETING = "Deleting"
    DELETED = "Deleted"


class Health(StrEnum):
    """How an application is now, whatever its runs did; orthogonal to phases."""

    HEALTHY = "Healthy"
    PROGRESSING = "Progressing"
    DEGRADED = "Degraded"
    MISSING = "Missing"
    UNKNOWN = "Unknown"


class Reason(StrEnum):
    """Why something is in its phase: machine-readable and stable."""

    NONE = ""
    # of the platform
    OWNED_BY_OTHER = "OwnedByOther"
    REFERENCE_NOT_FOUND = "ReferenceNotFound"
    NAMESPACE_NOT_FOUND = "NamespaceNotFound"
    NAMESPACE_NOT_ENROLLED = "NamespaceNotEnrolled"
    KIND_NOT_ALLOWED = "KindNotAllowed"
    KIND_NOT_FOUND = "KindNotFound"
    FORBIDDEN = "Forbidden"
    INVALID = "Invalid"
    IMMUTABLE = "Immutable"
    DOCUMENT_INVALID = "DocumentInvalid"
    QUOTA_EXCEEDED = "QuotaExceeded"
    CONFLICT = "Conflict"
    CLUSTER_UNREACHABLE = "ClusterUnreachable"
    API_UNAVAILABLE = "ApiUnavailable"
    COMMAND_EXPIRED = "CommandExpired"
    UNSUPPORTED = "Unsupported"
    INTERNAL = "Internal"
    SEALED_VALUE_INVALID = "SealedValueInvalid"
    # of the run
    SUPERSEDED = "Superseded"
    REQUESTED = "Requested"
    """A user asked for the end of the run; the message names who, and why."""
    DEPENDENCY_NOT_SUCCEEDED = "DependencyNotSucceeded"
    RUN_REJECTED = "RunRejected"
    OVERRIDDEN = "Overridden"
    ALREADY_EXISTS = "AlreadyExists"
    ALREADY_COMPLETED = "AlreadyCompleted"
    STEP_NOT_SUCCEEDED = "StepNotSucceeded"
    QUEUE_DEADLINE = "QueueDeadline"
    START_DEADLINE = "StartDeadline"
    RUN_DEADLINE = "RunDeadline"
    DRIFTED = "Drifted"
    """Others changed or deleted what had been applied; it is being set back."""
    # of the workload, as Kubernetes words them
    UNSCHEDULABLE = "Unschedulable"
    IMAGE_PULL_BACK_OFF = "ImagePullBackOff"
    ERR_IMAGE_PULL = "ErrImagePull"
    INVALID_IMAGE_NAME = "InvalidImageName"
    CREATE_CONTAINER_CONFIG_ERROR = "CreateContainerConfigError"
    CREATE_CONTAINER_ERROR = "CreateContainerError"
    RUN_CONTAINER_ERROR = "RunContainerError"
    CRASH_LOOP_BACK_OFF = "CrashLoopBackOff"
    OOM_KILLED = "OOMKilled"
    EVICTED = "Evicted"
    CONTAINER_FAILED = "ContainerFailed"
    """A container ended with a non-zero exit code; the message names container and code."""
    NOT_READY = "NotReady"
    """Running, but a readiness probe or gate says no."""
    BACKOFF_LIMIT_EXCEEDED = "BackoffLimitExceeded"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    PROGRESS_DEADLINE_EXCEEDED = "ProgressDeadlineExceeded"
    REPLICA_FAILURE = "ReplicaFailure"
    """The controller could not create pods; quota and admission speak through it."""
    VOLUME_PENDING = "VolumePending"
    PROGRESSING = "Progressing"
    VANISHED = "Vanished"
    """The object was deleted in the cluster, not by us."""
    FAILED = "Failed"


_STEP_ENDS = {
    StepPhase.SUCCEEDED,
    StepPhase.FAILED,
    StepPhase.REJECTED,
    StepPhase.ERROR,
    StepPhase.TIMED_OUT,
    StepPhase.CANCELLED,
    StepPhase.SKIPPED,
}

STEP_TRANSITIONS: dict[StepPhase, frozenset[StepPhase]] = {
    StepPhase.WAITING: frozenset(
        {StepPhase.QUEUED, StepPhase.APPLYING, StepPhase.PENDING, StepPhase.RUNNING} | _STEP_ENDS
    ),
    StepPhase.QUEUED: frozenset({StepPhase.APPLYING, StepPhase.PENDING, StepPhase.RUNNING} | _STEP_ENDS),
    StepPhase.APPLYING: frozenset({StepPhase.QUEUED, StepPhase.PENDING, StepPhase.RUNNING} | _STEP_ENDS),
    StepPhase.PENDING: frozenset({StepPhase.RUNNING} | _STEP_ENDS),
    StepPhase.RUNNING: frozenset({StepPhase.PENDING} | _STEP_ENDS),
    **{end: frozenset[StepPhase]() for end in _STEP_ENDS},
}

_RUN_ENDS = {
    RunPhase.SUCCEEDED,
    RunPhase.FAILED,
    RunPhase.REJECTED,
    RunPhase.ERROR,
    RunPhase.TIMED_OUT,
    RunPhase.CANCELLED,
}

RUN_TRANSITIONS: dict[RunPhase, frozenset[RunPhase]] = {
    RunPhase.ACCEPTED: frozenset({RunPhase.PREPARING, RunPhase.RUNNING} | _RUN_ENDS),
    RunPhase.PREPARING: frozenset({RunPhase.RUNNING} | _RUN_ENDS),
    RunPhase.RUNNING: frozenset({RunPhase.SUSPENDED} | _RUN_ENDS - {RunPhase.REJECTED}),
    RunPhase.SUSPENDED: frozenset({RunPhase.RUNNING} | _RUN_ENDS - {RunPhase.REJECTED}),
    **{end: frozenset[RunPhase]() for end in _RUN_ENDS},
}

APP_TRANSITIONS: dict[AppPhase, frozenset[AppPhase]] = {
    AppPhase.ACTIVE: frozenset({AppPhase.DELETING, AppPhase.DELETED}),
    AppPhase.DELETING: frozenset({AppPhase.DELETED}),
    AppPhase.DELETED: frozenset(),
}
