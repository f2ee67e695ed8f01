"""Sealing of secret values for named clusters, and opening them in one.

Belongs here: the cryptography of `shared.contracts.sealed`, and key files.
Forbidden: the bus, the database, Kubernetes, and any log line.
"""

from shared.sealing.keys import SealingKey, fingerprint, generate, load_keys, public_key_of, save_key
from shared.sealing.seal import Place, SealedValueInvalid, open_value, seal

__all__ = [
    "Place",
    "SealedValueInvalid",
    "SealingKey",
    "fingerprint",
    "generate",
    "load_keys",
    "open_value",
    "public_key_of",
    "save_key",
    "seal",
]
