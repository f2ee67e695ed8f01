"""`resource`: what the component's container requests and may use."""

from typing import Annotated, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from shared.jobtypes.base import Parameters, RenderContext, Rendering, Trait
from shared.jobtypes.fields import Quantity, Size
from shared.jobtypes.objects import mapping, present
from shared.jobtypes.podpatch import PodSpec, main_container, patched_pod

Cpu = Annotated[int, Field(ge=0)] | Annotated[float, Field(ge=0, allow_inf_nan=False)] | Quantity
"""CPUs as a number or a quantity."""


class Amounts(Parameters):
    """CPU and memory."""

    cpu: Cpu = 1
    """CPUs, such as `0.5` or `500m`."""
    memory: Size = "2048Mi"
    """Memory, such as `512Mi`."""


class ResourceParameters(Parameters):
    """Requests and limits: equal ones by `cpu` and `memory`, or each of its own."""

    cpu: Cpu | None = None
    """CPUs to request, and the limit; ignored beside `requests` or `limits`."""
    memory: Size | None = None
    """Memory to request, and the limit; ignored beside `requests` or `limits`."""
    requests: Amounts | None = None
    """What is reserved."""
    limits: Amounts | None = None
    """What may be used."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set & {"cpu", "memory", "requests", "limits"}:
            raise PydanticCustomError("missing", "cpu and memory, requests or limits is needed")
        return self


def apply(context: RenderContext, parameters: ResourceParameters, rendering: Rendering) -> Rendering:
    """Set them on the container named as the component, else on the first; other resources of it stay."""
    equal = None
    if parameters.requests is None and parameters.limits is None:
        equal = _rendered(parameters.cpu, parameters.memory)

    def patch(pod: PodSpec) -> None:
        container = main_container(pod, context.component)
        resources = dict(mapping(container, "resources"))
        container["resources"] = resources
        for field, amounts in (("requests", parameters.requests), ("limits", parameters.limits)):
            wanted = equal if amounts is None else _rendered(amounts.cpu, amounts.memory)
            if wanted is not None:
                resources[field] = {**mapping(resources, field), **wanted}

    return patched_pod(rendering, patch)


def _rendered(cpu: float | str | None, memory: str | None) -> dict[str, str]:
    return present(cpu=None if cpu is None else str(cpu), memory=memory)


RESOURCE = Trait(
    name="resource",
    title="CPU and memory that the component requests and may use",
    parameters=ResourceParameters,
    apply=apply,
    examples=({"requests": {"cpu": "250m", "memory": "256Mi"}, "limits": {"cpu": 1, "memory": "512Mi"}},),
)
