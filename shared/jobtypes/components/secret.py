"""`secret`: a Secret."""

from collections.abc import Iterator, Mapping
from typing import Any, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from shared.jobtypes.base import JobType, Parameters, RenderContext, Rendering, SecretLocation
from shared.jobtypes.declared import nothing_but
from shared.jobtypes.fields import Annotations, Data, Labels, NonEmpty, ObjectName
from shared.jobtypes.objects import new_object, present
from shared.jobtypes.rules import rule_for
from shared.jobtypes.secret_data import secret_data, secret_locations

_NEEDED: Mapping[str, tuple[str, ...]] = {
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
}
"""Keys without which Kubernetes refuses a Secret of that type."""


class SecretParameters(Parameters):
    """Credentials that others take variables from or mount."""

    name: ObjectName | None = None
    """Name of the Secret; the component's if left out."""
    type: NonEmpty = "Opaque"
    """What Kubernetes takes it for, such as `kubernetes.io/tls`."""
    data: Data = Field(default_factory=dict)
    """Its contents in base64; sealed before they leave the gateway."""
    stringData: Data = Field(default_factory=dict)
    """Its contents as plain text; sealed before they leave the gateway."""
    labels: Labels | None = None
    """Labels of the Secret."""
    annotations: Annotations | None = None
    """Annotations of the Secret."""

    @model_validator(mode="after")
    def _carries_data(self) -> Self:
        if not self.data and not self.stringData:
            raise PydanticCustomError("missing", "data or stringData is needed")
        lacks = [key for key in _NEEDED.get(self.type, ()) if key not in self.data and key not in self.stringData]
        if lacks:
            words = {"type": self.type, "keys": " and ".join(lacks)}
            raise PydanticCustomError("missing", "a Secret of type {type} needs the key {keys}", words)
        return self


def render(context: RenderContext, parameters: SecretParameters) -> Rendering:
    """Render a Secret; where several components carry the same one, the last of them counts.

    Raises RenderError for what is no base64.
    """
    manifest = new_object(context, "v1", "Secret", parameters.name or "")
    manifest["metadata"] |= present(labels=parameters.labels, annotations=parameters.annotations)
    manifest |= {"type": parameters.type, "data": secret_data(parameters.data, parameters.stringData, "")}
    return nothing_but(context, manifest)


def secrets(properties: Mapping[str, Any]) -> Iterator[SecretLocation]:
    """Point at all values."""
    name = properties.get("name")
    return secret_locations(properties, name if isinstance(name, str) else "", ())


SECRET = JobType(
    name="secret",
    title="Credentials that others mount or take variables from (Secret)",
    parameters=SecretParameters,
    render=render,
    kinds=frozenset({"v1/Secret"}),
    completion=rule_for,
    secrets=secrets,
    examples=({"stringData": {"user": "shop", "password": "change-me"}},),
)
