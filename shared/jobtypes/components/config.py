"""`config`: a ConfigMap."""

import base64
import binascii
from typing import Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from shared.jobtypes.base import JobType, Parameters, RenderContext, RenderError, Rendering
from shared.jobtypes.declared import nothing_but
from shared.jobtypes.fields import Annotations, Data, Labels, ObjectName
from shared.jobtypes.objects import new_object, present
from shared.jobtypes.rules import rule_for


class ConfigParameters(Parameters):
    """Settings that others take variables from or mount."""

    name: ObjectName | None = None
    """Name of the ConfigMap; the component's if left out."""
    data: Data = Field(default_factory=dict)
    """Its contents as text."""
    binaryData: Data = Field(default_factory=dict)
    """Its contents in base64, for what is no text."""
    labels: Labels | None = None
    """Labels of the ConfigMap."""
    annotations: Annotations | None = None
    """Annotations of the ConfigMap."""

    @model_validator(mode="after")
    def _carries_data(self) -> Self:
        if not self.data and not self.binaryData:
            raise PydanticCustomError("missing", "data or binaryData is needed")
        return self


def render(context: RenderContext, parameters: ConfigParameters) -> Rendering:
    """Render a ConfigMap; where several components carry the same one, the last of them counts.

    Raises RenderError for a key that is there twice and for what is no base64.
    """
    for key, value in parameters.binaryData.items():
        path = f'binaryData["{key}"]'
        if key in parameters.data:
            raise RenderError(path, "DataKeyNotUnique", f"data has a key {key!r} too", "Leave one of them")
        try:
            base64.b64decode(value, validate=True)
        except (binascii.Error, ValueError) as error:
            raise RenderError(path, "InvalidBase64", f"no base64: {error}", "Encode the value") from error
    manifest = new_object(context, "v1", "ConfigMap", parameters.name or "")
    manifest["metadata"] |= present(labels=parameters.labels, annotations=parameters.annotations)
    manifest |= present(data=parameters.data or None, binaryData=parameters.binaryData or None)
    return nothing_but(context, manifest)


CONFIG = JobType(
    name="config",
    title="Settings that others mount or take variables from (ConfigMap)",
    parameters=ConfigParameters,
    render=render,
    kinds=frozenset({"v1/ConfigMap"}),
    completion=rule_for,
    examples=({"data": {"LEVEL": "info", "app.yaml": "greeting: hello\n"}},),
)
