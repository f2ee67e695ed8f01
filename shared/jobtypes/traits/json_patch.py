"""`json-patch`: operations on the workload, after RFC 6902."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from shared.contracts.completion import read_path
from shared.contracts.plan import Manifest
from shared.jobtypes.base import Parameters, RenderContext, RenderError, Rendering, Trait
from shared.jobtypes.json_patches import PatchFailed, operated
from shared.jobtypes.objects import is_secret

_NEEDS = {"add": "value", "replace": "value", "test": "value", "move": "from", "copy": "from"}
_IDENTITY = ("apiVersion", "kind", "metadata.name", "metadata.namespace")


class Operation(Parameters):
    """One operation."""

    model_config = ConfigDict(extra="ignore")

    op: Literal["add", "remove", "replace", "move", "copy", "test"]
    """What is done."""
    path: str
    """JSON pointer to the place, such as `/spec/template/spec/containers/0/image`."""
    value: Any = None
    """What is put there, or has to be there; `add`, `replace` and `test` need it. null is a value."""
    from_: str | None = Field(default=None, alias="from")
    """JSON pointer to where the value comes from; `move` and `copy` need it."""

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_null(cls, value: Any) -> Any:
        """The value may be null, all else is refused by its type."""
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        needed = _NEEDS.get(self.op)
        field = "from_" if needed == "from" else needed
        if field is not None and (field not in self.model_fields_set or (field == "from_" and self.from_ is None)):
            raise PydanticCustomError("missing", "{op} needs {field}", {"op": self.op, "field": needed})
        return self


class JsonPatchParameters(Parameters):
    """Operations on the workload, one after another.

    They cannot change which object it is (apiVersion, kind, name, namespace), nor a Secret: its values would not be
    sealed.
    """

    operations: list[Operation]
    """The operations."""


def apply(_context: RenderContext, parameters: JsonPatchParameters, rendering: Rendering) -> Rendering:
    """Apply the operations to the workload; raises RenderError for one that does not fit."""
    before = patchable(rendering)
    workload: Any = before
    for index, operation in enumerate(parameters.operations):
        try:
            workload = operated(workload, operation.model_dump(by_alias=True))
        except PatchFailed as error:
            raise RenderError(f"operations[{index}]", "PatchFailed", str(error), "Correct the operation") from error
    return patched(rendering, before, workload, "operations")


def patchable(rendering: Rendering) -> Manifest:
    """The workload; raises RenderError where there is none, or one whose values would not be sealed."""
    if rendering.workload is None:
        raise RenderError("", "NoWorkload", "the component has no object for this trait to change", "Remove the trait")
    if is_secret(rendering.workload):
        message = "values that a patch puts into a Secret would not be sealed"
        raise RenderError("", "SecretNotPatchable", message, "Write them into the Secret itself")
    return rendering.workload


def patched(rendering: Rendering, before: Manifest, workload: Any, path: str) -> Rendering:
    """Take the patched workload over; raises RenderError where it is another object."""
    if not isinstance(workload, Mapping):
        raise RenderError(path, "PatchFailed", "what is left of the workload is no object", "Correct the patch")
    for field in _IDENTITY:
        if read_path(workload, field) != read_path(before, field):
            message = f"{field} says which object it is: a patch cannot change it"
            raise RenderError(path, "IdentityNotPatchable", message, "Leave it out")
    return replace(rendering, workload=dict(workload))


JSON_PATCH = Trait(
    name="json-patch",
    title="Operations on the workload, after RFC 6902",
    parameters=JsonPatchParameters,
    apply=apply,
    examples=(
        {"operations": [{"op": "add", "path": "/spec/template/spec/terminationGracePeriodSeconds", "value": 60}]},
    ),
)
