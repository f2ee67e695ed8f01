"""`k8s-objects`: Kubernetes objects as they are written."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from shared.contracts.identity import ObjectKey
from shared.contracts.naming import joined
from shared.jobtypes.base import JobType, Parameters, RenderContext, RenderError, Rendering, SecretLocation
from shared.jobtypes.rules import rule_for
from shared.jobtypes.verbatim import verbatim, verbatim_secrets


class K8sObjectsParameters(Parameters):
    """Kubernetes objects of any kind that an admin has granted.

    Each is waited for by the rules of kstatus, custom resources included. KubeVela takes all of them for healthy at
    once.
    """

    objects: list[dict[str, Any]] = Field(min_length=1)
    """The objects; traits patch the first. A namespace may only be the application's, names may not be generated."""


def render(context: RenderContext, parameters: K8sObjectsParameters) -> Rendering:
    """Take the objects as they are, less what only the API server writes.

    Raises RenderError for an object that is incomplete, generates its name, appears twice or wants another namespace.
    """
    by_key: dict[ObjectKey, dict[str, Any]] = {}
    for index, given in enumerate(parameters.objects):
        manifest = verbatim(context, given, path=f"objects[{index}]", name=_default_name(context, given, index))
        key = ObjectKey.of(manifest)
        if by_key.setdefault(key, manifest) is not manifest:
            raise RenderError(f"objects[{index}]", "ObjectNotUnique", f"{key} is there twice", "Leave one of them")
    workload, *others = by_key.values()
    return Rendering(workload=workload, others=tuple(others))


def _default_name(context: RenderContext, given: Mapping[str, Any], index: int) -> str:
    if index == 0:
        return context.component
    return joined(context.component, str(given.get("kind", "")).lower(), str(index))


def secrets(properties: Mapping[str, Any]) -> Iterator[SecretLocation]:
    """Point at the values of the Secrets among the objects."""
    objects = properties.get("objects")
    for index, given in enumerate(objects if isinstance(objects, list) else ()):
        yield from verbatim_secrets(given, ("objects", index))


K8S_OBJECTS = JobType(
    name="k8s-objects",
    title="Kubernetes objects as they are written",
    parameters=K8sObjectsParameters,
    render=render,
    kinds=frozenset({"*"}),
    completion=rule_for,
    verbatim=True,
    secrets=secrets,
    examples=(
        {
            "objects": [
                {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "robot"}},
                {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "colours"}, "data": {"primary": "blue"}},
            ]
        },
    ),
)
