"""Who says how many pods a workload has: the document, or an autoscaler to which the field is left."""

from collections.abc import Iterable
from dataclasses import replace

from shared.contracts.cloning import clone
from shared.contracts.completion import read_path
from shared.contracts.plan import Finding, Manifest
from shared.jobtypes.base import RenderContext, RenderError, Rendering
from shared.jobtypes.objects import group_kind, mapping

_UNSCALABLE = frozenset({("batch", "Job"), ("batch", "CronJob"), ("apps", "DaemonSet"), ("", "Pod")})
_SCALABLE = frozenset({("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "ReplicaSet")})
"""These have the field even where the document leaves out the whole spec, as for an object that is there already."""
_AUTOSCALERS = frozenset({("autoscaling", "HorizontalPodAutoscaler"), ("keda.sh", "ScaledObject")})


def scalable(rendering: Rendering) -> Manifest:
    """Return the workload; raises RenderError where it has no number of replicas."""
    workload = rendering.workload
    if workload is None or not _has_replicas(workload):
        what = "the component" if workload is None else f"a {workload['kind']}"
        raise RenderError("", "NotScalable", f"{what} has no number of replicas", "Remove the trait")
    return workload


def _has_replicas(workload: Manifest) -> bool:
    kind = group_kind(workload)
    if workload.get("spec") is None:
        return kind in _SCALABLE
    return isinstance(workload["spec"], dict) and kind not in _UNSCALABLE


def autoscaler_of(workload: Manifest, others: Iterable[Manifest]) -> Manifest | None:
    """The autoscaler that owns the workload's `spec.replicas`, if one of `others` does."""
    return next((other for other in others if _scales(other, workload)), None)


def _scales(autoscaler: Manifest, workload: Manifest) -> bool:
    if group_kind(autoscaler) not in _AUTOSCALERS:
        return False
    # KEDA takes a Deployment where no kind is given.
    kind = read_path(autoscaler, "spec.scaleTargetRef.kind") or "Deployment"
    name = read_path(autoscaler, "spec.scaleTargetRef.name")
    return bool(kind == workload.get("kind") and name == read_path(workload, "metadata.name"))


def autoscaled(context: RenderContext, rendering: Rendering, autoscaler: Manifest) -> Rendering:
    """Add the autoscaler and leave the number of replicas to it: what we do not send is not reverted.

    Raises RenderError where there is an autoscaler of the workload already.
    """
    workload = clone(scalable(rendering))
    other = autoscaler_of(workload, rendering.others)
    if other is not None:
        message = f"there is a {other['kind']} for it already: they would fight over the number of replicas"
        raise RenderError("", "AutoscalerNotUnique", message, "Leave one autoscaler")
    warnings = rendering.warnings
    if mapping(workload, "spec").pop("replicas", None) is not None:
        warnings += (_left(context, autoscaler, "the number of replicas that was given before"),)
    return replace(rendering, workload=workload, others=(*rendering.others, autoscaler), warnings=warnings)


def scaled(context: RenderContext, rendering: Rendering, replicas: int) -> Rendering:
    """Set `spec.replicas`, unless an autoscaler owns it; raises RenderError where there is no such field."""
    workload = clone(scalable(rendering))
    autoscaler = autoscaler_of(workload, rendering.others)
    if autoscaler is not None:
        left = _left(context, autoscaler, "this number of replicas")
        return replace(rendering, warnings=(*rendering.warnings, left))
    workload["spec"] = {**mapping(workload, "spec"), "replicas": replicas}
    return replace(rendering, workload=workload)


def _left(context: RenderContext, autoscaler: Manifest, what: str) -> Finding:
    return Finding(
        path=context.path,
        code="ReplicasAutoscaled",
        message=f"{what} has no effect: the {autoscaler['kind']} decides",
        remedy="Leave the scaler out.",
    )


def target(rendering: Rendering, **given: tuple[str, str | None]) -> dict[str, str]:
    """Render the reference of an autoscaler to the workload, of whatever kind it is.

    `apiVersion`, `kind` and `name` may be given, each with its parameter's path. Raises RenderError where one is wrong.
    """
    workload = scalable(rendering)
    known = {
        "apiVersion": workload["apiVersion"],
        "kind": workload["kind"],
        "name": workload["metadata"]["name"],
    }
    for field, (path, value) in given.items():
        if value is not None and value != known[field]:
            message = f"the workload's {field} is {known[field]}, not {value}"
            raise RenderError(path, "TargetMismatch", message, "Leave it out: it is known")
    return known


def released(rendering: Rendering) -> Rendering:
    """Take the number of replicas out of every object that an autoscaler of the same component owns.

    Traits do so as they add one; this is for objects that are written out, and for patches that came later.
    """
    every = [*rendering.others] if rendering.workload is None else [rendering.workload, *rendering.others]
    left = [_without_replicas(manifest) if autoscaler_of(manifest, every) else manifest for manifest in every]
    if rendering.workload is None:
        return replace(rendering, others=tuple(left))
    return replace(rendering, workload=left[0], others=tuple(left[1:]))


def _without_replicas(manifest: Manifest) -> Manifest:
    spec = manifest.get("spec")
    if not isinstance(spec, dict):
        return manifest
    return {**manifest, "spec": {field: value for field, value in spec.items() if field != "replicas"}}
