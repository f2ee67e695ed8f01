"""`helm`: a Helm chart by way of Flux, as KubeVela's addon fluxcd has it."""

from typing import Any

from shared.jobtypes.base import JobType, Parameters, nothing_rendered
from shared.jobtypes.fields import NonEmpty
from shared.jobtypes.flux import FluxSource
from shared.jobtypes.rules import rule_for


class ValuesReference(Parameters):
    """Values that stand elsewhere."""

    kind: NonEmpty
    """Kind of the object that has them: `Secret` or `ConfigMap`."""
    name: NonEmpty
    """Name of the object."""
    valuesKey: NonEmpty | None = None
    """Key in its data; `values.yaml` if left out."""
    targetPath: NonEmpty | None = None
    """Where among the values they go; everywhere if left out."""
    optional: bool | None = None
    """Go on without it if it is not there."""


class HelmParameters(FluxSource):
    """A Helm chart from a repository, a Git repository, a bucket or a registry."""

    chart: NonEmpty
    """Name of the chart, in Git and buckets the path to it."""
    version: NonEmpty = "*"
    """Version of the chart, or a range of versions."""
    targetNamespace: NonEmpty | None = None
    """Namespace of the release; the application's if left out."""
    releaseName: NonEmpty | None = None
    """Name of the release; the component's if left out."""
    values: dict[str, Any] | None = None
    """Values of the chart."""
    valuesFrom: list[ValuesReference] | None = None
    """Values that stand elsewhere."""


HELM = JobType(
    name="helm",
    title="A Helm chart by way of Flux",
    parameters=HelmParameters,
    render=nothing_rendered,
    kinds=frozenset({"*"}),
    completion=rule_for,
    refusal="Helm charts are rendered by a later version: until then render the chart and write it as k8s-objects",
    examples=({"repoType": "helm", "url": "https://charts.example", "chart": "redis", "version": "20.1.0"},),
)
