"""Canonical JSON and its digest: the same content gives the same bytes everywhere."""

import hashlib
import json
from typing import Any

from shared.contracts.identity import Digest


def canonical_json(value: Any) -> bytes:
    """Sorted keys, no blanks, UTF-8."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(value: Any) -> Digest:
    """SHA-256 of the canonical JSON, in hexadecimal."""
    return Digest(hashlib.sha256(canonical_json(value)).hexdigest())


def parse(raw: bytes) -> Any:
    """Read JSON back."""
    return json.loads(raw)
