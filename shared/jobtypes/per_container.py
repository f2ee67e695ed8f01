"""The two forms of traits that change containers: one container in the parameters themselves, or a list of several."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Self, TypeVar

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from shared.jobtypes.base import RenderContext, Rendering
from shared.jobtypes.podpatch import Container, PodSpec, container_named, patched_pod
from shared.jobtypes.probes import Closed


class OfContainer(Closed):
    """What is said of one container; unknown keys are an error, as in KubeVela."""

    containerName: str = ""
    """Name of the container; the component's name if left out."""


class OneOrSeveral(OfContainer):
    """Exactly one of the two forms."""

    needed: ClassVar[tuple[str, ...]] = ()
    """Fields that the form of one container cannot do without."""
    several: ClassVar[str] = "containers"
    """Name of the list."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        given = self.model_fields_set
        if self.several not in given:
            missing = [field for field in self.needed if field not in given]
            if missing:
                message = "{missing} is needed, or {several}"
                raise PydanticCustomError("missing", message, {"missing": missing[0], "several": self.several})
        elif len(given) > 1:
            beside = ", ".join(sorted(given - {self.several}))
            message = "beside {several} there can be no {beside}"
            raise PydanticCustomError("two_forms", message, {"several": self.several, "beside": beside})
        return self


C = TypeVar("C", bound=OfContainer)


def patched_containers(
    context: RenderContext,
    rendering: Rendering,
    one: C,
    several: Sequence[C] | None,
    patch: Callable[[Container, C, str], None],
    *,
    init: bool = False,
) -> Rendering:
    """Patch the container that the parameters name, or each of the list; with `init` it may be an init container.

    `patch` gets the container, its parameters and their path within the properties. Raises RenderError for an unknown
    container.
    """
    field = one.several if isinstance(one, OneOrSeveral) else ""
    wanted: list[tuple[C, str]]
    wanted = [(one, "")] if several is None else [(each, f"{field}[{i}].") for i, each in enumerate(several)]

    def patch_pod(pod: PodSpec) -> None:
        for each, prefix in wanted:
            name = each.containerName or context.component
            container = container_named(pod, name, f"{prefix}containerName", init=init)
            patch(container, each, prefix)

    return patched_pod(rendering, patch_pod)


def given_fields(parameters: OfContainer, *names: str) -> dict[str, Any]:
    """The named fields that are not None, as data."""
    return parameters.model_dump(mode="json", include=set(names), exclude_none=True, by_alias=True)
