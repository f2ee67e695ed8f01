"""`object-labels`, an extension of ours: labels of every object that a component makes, but not of its pods."""

from collections.abc import Mapping
from dataclasses import replace

from shared.contracts.cloning import clone
from shared.contracts.plan import Manifest
from shared.jobtypes.base import RenderContext, Rendering, Trait
from shared.jobtypes.podpatch import set_metadata
from shared.jobtypes.traits.labels import LabelFields


class ObjectLabelsParameters(LabelFields):
    """Labels of the workload and of all that the entries before this one make beside it; null takes one away."""


def apply(_context: RenderContext, parameters: ObjectLabelsParameters, rendering: Rendering) -> Rendering:
    """Set the labels."""
    values = parameters.values
    return replace(
        rendering,
        workload=None if rendering.workload is None else _labelled(rendering.workload, values),
        before=tuple(_labelled(manifest, values) for manifest in rendering.before),
        others=tuple(_labelled(manifest, values) for manifest in rendering.others),
        declared=tuple(replace(one, manifest=_labelled(one.manifest, values)) for one in rendering.declared),
    )


def _labelled(manifest: Manifest, values: Mapping[str, str | None]) -> Manifest:
    labelled: Manifest = clone(manifest)
    set_metadata(labelled, "labels", values)
    return labelled


OBJECT_LABELS = Trait(
    name="object-labels",
    title="Labels of every object that the component makes",
    parameters=ObjectLabelsParameters,
    apply=apply,
    examples=({"cost-centre": "4711"},),
)
