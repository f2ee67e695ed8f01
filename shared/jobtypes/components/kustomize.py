"""`kustomize`: manifests and their overlays by way of Flux, as KubeVela's addon fluxcd has it."""

from shared.jobtypes.base import JobType, nothing_rendered
from shared.jobtypes.fields import NonEmpty
from shared.jobtypes.flux import FluxSource
from shared.jobtypes.rules import rule_for


class KustomizeParameters(FluxSource):
    """Manifests of a repository or a bucket, put together by Kustomize."""

    path: NonEmpty
    """Directory with the kustomization."""


KUSTOMIZE = JobType(
    name="kustomize",
    title="Manifests and their overlays by way of Flux",
    parameters=KustomizeParameters,
    render=nothing_rendered,
    kinds=frozenset({"*"}),
    completion=rule_for,
    refusal="kustomizations are built by a later version: until then build them and write the result as k8s-objects",
    examples=({"repoType": "git", "url": "https://git.example/shop", "path": "./overlays/prod"},),
)
