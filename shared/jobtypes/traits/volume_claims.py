"""`volume-claims`, an extension of ours: volumes that are there before the pods, wherever they are mounted."""

from dataclasses import replace

from pydantic import Field

from shared.contracts.plan import ApplyMode
from shared.jobtypes.base import DeclaredObject, Parameters, RenderContext, Rendering, Trait
from shared.jobtypes.claims import ClaimFields, new_claim
from shared.jobtypes.declared import declared_once
from shared.jobtypes.fields import ObjectName


class VolumeClaim(ClaimFields):
    """A volume that outlives the application."""

    claimName: ObjectName
    """Name of the PersistentVolumeClaim."""


class VolumeClaimsParameters(Parameters):
    """PersistentVolumeClaims that are created if they are not there; one that is there is never touched.

    `volume-mounts` shows them in the containers.
    """

    claims: list[VolumeClaim] = Field(min_length=1)
    """The claims."""


def apply(context: RenderContext, parameters: VolumeClaimsParameters, rendering: Rendering) -> Rendering:
    """Declare the claims."""
    declared = [
        DeclaredObject(
            kind_token="pvc",  # noqa: S106 - a kind
            manifest=new_claim(context, claim.claimName, claim),
            mode=ApplyMode.CREATE,
            path=f"{context.path}.properties.claims[{index}]",
            volume=True,
        )
        for index, claim in enumerate(parameters.claims)
    ]
    return replace(rendering, declared=declared_once(rendering.declared, declared))


VOLUME_CLAIMS = Trait(
    name="volume-claims",
    title="Volumes that are created unless they are there",
    parameters=VolumeClaimsParameters,
    apply=apply,
    kinds=frozenset({"v1/PersistentVolumeClaim"}),
    examples=({"claims": [{"claimName": "uploads", "resources": {"requests": {"storage": "5Gi"}}}]},),
)
