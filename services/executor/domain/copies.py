"""The values of Secrets that leave their cluster."""

import base64
from collections.abc import Callable

from shared.kube.kinds import Object

SealValue = Callable[[str, bytes], str]
"""Seals the value of a Secret's key."""


def sealed_secret(secret: Object, seal: SealValue) -> Object:
    """A stripped Secret with its values sealed, and without annotations, in which tools repeat values."""
    values = {key: seal(key, base64.b64decode(value)) for key, value in (secret.get("data") or {}).items()}
    metadata = {field: value for field, value in secret["metadata"].items() if field != "annotations"}
    return {**secret, "metadata": metadata, **({"data": values} if values else {})}
