"""CloudEvents 1.0 in structured JSON mode, compressed above a threshold; the payload of every message on the bus.

Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md
"""

import zlib
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from shared.contracts.model import Contract
from shared.contracts.versions import VERSION, version_of

COMPRESS_ABOVE_BYTES = 16 * 1024
DECOMPRESSED_LIMIT_BYTES = 64 * 1024 * 1024
"""A small message cannot blow up a reader."""
_TYPE_PREFIX = "dev.kubemin."


class Envelope(Contract):
    """One message."""

    specversion: Literal["1.0"] = "1.0"
    id: str = Field(min_length=1)
    source: str
    """`kubemin/<service>/<instance>`."""
    type: str
    """`dev.kubemin.<Type>.v<version>`."""
    time: datetime
    datacontenttype: Literal["application/json"] = "application/json"
    traceparent: str | None = None
    """W3C trace context."""
    data: dict[str, Any]

    @property
    def version(self) -> int:
        """The lowest version of the contracts that can say this."""
        return int(self.type.rpartition(".v")[2])

    @property
    def name(self) -> str:
        """The bare type name."""
        return self.type.removeprefix(_TYPE_PREFIX).rpartition(".v")[0]


class MalformedMessage(ValueError):
    """Bytes that are no envelope; says where."""


class NewerMessage(ValueError):
    """An envelope of a version that this build does not know yet."""

    def __init__(self, envelope: Envelope) -> None:
        self.envelope = envelope
        """Its `data` may mean anything; the header of a command is what an executor answers by."""
        super().__init__(f"{envelope.type} is newer than version {VERSION}, which this build knows")


def wrap(message: BaseModel, *, id_: str, source: str, time: datetime, traceparent: str | None = None) -> bytes:
    """Put a contract model into an envelope and write it."""
    data = message.model_dump(mode="json", by_alias=True)
    envelope = Envelope(
        id=id_,
        source=source,
        type=f"{_TYPE_PREFIX}{data['type']}.v{version_of(message)}",
        time=time,
        traceparent=traceparent,
        data=data,
    )
    raw = envelope.model_dump_json(exclude_none=True).encode()
    return zlib.compress(raw, level=1) if len(raw) > COMPRESS_ABOVE_BYTES else raw


def unwrap(payload: bytes) -> Envelope:
    """Read an envelope, compressed or not.

    Raises MalformedMessage for what is none and NewerMessage for one of a later version.
    """
    raw = _inflate(payload) if payload[:1] == b"\x78" else payload
    try:
        envelope = Envelope.model_validate_json(raw)
        version = envelope.version
    except (ValidationError, ValueError) as error:
        msg = f"no CloudEvents envelope: {error}"
        raise MalformedMessage(msg) from error
    if version > VERSION:
        raise NewerMessage(envelope)
    return envelope


def _inflate(payload: bytes) -> bytes:
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(payload, DECOMPRESSED_LIMIT_BYTES)
    except zlib.error as error:
        msg = f"no zlib data: {error}"
        raise MalformedMessage(msg) from error
    if inflater.unconsumed_tail or not inflater.eof:
        msg = f"zlib data is truncated or larger than {DECOMPRESSED_LIMIT_BYTES} bytes"
        raise MalformedMessage(msg)
    return raw
