"""`scaler`: how many pods."""

import copy
from dataclasses import replace

from pydantic import Field

from shared.jobtypes.base import Parameters, RenderContext, RenderError, Rendering, Trait
from shared.jobtypes.objects import group_kind

_UNSCALABLE = frozenset({("batch", "Job"), ("batch", "CronJob"), ("apps", "DaemonSet"), ("", "Pod")})


class ScalerParameters(Parameters):
    """How many pods a component has."""

    replicas: int = Field(default=1, ge=0)
    """Number of pods."""


def apply(_context: RenderContext, parameters: ScalerParameters, rendering: Rendering) -> Rendering:
    """Set `spec.replicas`; raises RenderError where the workload has no such field."""
    workload = copy.deepcopy(rendering.workload)
    if workload is None or group_kind(workload) in _UNSCALABLE or not isinstance(workload.get("spec"), dict):
        what = "the component" if workload is None else f"a {workload['kind']}"
        raise RenderError("", "NotScalable", f"{what} has no number of replicas", "Remove the trait")
    workload["spec"]["replicas"] = parameters.replicas
    return replace(rendering, workload=workload)


SCALER = Trait(name="scaler", title="How many pods a component has", parameters=ScalerParameters, apply=apply)
