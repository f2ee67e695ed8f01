"""`raw`: one Kubernetes object; KubeVela's older spelling of `k8s-objects`."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ConfigDict

from shared.jobtypes.base import JobType, Parameters, RenderContext, Rendering, SecretLocation
from shared.jobtypes.fields import NonEmpty
from shared.jobtypes.rules import rule_for
from shared.jobtypes.verbatim import verbatim, verbatim_secrets


class RawParameters(Parameters):
    """The properties are the object itself, of any kind that an admin has granted; it is waited for by its kind."""

    model_config = ConfigDict(extra="allow")

    apiVersion: NonEmpty
    """Group and version of the object."""
    kind: NonEmpty
    """Kind of the object."""


def render(context: RenderContext, parameters: RawParameters) -> Rendering:
    """Take the object as it is, less what only the API server writes."""
    given = parameters.model_dump(exclude_unset=True)
    return Rendering(workload=verbatim(context, given, path="", name=context.component))


def secrets(properties: Mapping[str, Any]) -> Iterator[SecretLocation]:
    """Point at the values if the object is a Secret."""
    return verbatim_secrets(properties, ())


RAW = JobType(
    name="raw",
    title="One Kubernetes object as it is written (older spelling of k8s-objects)",
    parameters=RawParameters,
    render=render,
    kinds=frozenset({"*"}),
    completion=rule_for,
    verbatim=True,
    secrets=secrets,
    successor="k8s-objects",
    examples=({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "colours"}, "data": {"primary": "blue"}},),
)
