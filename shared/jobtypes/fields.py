"""Types of parameter fields that several entries share."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema


@dataclass(frozen=True)
class Deprecated:
    """Marks a parameter, as in `Annotated[int | None, Deprecated("ports")]`: documents that use it are warned."""

    successor: str
    """What to use instead."""

    def __get_pydantic_json_schema__(self, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Say so in the schema too."""
        return {**handler(core_schema), "deprecated": True}


@dataclass(frozen=True)
class NoEffect:
    """Marks a parameter that KubeVela takes and nothing comes of: documents that use it are warned."""

    why: str
    """After `has no effect: `."""


PortNumber = Annotated[int, Field(ge=1, le=65535)]
"""A port, as Kubernetes takes it."""

Quantity = Annotated[str, Field(pattern=r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$")]
"""A Kubernetes resource quantity such as `500m` or `2Gi`."""

Size = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,63}(E|P|T|G|M|K|Ei|Pi|Ti|Gi|Mi|Ki)$")]
"""A size such as `8Gi`, in the narrower spelling of volumes and of the resource trait's memory."""

PullPolicy = Literal["Always", "Never", "IfNotPresent"]

Protocol = Literal["TCP", "UDP", "SCTP"]

NonEmpty = Annotated[str, Field(min_length=1)]

DataKey = Annotated[str, Field(pattern=r"^[-._a-zA-Z0-9]{1,253}$")]
"""A key of a ConfigMap's or Secret's data."""
