"""The base of every contract model: frozen, closed, and compact on the wire."""

from pydantic import BaseModel, ConfigDict


class Contract(BaseModel):
    """A frozen model whose unknown fields are refused, so that a misspelt field cannot be lost in silence."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_timedelta="float", populate_by_name=True)
