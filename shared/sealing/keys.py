"""A cluster's sealing key pair (Curve25519): the private half never leaves the cluster's executor."""

import os
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from pathlib import Path
from typing import NewType

from nacl.public import PrivateKey

from shared.errors import EXIT_MISCONFIGURED, Fatal

SealingKey = NewType("SealingKey", str)
"""A public or private key: 32 bytes as base64."""

_KEY_BYTES = 32


class KeyFileInvalid(Fatal):
    """The file holds no private sealing key."""

    def __init__(self, path: Path, problem: str) -> None:
        self.path = path
        self.problem = problem
        super().__init__(f"{path}: {problem}", exit_code=EXIT_MISCONFIGURED)


def generate() -> SealingKey:
    """A new private key."""
    return SealingKey(b64encode(bytes(PrivateKey.generate())).decode())


def public_key_of(private_key: SealingKey) -> SealingKey:
    """The public half, which the gateway seals for."""
    return SealingKey(b64encode(bytes(PrivateKey(decoded(private_key)).public_key)).decode())


def save_key(private_key: SealingKey, path: Path) -> None:
    """Write the key, readable by its owner alone.

    Raises FileExistsError rather than replace a key: what was sealed for it would not open any more.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(f"{private_key}\n")


def load_key(path: Path) -> SealingKey:
    """Read a private key; raises KeyFileInvalid."""
    try:
        text = path.read_text(encoding="ascii").strip()
        decoded(SealingKey(text))
    except OSError as error:
        raise KeyFileInvalid(path, error.strerror or str(error)) from error
    except ValueError:
        # Without the cause: its message could quote the key.
        raise KeyFileInvalid(path, "this is no sealing key (32 bytes as base64)") from None
    return SealingKey(text)


def decoded(key: SealingKey) -> bytes:
    """The key's bytes; raises ValueError for what is no key."""
    try:
        raw = b64decode(key, validate=True)
    except Base64Error as error:
        msg = "a sealing key is base64"
        raise ValueError(msg) from error
    if len(raw) != _KEY_BYTES:
        msg = f"a sealing key has {_KEY_BYTES} bytes, this one {len(raw)}"
        raise ValueError(msg)
    return raw
