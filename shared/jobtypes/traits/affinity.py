"""`affinity`: near which pods and on which nodes the component's pods run."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from shared.jobtypes.base import Parameters, RenderContext, Rendering, Trait
from shared.jobtypes.fields import LabelKey, LabelName, LabelValue, ObjectName
from shared.jobtypes.objects import present
from shared.jobtypes.podpatch import merged_pod
from shared.jobtypes.probes import Closed
from shared.jobtypes.selectors import LabelSelector, check_values

Weight = Annotated[int, Field(ge=1, le=100)]
_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"


class PodAffinityTerm(Closed):
    """Pods to be near to, or away from."""

    labelSelector: LabelSelector | None = None
    """Labels of the pods."""
    namespace: LabelName | None = None
    """A namespace of theirs. KubeVela writes a field that Kubernetes does not have; we add it to `namespaces`."""
    namespaces: list[LabelName] | None = None
    """Their namespaces; the component's own if left out."""
    topologyKey: LabelKey
    """Label of the nodes within one value of which is near, such as `kubernetes.io/hostname`."""
    namespaceSelector: LabelSelector | None = None
    """Labels of their namespaces."""


class WeightedPodAffinityTerm(Parameters):
    """Pods that are preferred, by how much."""

    weight: Weight
    """1 to 100."""
    podAffinityTerm: PodAffinityTerm
    """The pods."""


class PodAffinity(Parameters):
    """Pods to be near to, or away from."""

    required: list[PodAffinityTerm] | None = None
    """All of these have to hold for a node."""
    preferred: list[WeightedPodAffinityTerm] | None = None
    """The more of these hold for a node, the better."""


class NodeRequirement(Closed):
    """A condition on a label or field of a node."""

    key: LabelKey
    """Name of the label or field."""
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"] = "In"
    """How it compares."""
    values: list[str] | None = None
    """Values; one number for `Gt` and `Lt`."""

    @model_validator(mode="after")
    def _values_of_its_operator(self) -> Self:
        check_values(self.operator, self.values)
        return self


class FieldRequirement(Closed):
    """A condition on a field of a node."""

    key: Literal["metadata.name"]
    """Name of the field: there is one."""
    operator: Literal["In", "NotIn"] = "In"
    """How it compares."""
    values: list[ObjectName] = Field(min_length=1, max_length=1)
    """The value."""


class NodeSelectorTerm(Closed):
    """Nodes for which all conditions hold."""

    matchExpressions: list[NodeRequirement] | None = None
    """Conditions on labels."""
    matchFields: list[FieldRequirement] | None = None
    """Conditions on fields, such as `metadata.name`."""


class RequiredNodes(Parameters):
    """Nodes to choose from."""

    nodeSelectorTerms: list[NodeSelectorTerm] = Field(min_length=1)
    """One of these has to hold for a node."""


class PreferredNodes(Parameters):
    """Nodes that are preferred, by how much."""

    weight: Weight
    """1 to 100."""
    preference: NodeSelectorTerm
    """The nodes."""


class NodeAffinity(Parameters):
    """Nodes to run on."""

    required: RequiredNodes | None = None
    """Nodes to choose from."""
    preferred: list[PreferredNodes] | None = None
    """The more of these hold for a node, the better."""


class Toleration(Parameters):
    """A taint of nodes that does not keep the pods away."""

    key: LabelKey | Literal[""] | None = None
    """Name of the taint; any if left out, with `Exists`."""
    operator: Literal["Equal", "Exists"] = "Equal"
    """Whether the value has to be equal."""
    value: LabelValue | None = None
    """Value of the taint."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint; any if left out."""
    tolerationSeconds: int | None = None
    """Seconds for which `NoExecute` is tolerated; for ever if left out."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.operator == "Equal" and not self.key:
            raise PydanticCustomError("missing", "the operator Equal needs a key; any taint is meant by Exists")
        if self.operator == "Exists" and self.value:
            raise PydanticCustomError("two_forms", "the operator Exists takes no value")
        if self.tolerationSeconds is not None and self.effect != "NoExecute":
            raise PydanticCustomError("two_forms", "tolerationSeconds is for the effect NoExecute")
        return self


class AffinityParameters(Parameters):
    """Near which pods and on which nodes the component's pods run."""

    podAffinity: PodAffinity | None = None
    """Pods to be near to."""
    podAntiAffinity: PodAffinity | None = None
    """Pods to be away from."""
    nodeAffinity: NodeAffinity | None = None
    """Nodes to run on."""
    tolerations: list[Toleration] | None = None
    """Taints of nodes that do not keep the pods away."""


def apply(_context: RenderContext, parameters: AffinityParameters, rendering: Rendering) -> Rendering:
    """Merge affinity and tolerations into the pods; raises RenderError where they contradict what is there."""
    affinity = present(
        podAffinity=_pods(parameters.podAffinity),
        podAntiAffinity=_pods(parameters.podAntiAffinity),
        nodeAffinity=_nodes(parameters.nodeAffinity),
    )
    tolerations = [_written(toleration) for toleration in parameters.tolerations or ()]
    return merged_pod(rendering, present(affinity=affinity or None, tolerations=tolerations or None))


def _pods(affinity: PodAffinity | None) -> dict[str, Any] | None:
    if affinity is None:
        return None
    required = [_term(term) for term in affinity.required or ()]
    preferred = [
        {"weight": term.weight, "podAffinityTerm": _term(term.podAffinityTerm)} for term in affinity.preferred or ()
    ]
    return present(**{_REQUIRED: required or None, _PREFERRED: preferred or None}) or None


def _term(term: PodAffinityTerm) -> dict[str, Any]:
    written = _written(term)
    namespace = written.pop("namespace", None)
    if namespace is not None:
        written["namespaces"] = list(dict.fromkeys([*written.get("namespaces", ()), namespace]))
    return written


def _nodes(affinity: NodeAffinity | None) -> dict[str, Any] | None:
    if affinity is None:
        return None
    required = None if affinity.required is None else _written(affinity.required)
    preferred = [_written(preference) for preference in affinity.preferred or ()]
    return present(**{_REQUIRED: required, _PREFERRED: preferred or None}) or None


def _written(parameters: Parameters) -> dict[str, Any]:
    return parameters.model_dump(mode="json", exclude_none=True)


AFFINITY = Trait(
    name="affinity",
    title="Near which pods and on which nodes the component's pods run",
    parameters=AffinityParameters,
    apply=apply,
    examples=(
        {
            "podAntiAffinity": {
                "required": [
                    {
                        "labelSelector": {"matchLabels": {"app.oam.dev/component": "web"}},
                        "topologyKey": "kubernetes.io/hostname",
                    }
                ]
            },
            "tolerations": [{"key": "dedicated", "value": "web", "effect": "NoSchedule"}],
        },
    ),
)
