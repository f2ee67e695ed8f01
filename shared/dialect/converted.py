"""What becomes of a document in the dialect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shared.contracts.plan import Finding
from shared.dialect.fields import From
from shared.dialect.model import Component, Text
from shared.dialect.paths import PathMap


@dataclass(frozen=True, kw_only=True)
class Clone:
    """The copy of one template."""

    template: Text
    """Its id, where the document names it first."""
    entries: tuple[Component, ...]
    """What the document says about its components."""
    app: str
    after: tuple[Text, ...]
    """What it waits for."""
    waits_for: Mapping[str, tuple[Text, ...]]
    """Of entries that are in the workflow."""


@dataclass(frozen=True, kw_only=True)
class Converted:
    """A document in the dialect, converted."""

    document: dict[str, Any] = field(repr=False)
    """Secret values are plain in it."""
    paths: PathMap = field(repr=False)
    warnings: tuple[Finding, ...] = ()
    app_id: From[str] | None = None
    """Of the application that the document wants to replace."""
    clones: tuple[Clone, ...] = field(default=(), repr=False)
    """Templates whose components are still to be added."""
