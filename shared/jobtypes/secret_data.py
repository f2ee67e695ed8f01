"""The values of Secrets: where documents have them, and how they get into a manifest."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any

from shared.contracts import sealed
from shared.jobtypes.base import RenderError, SecretEncoding, SecretLocation


def secret_data(data: Mapping[str, str] | None, string_data: Mapping[str, str] | None, path: str) -> dict[str, str]:
    """Bring both spellings into `data`, base64; where they share a key `stringData` wins, as in Kubernetes.

    A sealed value passes as it is, in either place: the executor opens it to bytes. `path` is where the properties
    have the mappings. Raises RenderError for what is no base64.
    """
    prefix = f"{path}." if path else ""
    encoded = {
        key: value if _sealed(value) else _checked(value, f'{prefix}data["{key}"]')
        for key, value in (data or {}).items()
    }
    for key, value in (string_data or {}).items():
        encoded[key] = value if _sealed(value) else base64.b64encode(value.encode()).decode()
    return encoded


def secret_locations(secret: Mapping[str, Any], name: str, path: tuple[str | int, ...]) -> Iterator[SecretLocation]:
    """Point at the values of one declaration with `data` and `stringData`, as far as it is well-formed."""
    for field, encoding in (("data", SecretEncoding.BASE64), ("stringData", SecretEncoding.PLAIN)):
        values = secret.get(field)
        if not isinstance(values, Mapping):
            continue
        for key, value in values.items():
            if isinstance(value, str):
                yield SecretLocation(path=(*path, field, key), secret=name, key=str(key), encoding=encoding)


def _sealed(value: str) -> bool:
    return value.startswith(sealed.PREFIX)


def _checked(value: str, path: str) -> str:
    """Kubernetes ignores line breaks in base64; nothing else."""
    joined = value.replace("\r", "").replace("\n", "")
    try:
        base64.b64decode(joined, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RenderError(
            path, "InvalidBase64", f"no base64: {error}", "Encode the value, or write it in stringData"
        ) from error
    return joined
