"""The base of every contract model: frozen, closed, and compact on the wire."""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict


class Contract(BaseModel):
    """A frozen model whose unknown fields are refused, so that a misspelt field cannot be lost in silence."""

    SINCE: ClassVar[int] = 1
    """The version that brought the whole class (see `shared.contracts.versions`)."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_timedelta="float", populate_by_name=True)
