"""`helmchart`: a Helm chart, from a repository, a registry or an archive."""

from typing import Any, Literal

from pydantic import Field

from shared.jobtypes.base import JobType, Parameters, nothing_rendered
from shared.jobtypes.fields import NonEmpty
from shared.jobtypes.rules import rule_for


class SecretName(Parameters):
    """A Secret in the application's namespace."""

    name: NonEmpty
    """Its name."""


class ChartAuth(Parameters):
    """Credentials for the repository."""

    secretRef: SecretName | None = None
    """Secret with user name and password."""


class Chart(Parameters):
    """A chart and where it is."""

    source: NonEmpty
    """Name of a chart in `repoURL`, an address that begins with `oci://`, or that of a `.tgz` archive."""
    repoURL: NonEmpty | None = None
    """Address of the repository."""
    version: NonEmpty | None = None
    """Version of the chart; the newest if left out."""
    auth: ChartAuth | None = None
    """Credentials for the repository."""


class Release(Parameters):
    """What the release is called."""

    name: NonEmpty | None = None
    """Name of the release; the component's if left out."""
    namespace: NonEmpty | None = None
    """Its namespace; the application's if left out."""


class ValuesSource(Parameters):
    """Values that stand elsewhere."""

    kind: Literal["Secret", "ConfigMap"]
    """Kind of the object that has them."""
    name: NonEmpty
    """Name of the object."""
    key: NonEmpty = "values.yaml"
    """Key in its data."""
    optional: bool = False
    """Go on without it if it is not there."""


class HealthResource(Parameters):
    """An object of the chart."""

    kind: NonEmpty
    """Its kind."""
    name: NonEmpty | None = None
    """Its name; any of that kind if left out."""


class HealthCondition(Parameters):
    """A condition in an object's status."""

    type: NonEmpty
    """Type of the condition."""
    status: NonEmpty = "True"
    """The status that means healthy."""


class HealthStatus(Parameters):
    """What has to hold for the chart to be healthy."""

    resource: HealthResource
    """The object that is looked at."""
    condition: HealthCondition
    """The condition it has to have."""


class Options(Parameters):
    """How the chart is installed."""

    includeCRDs: bool = True
    """Install the chart's CustomResourceDefinitions too."""
    skipTests: bool = True
    """Leave the chart's tests out."""
    createNamespace: bool = True
    """Create the release's namespace if it is not there."""
    timeout: NonEmpty = "5m"
    """How long the installation may take."""
    maxHistory: int = Field(default=10, ge=0)
    """How many revisions of the release are kept."""
    skipHooks: bool = False
    """Leave the chart's hooks out."""
    atomic: bool = False
    """Undo an installation that fails."""
    wait: bool = False
    """Wait until everything is ready."""
    force: bool = False
    """Replace what cannot be changed."""
    recreatePods: bool = False
    """Restart the pods."""
    cleanupOnFail: bool = False
    """Remove what a failed upgrade created."""


class HelmChartParameters(Parameters):
    """A Helm chart with its values."""

    chart: Chart
    """Where the chart is."""
    release: Release | None = None
    """What the release is called."""
    values: dict[str, Any] | None = None
    """Values of the chart; they win over those of `valuesFrom`."""
    valuesFrom: list[ValuesSource] | None = None
    """Values that stand elsewhere; the later wins, and lists are replaced."""
    healthStatus: list[HealthStatus] | None = None
    """What has to hold for the chart to be healthy."""
    options: Options | None = None
    """How the chart is installed."""


HELMCHART = JobType(
    name="helmchart",
    title="A Helm chart",
    parameters=HelmChartParameters,
    render=nothing_rendered,
    kinds=frozenset({"*"}),
    completion=rule_for,
    refusal="Helm charts are rendered by a later version: until then render the chart and write it as k8s-objects",
    examples=({"chart": {"source": "redis", "repoURL": "https://charts.example", "version": "20.1.0"}},),
)
