"""Tells the dialect from an OAM Application; both are sent to one address."""

from collections.abc import Mapping
from typing import Any

from shared.dialect.fields import folded

_OAM = frozenset({"apiversion", "kind"})


def is_dialect(document: Mapping[str, Any]) -> bool:
    """Whether the document has `component` and neither `apiVersion` nor `kind`."""
    keys = {folded(key) for key in document}
    return "component" in keys and not keys & _OAM
