"""Types of parameter fields that several entries share."""

from typing import Annotated, Literal

from pydantic import Field

PortNumber = Annotated[int, Field(ge=1, le=65535)]
"""A port, as Kubernetes takes it."""

Quantity = Annotated[str, Field(pattern=r"^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$")]
"""A Kubernetes resource quantity such as `500m` or `2Gi`."""

Size = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,63}(E|P|T|G|M|K|Ei|Pi|Ti|Gi|Mi|Ki)$")]
"""A size such as `8Gi`, in the narrower spelling of volumes and of the resource trait's memory."""

PullPolicy = Literal["Always", "Never", "IfNotPresent"]

Protocol = Literal["TCP", "UDP", "SCTP"]

NonEmpty = Annotated[str, Field(min_length=1)]
