"""`k8s-update-strategy`: how pods of an old version give way to new ones."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal, Self

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from shared.contracts.cloning import clone
from shared.jobtypes.base import Parameters, RenderContext, RenderError, Rendering, Trait
from shared.jobtypes.fields import Count, NumberOrPercentage
from shared.jobtypes.objects import present

_FIELDS = {"Deployment": "strategy", "StatefulSet": "updateStrategy", "DaemonSet": "updateStrategy"}
_TYPES = {
    "Deployment": ("RollingUpdate", "Recreate"),
    "StatefulSet": ("RollingUpdate", "OnDelete"),
    "DaemonSet": ("RollingUpdate", "OnDelete"),
}
_ROLLING = {
    "Deployment": ("maxSurge", "maxUnavailable"),
    "StatefulSet": ("partition",),
    "DaemonSet": ("maxSurge", "maxUnavailable"),
}
_NONE = ("0", "0%")


class RollingStrategy(Parameters):
    """How fast pods are replaced."""

    maxSurge: NumberOrPercentage = "25%"
    """How many pods there may be beyond the wanted number; of Deployments and DaemonSets."""
    maxUnavailable: NumberOrPercentage = "25%"
    """How many pods may be missing; of Deployments and DaemonSets."""
    partition: Count = 0
    """Pods with a lower ordinal keep the old version; of StatefulSets."""


class Strategy(Parameters):
    """How pods are replaced."""

    type: Literal["RollingUpdate", "Recreate", "OnDelete"] = "RollingUpdate"
    """Step by step, all at once (Deployments), or as somebody deletes them (StatefulSets and DaemonSets)."""
    rollingStrategy: RollingStrategy | None = None
    """How fast; RollingUpdate needs it."""

    @model_validator(mode="after")
    def _rolling(self) -> Self:
        if self.type == "RollingUpdate" and self.rollingStrategy is None:
            raise PydanticCustomError("missing", "RollingUpdate needs rollingStrategy")
        return self


class UpdateStrategyParameters(Parameters):
    """How pods of an old version give way to new ones.

    KubeVela writes what `targetKind` says, whatever the workload is, and nothing for a type that the kind does not
    have; here both are errors. Of a DaemonSet Kubernetes takes either `maxSurge` or `maxUnavailable`, so a default
    gives way to what is written.
    """

    targetAPIVersion: str | None = None
    """Version of the workload; unlike in KubeVela (`apps/v1`) it is known if left out, and has to be true."""
    targetKind: Literal["Deployment", "StatefulSet", "DaemonSet"] | None = None
    """Kind of the workload; unlike in KubeVela (`Deployment`) it is known if left out, and has to be true."""
    strategy: Strategy
    """What is done to them."""


def apply(_context: RenderContext, parameters: UpdateStrategyParameters, rendering: Rendering) -> Rendering:
    """Set the strategy, instead of any other; raises RenderError where the workload has none of that type."""
    workload = clone(rendering.workload)
    kind = "" if workload is None else str(workload["kind"])
    if workload is None or kind not in _FIELDS or not isinstance(workload.get("spec"), dict):
        message = f"{f'a {kind}' if kind else 'the component'} has no update strategy"
        raise RenderError("", "NoUpdateStrategy", message, "Remove the trait")
    _check_target(parameters, workload)
    wanted = parameters.strategy
    if wanted.type not in _TYPES[kind]:
        message = f"a {kind} has no strategy {wanted.type}"
        raise RenderError("strategy.type", "StrategyNotAllowed", message, f"Take one of: {', '.join(_TYPES[kind])}")
    rolling = _rolling(kind, wanted.rollingStrategy) if wanted.type == "RollingUpdate" else None
    workload["spec"][_FIELDS[kind]] = present(type=wanted.type, rollingUpdate=rolling)
    return replace(rendering, workload=workload)


def _check_target(parameters: UpdateStrategyParameters, workload: Mapping[str, Any]) -> None:
    for path, field, given in (
        ("targetAPIVersion", "apiVersion", parameters.targetAPIVersion),
        ("targetKind", "kind", parameters.targetKind),
    ):
        if given is not None and given != workload[field]:
            message = f"the workload's {field} is {workload[field]}, not {given}"
            raise RenderError(path, "TargetMismatch", message, "Leave it out: it is known")


def _rolling(kind: str, given: RollingStrategy | None) -> dict[str, Any] | None:
    if given is None:
        return None
    values = {field: _number_or_percent(getattr(given, field)) for field in _ROLLING[kind]}
    if kind != "DaemonSet":
        if kind == "Deployment" and all(value in (*_NONE, 0) for value in values.values()):
            message = "with neither maxSurge nor maxUnavailable no pod could be replaced"
            raise RenderError("strategy.rollingStrategy", "StrategyNotAllowed", message, "Allow one of them")
        return values
    written = {field: getattr(given, field) not in _NONE for field in values if field in given.model_fields_set}
    if len(written) == len(values) and len(set(written.values())) == 1:
        message = "a DaemonSet has either maxSurge or maxUnavailable"
        raise RenderError("strategy.rollingStrategy", "StrategyNotAllowed", message, "Leave one of them out")
    # Nothing written: as Kubernetes does it by itself, pods of the old version go first.
    kept = next((field for field in ("maxUnavailable", "maxSurge") if written.get(field)), None) or next(
        field for field in ("maxUnavailable", "maxSurge") if field not in written
    )
    return {field: value if field == kept else 0 for field, value in values.items()}


def _number_or_percent(value: str | int) -> str | int:
    """Kubernetes takes a number only as such, and a text only as percentage."""
    return int(value) if isinstance(value, str) and value.isdecimal() else value


K8S_UPDATE_STRATEGY = Trait(
    name="k8s-update-strategy",
    title="How pods of an old version give way to new ones",
    parameters=UpdateStrategyParameters,
    apply=apply,
    examples=({"strategy": {"type": "RollingUpdate", "rollingStrategy": {"maxSurge": "1", "maxUnavailable": "0"}}},),
)
