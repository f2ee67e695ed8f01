"""`command`: what containers run."""

from collections.abc import Sequence
from typing import Any, Self

from pydantic import field_validator, model_validator
from pydantic_core import PydanticCustomError

from shared.jobtypes.base import RenderContext, RenderError, Rendering, Trait
from shared.jobtypes.fields import NonEmpty
from shared.jobtypes.per_container import OfContainer, OneOrSeveral, patched_containers
from shared.jobtypes.podpatch import Container


class CommandFields(OfContainer):
    """Command and arguments of one container; `null` stands for an absent one, as in KubeVela."""

    command: list[str] | None = None
    """Command to run; the present one stays if left out."""
    args: list[str] | None = None
    """Arguments, instead of the present ones."""
    addArgs: list[str] | None = None
    """Arguments to append, unless they are there."""
    delArgs: list[str] | None = None
    """Arguments to take away, also from `addArgs`."""

    @field_validator("*", mode="before")
    @classmethod
    def _refuse_null(cls, value: Any) -> Any:
        """KubeVela takes null here; that of a container's name is refused by its type."""
        return value

    @model_validator(mode="after")
    def _args_or_changes(self) -> Self:
        if self.args is not None and (self.addArgs is not None or self.delArgs is not None):
            raise PydanticCustomError("two_forms", "beside args there can be no addArgs and no delArgs")
        return self


class ContainerCommand(CommandFields):
    """Command and arguments of one container."""

    containerName: NonEmpty
    """Name of the container."""


class CommandParameters(CommandFields, OneOrSeveral):
    """What one container runs, or several in `containers`.

    KubeVela always writes `args`, at least an empty list, and a later change of the component's own arguments is then
    lost; here they are written only where there are some or some were asked for.
    """

    containers: list[ContainerCommand] | None = None
    """The same for several containers, instead of the other fields."""


def apply(context: RenderContext, parameters: CommandParameters, rendering: Rendering) -> Rendering:
    """Set command and arguments; raises RenderError for an unknown container."""
    return patched_containers(context, rendering, parameters, parameters.containers, _set)


def _set(container: Container, wanted: CommandFields, prefix: str) -> None:
    if wanted.command is not None:
        container["command"] = list(wanted.command)
    present = container.get("args") or []
    if not isinstance(present, list):
        raise RenderError(f"{prefix}addArgs", "ObjectMalformed", "args of the container is no list", "Correct args")
    args = _changed(wanted, present)
    if args or container.get("args") is not None or wanted.args is not None:
        container["args"] = args


def _changed(wanted: CommandFields, present: Sequence[str]) -> list[str]:
    if wanted.args is not None:
        return list(wanted.args)
    dropped = wanted.delArgs or ()
    kept = [argument for argument in present if argument not in dropped]
    added = [argument for argument in wanted.addArgs or () if argument not in dropped and argument not in present]
    return [*kept, *added]


COMMAND = Trait(
    name="command",
    title="What containers run",
    parameters=CommandParameters,
    apply=apply,
    examples=({"command": ["/app/server"], "args": ["--listen", ":8080"]},),
)
