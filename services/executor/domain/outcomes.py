"""What an error of the API server means for a command: refused for good, superseded, or worth another try."""

from shared.contracts.identity import ObjectKey
from shared.contracts.phases import Reason
from shared.errors import KubeMinError, Retryable
from shared.kube.connection import Impersonation
from shared.kube.errors import Conflict, Forbidden, Invalid, KindUnknown, KubeError, NotFound
from shared.sealing import SealedValueInvalid

_IMMUTABLE = (
    "field is immutable",
    "immutable after creation",
    "is immutable",
    "may not change once set",
    "updates to statefulset spec for fields other than",
)
"""How Kubernetes words it: there is no reason code of its own."""


_OF_RBAC = "is forbidden: User "
_OF_ADMISSION = "admission webhook"


class Refused(KubeMinError):
    """The command is refused for good."""

    def __init__(self, reason: Reason, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class Outage(KubeMinError):
    """The platform's own fault, or a state that passes."""

    def __init__(self, reason: Reason, message: str, retry_after_s: float | None = None) -> None:
        self.reason = reason
        self.retry_after_s = retry_after_s
        super().__init__(message)


class Outrun(KubeMinError):
    """An object bears a newer generation than the command."""

    def __init__(self, key: ObjectKey, generation: int) -> None:
        self.generation = generation
        super().__init__(f"{key} bears generation {generation} already")


class Expired(KubeMinError):
    """The command's `not_after` has passed: whoever sent it asks again if it is still wanted."""


def meaning(error: KubeError | SealedValueInvalid, key: ObjectKey, acting_as: Impersonation | None) -> Refused | Outage:
    """What to answer when the API server, or an unsealing, fails for an object."""
    words = f"{key}: {_told(error, key)}"
    match error:
        case Conflict():
            return Outage(Reason.CONFLICT, words)
        case Retryable():
            return Outage(Reason.API_UNAVAILABLE, words, error.retry_after_s)
        case Forbidden() if not error.quota_exceeded:
            who = acting_as.user if acting_as is not None else "the executor itself"
            return Refused(Reason.FORBIDDEN, f"{words} (acting as {who})")
        case KindUnknown():
            remedy = "install what brings the kind, or check its spelling"
            return Refused(Reason.KIND_NOT_FOUND, f"{words}; {remedy}")
        case Invalid() if any(sign in str(error) for sign in _IMMUTABLE):
            remedy = "delete the object, or give the component another name"
            return Refused(Reason.IMMUTABLE, f"{words}; {remedy}")
        case _:
            return Refused(_reason(error), words)


def _told(error: KubeError | SealedValueInvalid, key: ObjectKey) -> str:
    """The server's words, unless they may repeat values of a Secret."""
    if (key.api_version, key.kind) != ("v1", "Secret") or not _may_repeat_values(error):
        return str(error)
    fields = ", ".join(cause.field for cause in getattr(error, "causes", ()) if cause.field)
    where = f" ({fields})" if fields else ""
    return f"the cluster does not accept it{where}; its words may hold values of the Secret, and are not passed on"


def _may_repeat_values(error: KubeError | SealedValueInvalid) -> bool:
    # What RBAC and quotas say is about names and numbers; validation and admission quote what they do not like.
    by_rule = isinstance(error, Forbidden) and (_OF_RBAC in str(error) or error.quota_exceeded)
    return isinstance(error, Invalid) or (isinstance(error, Forbidden) and not by_rule) or _OF_ADMISSION in str(error)


def _reason(error: KubeError | SealedValueInvalid) -> Reason:
    match error:
        case SealedValueInvalid():
            return Reason.SEALED_VALUE_INVALID
        case Forbidden():
            return Reason.QUOTA_EXCEEDED
        case NotFound() if error.kind == "namespaces":
            return Reason.NAMESPACE_NOT_FOUND
        case _:
            return Reason.INVALID


def read_only_absent(key: ObjectKey) -> str:
    """The sentence that tells what a read-only policy asks for."""
    return f"{key} does not exist, and a read-only policy says that it is not made here: create it, or drop the policy"


def being_deleted(key: ObjectKey) -> Outage:
    """The object is there and going: what is applied to it now would go with it."""
    return Outage(Reason.CONFLICT, f"{key} is being deleted; waiting until it is gone")
