"""The forms that an answer can be asked for in."""

from enum import StrEnum


class Output(StrEnum):
    """Of most commands."""

    TABLE = "table"
    JSON = "json"
    """Exactly what the gateway answered; several answers one after another, a line each."""


class PlanOutput(StrEnum):
    """Of plans."""

    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    """The same as YAML; several answers as documents of one stream."""


class DocumentOutput(StrEnum):
    """Of documents."""

    YAML = "yaml"
    """Several as documents of one stream."""
    JSON = "json"
