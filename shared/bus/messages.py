"""From a delivery's bytes to a message that can be trusted to be what its subject says."""

from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from shared.bus.delivery import Delivery
from shared.contracts import subjects
from shared.contracts.envelope import Envelope, MalformedMessage, unwrap
from shared.errors import Rejected

MALFORMED = "Malformed"
NEWER_VERSION = "NewerVersion"
UNKNOWN_TYPE = "UnknownType"
UNKNOWN_VALUE = "UnknownValue"
IDENTITY_MISMATCH = "IdentityMismatch"
HANDLER_FAILED = "HandlerFailed"

M = TypeVar("M")

_UNKNOWN = {"union_tag_invalid": UNKNOWN_TYPE, "enum": UNKNOWN_VALUE, "literal_error": UNKNOWN_VALUE}
"""pydantic's words for what a later build may know."""


def open_delivery(delivery: Delivery) -> Envelope:
    """Read the envelope and check its identity.

    Raises:
        Rejected: malformed, or its payload names somebody else than its subject.
        NewerMessage: of a version that this build does not know.

    """
    try:
        envelope = unwrap(delivery.payload)
    except MalformedMessage as error:
        raise Rejected(str(error), reason=MALFORMED) from error
    check_identity(delivery.subject, envelope)
    return envelope


def decode(adapter: TypeAdapter[M], envelope: Envelope) -> M:
    """Read the payload of an envelope as one of the contracts.

    Raises:
        Rejected: it is none of them; the message gets parked.

    """
    try:
        return adapter.validate_python(envelope.data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        reason = _UNKNOWN.get(first["type"], MALFORMED)
        where = ".".join(str(part) for part in first["loc"])
        raise Rejected(f"{envelope.type}: {where}: {first['msg']}", reason=reason) from error


def check_identity(subject: str, envelope: Envelope) -> None:
    """Compare application, cluster, step and part in the payload with the subject, which is what permissions are about.

    Raises:
        Rejected: they differ.

    """
    data = envelope.data
    try:
        if subject.startswith(f"{subjects.ROOT}.beat."):
            expected: dict[str, Any] = dict(zip(("cluster", "part"), subjects.parse_beat(subject), strict=True))
        elif subject.startswith(f"{subjects.ROOT}.parked."):
            expected = {}
        else:
            named = subjects.parse(subject)
            expected = {"app": named.app.model_dump()}
            expected |= {"cluster": named.cluster} if named.cluster else {}
            expected |= {"step": named.step} if named.step else {}
    except ValueError as error:
        raise Rejected(str(error), reason=MALFORMED) from error
    # ApplicationChanged carries the whole desired record.
    record = data.get("record")
    stated = {**record, **data} if isinstance(record, dict) else data
    for field, value in expected.items():
        if stated.get(field) != value:
            raise Rejected(f"{field} in the payload is not that of {subject}", reason=IDENTITY_MISMATCH)
