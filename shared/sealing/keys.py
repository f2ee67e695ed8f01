"""A cluster's sealing key pairs (Curve25519): the private halves never leave the cluster's executor.

One is current: the gateway seals for it. Those before it stay, to open what earlier generations hold.
"""

import hashlib
import os
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from pathlib import Path
from typing import NewType

from nacl.public import PrivateKey

from shared.errors import EXIT_MISCONFIGURED, Fatal

SealingKey = NewType("SealingKey", str)
"""A public or private key: 32 bytes as base64."""

_KEY_BYTES = 32
_FINGERPRINT_DIGITS = 16
_MARKING = b"kubemin.mark.v1"
_NOT_KEYS = "these are no sealing keys (each 32 bytes as base64, with blanks or line breaks between them)"


class KeyFileInvalid(Fatal):
    """The file does not hold private sealing keys."""

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


def load_keys(path: Path) -> tuple[SealingKey, ...]:
    """Read a cluster's private keys, the newest first; raises KeyFileInvalid."""
    try:
        keys = tuple(map(SealingKey, path.read_text(encoding="ascii").split()))
        for key in keys:
            decoded(key)
    except OSError as error:
        raise KeyFileInvalid(path, error.strerror or str(error)) from error
    except ValueError:
        # Without the cause: its message could quote the key.
        raise KeyFileInvalid(path, _NOT_KEYS) from None
    if not keys:
        raise KeyFileInvalid(path, _NOT_KEYS)
    return keys


def add_key(private_key: SealingKey, path: Path) -> None:
    """Put a new key before those of the file, which still open what was sealed for them; raises KeyFileInvalid."""
    _replace(path, (private_key, *load_keys(path)))


def keep_newest(path: Path) -> int:
    """Forget every key but the newest and return how many; raises KeyFileInvalid."""
    newest, *others = load_keys(path)
    if others:
        _replace(path, (newest,))
    return len(others)


def _replace(path: Path, keys: Sequence[SealingKey]) -> None:
    """As a whole, so that nobody ever reads, and no crash ever leaves, half of the keys."""
    beside = path.with_name(f".{path.name}.new")
    try:
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.writelines(f"{key}\n" for key in keys)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise KeyFileInvalid(path, error.strerror or str(error)) from error


def fingerprint(public_key: SealingKey) -> str:
    """Name a public key: 16 hexadecimal digits of its SHA-256; raises ValueError for what is no key."""
    return hashlib.sha256(decoded(public_key)).hexdigest()[:_FINGERPRINT_DIGITS]


def mark_key_of(private_keys: Sequence[SealingKey]) -> bytes:
    """The mark key of what a cluster seals itself: of its oldest key, so that a new one changes no mark.

    Where old keys are forgotten every value counts as changed, once.
    """
    return hashlib.blake2b(decoded(private_keys[-1]), person=_MARKING).digest()


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
