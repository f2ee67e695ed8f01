"""What `Idempotency-Key` asks for. Source: draft-ietf-httpapi-idempotency-key-header."""

import hashlib
import hmac
import json
import re
from dataclasses import dataclass

from shared.contracts.identity import Tenant
from shared.errors import Rejected, Retryable

_BARE = re.compile(r"[\x21\x23-\x7e]{1,255}")
_QUOTED = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"')


class IdempotencyKeyInvalid(Rejected):
    """The header is no key."""

    def __init__(self) -> None:
        super().__init__(
            "Idempotency-Key takes one key of 1 to 255 ASCII characters, such as a UUID; in quotes if it has blanks",
            reason="IdempotencyKeyInvalid",
        )


class IdempotencyKeyReused(Rejected):
    """The key belongs to another request."""

    def __init__(self) -> None:
        super().__init__(
            "this Idempotency-Key was used for another request within the last 24 hours; take a new key for each",
            reason="IdempotencyKeyReused",
        )


class RequestInProgress(Retryable):
    """The same request is being worked on."""

    def __init__(self, retry_after_s: float) -> None:
        super().__init__("a request with this Idempotency-Key is being worked on", retry_after_s=retry_after_s)


@dataclass(frozen=True)
class Identified:
    """A request with a key."""

    id: str
    """Of tenant and key: tenants cannot meet each other's."""
    fingerprint: str
    """Of everything that the request says. Keyed, because documents may hold secrets that could be guessed."""

    @property
    def request(self) -> str:
        """Of both: what a desired record remembers."""
        return f"{self.id}-{self.fingerprint}"


def read_key(headers: list[str]) -> str | None:
    """Read the header, all of its occurrences given; raises IdempotencyKeyInvalid."""
    if not headers:
        return None
    text = headers[0].strip()
    quoted = _QUOTED.fullmatch(text)
    if len(headers) > 1 or not (quoted or _BARE.fullmatch(text)):
        raise IdempotencyKeyInvalid
    return re.sub(r"\\(.)", r"\1", quoted[1]) if quoted else text


def identify(tenant: Tenant, key: str, parts: list[str], body: bytes, *, secret: bytes) -> Identified:
    """Say which request this is; `parts` are method, path, and headers that change what it means."""
    id_ = hashlib.sha256(f"{tenant}\0{key}".encode()).hexdigest()
    described = json.dumps(parts).encode() + b"\0" + body
    return Identified(id_, hmac.digest(secret, described, "sha256").hex())
