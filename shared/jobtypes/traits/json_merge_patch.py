"""`json-merge-patch`: a patch of the workload, after RFC 7396."""

from pydantic import ConfigDict

from shared.jobtypes.base import Parameters, RenderContext, Rendering, Trait
from shared.jobtypes.json_patches import merge_patched
from shared.jobtypes.traits.json_patch import patchable, patched


class JsonMergePatchParameters(Parameters):
    """The patch itself, in the form of the workload: maps are merged, null takes a key away, all else replaces.

    It cannot change which object it is (apiVersion, kind, name, namespace), nor a Secret: its values would not be
    sealed.
    """

    model_config = ConfigDict(extra="allow")


def apply(_context: RenderContext, parameters: JsonMergePatchParameters, rendering: Rendering) -> Rendering:
    """Merge the patch into the workload; raises RenderError where that makes another object of it."""
    before = patchable(rendering)
    return patched(rendering, before, merge_patched(before, parameters.model_extra), "")


JSON_MERGE_PATCH = Trait(
    name="json-merge-patch",
    title="A patch of the workload, after RFC 7396",
    parameters=JsonMergePatchParameters,
    apply=apply,
    examples=({"spec": {"revisionHistoryLimit": 3}},),
)
