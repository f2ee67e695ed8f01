"""`annotations`: annotations of the workload and its pods."""

from shared.jobtypes.base import RenderContext, Rendering, Trait
from shared.jobtypes.fields import AnnotationKey
from shared.jobtypes.traits.labels import MetadataParameters, with_metadata


class AnnotationsParameters(MetadataParameters):
    """Annotations of the workload, its pods and its Jobs, instead of present values; null takes one away."""

    __pydantic_extra__: dict[AnnotationKey, str | None]


def apply(_context: RenderContext, parameters: AnnotationsParameters, rendering: Rendering) -> Rendering:
    """Set annotations; raises RenderError where the component has no workload."""
    return with_metadata(rendering, "annotations", parameters.values)


ANNOTATIONS = Trait(
    name="annotations",
    title="Annotations of the workload and its pods",
    parameters=AnnotationsParameters,
    apply=apply,
    examples=({"prometheus.io/scrape": "true", "prometheus.io/port": "8080"},),
)
