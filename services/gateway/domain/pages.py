"""Continue tokens: where a page of applications ended, opaque to callers."""

import base64
import binascii
import json

from shared.contracts.desired import PagePosition
from shared.errors import Rejected


class ContinueInvalid(Rejected):
    """The token was not made by this API."""

    def __init__(self) -> None:
        super().__init__("continue is no token of this API; start again without one", reason="ContinueInvalid")


def write(position: PagePosition) -> str:
    """As URL-safe text."""
    raw = json.dumps([position.namespace, position.name, position.uid], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read(token: str) -> PagePosition:
    """Read a token back; raises ContinueInvalid."""
    try:
        raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        parts = json.loads(raw)
    except (ValueError, binascii.Error) as error:
        raise ContinueInvalid from error
    match parts:
        case [str(namespace), str(name), str(uid)]:
            return PagePosition(namespace, name, uid)
        case _:
            raise ContinueInvalid
