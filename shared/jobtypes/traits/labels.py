"""`labels`: labels of the workload and its pods."""

from dataclasses import replace

from pydantic import ConfigDict

from shared.contracts.cloning import clone
from shared.contracts.completion import read_path
from shared.jobtypes.base import Parameters, RenderContext, RenderError, Rendering, Trait
from shared.jobtypes.fields import LabelKey, LabelValue
from shared.jobtypes.podpatch import set_metadata, template_paths


class MetadataParameters(Parameters):
    """Any names with their values; null takes one away."""

    model_config = ConfigDict(extra="allow")

    __pydantic_extra__: dict[str, str | None]

    @property
    def values(self) -> dict[str, str | None]:
        """By name."""
        return dict(self.__pydantic_extra__)


class LabelFields(MetadataParameters):
    """Any labels; null takes one away."""

    __pydantic_extra__: dict[LabelKey, LabelValue | None]


class LabelsParameters(LabelFields):
    """Labels of the workload and of its pods, instead of present values; null takes one away.

    Unlike in KubeVela the pods of a CronJob get them too. Those by which the component finds its pods stay.
    """


def apply(context: RenderContext, parameters: LabelsParameters, rendering: Rendering) -> Rendering:
    """Set labels; raises RenderError for those by which the component finds its pods."""
    for name, value in parameters.values.items():
        if context.selector.get(name, value) != value:
            message = f"the component finds its pods by the label {name}"
            raise RenderError(f'["{name}"]', "LabelReserved", message, "Leave the label out or use another name")
    return with_metadata(rendering, "labels", parameters.values)


def with_metadata(rendering: Rendering, field: str, values: dict[str, str | None], *, pods: bool = True) -> Rendering:
    """Set labels or annotations of a copy of the workload and, if wanted, of its pods and the Jobs between them.

    Raises RenderError where the component has no workload.
    """
    if rendering.workload is None:
        raise RenderError("", "NoWorkload", "the component has no object for this trait to change", "Remove the trait")
    workload = clone(rendering.workload)
    set_metadata(workload, field, values)
    for path in template_paths(workload) if pods else ():
        set_metadata(read_path(workload, ".".join(path)), field, values)
    return replace(rendering, workload=workload)


LABELS = Trait(
    name="labels",
    title="Labels of the workload and its pods",
    parameters=LabelsParameters,
    apply=apply,
    examples=({"team": "shop", "tier": "frontend"},),
)
